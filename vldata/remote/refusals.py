"""What the refusals of object stores mean, and how long one waits: a busy store is asked again, a closed one is not.

The text of a store's answer is not shown: it may hold a signed address or a key id. Its code is.
"""

from __future__ import annotations

import errno
import random
import time
from collections.abc import Callable
from typing import NoReturn, TypeVar

from vldata.errors import DataError

PATIENCE_S = 120.0
_UNREACHABLE_ATTEMPTS = 3
_CHANGED_ATTEMPTS = 4
_LONGEST_PAUSE_S = 16.0

T = TypeVar("T")

_BUSY_CODES = frozenset({"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "OperationAborted", "ThrottlingException",
                         "TooManyRequests", "500", "502", "503", "504", "429"})  # fmt: skip
_LOST_CODES = frozenset({"InvalidPart", "NoSuchUpload", "BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch"})
_BUSY_ERRNOS = frozenset({errno.EBUSY, errno.EREMOTEIO})
_TORN = frozenset({"IncompleteRead", "ClientPayloadError", "ResponseStreamingError", "FSTimeoutError", "ReadTimeoutError",
                   "ServerDisconnectedError", "ConnectionClosedError", "HTTPClientError"})  # fmt: skip
_UNREACHABLE = frozenset({"EndpointConnectionError", "ConnectTimeoutError", "ClientConnectorError", "ClientConnectorDNSError",
                          "ServiceRequestError", "ConnectError", "ProxyConnectionError"})  # fmt: skip
_NO_CREDENTIALS = frozenset({"NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError", "ProfileNotFound",
                             "ClientAuthenticationError", "TokenRetrievalError", "LocalTokenNotFoundError"})  # fmt: skip


class Changed(Exception):
    """What came or what is there is not what was told before; asked again a few times. The message is a clause."""


def patiently(work: Callable[[], T], where: str) -> T:
    """Do a request, and again while the store is busy, for `PATIENCE_S` in all.

    Raises:
        DataError: the store refuses, cannot be reached, or stays busy.
        FileNotFoundError: there is no such object.
    """
    began, attempt = time.monotonic(), 0
    while True:
        attempt += 1
        try:
            return work()
        except DataError:
            raise
        except Exception as error:
            if isinstance(error, FileNotFoundError) and not _lost(error):
                raise
            kind = _kind(error)
            waited = time.monotonic() - began
            limit = {"unreachable": _UNREACHABLE_ATTEMPTS, "changed": _CHANGED_ATTEMPTS}.get(kind, 1_000_000)
            if not kind or attempt >= limit or waited >= PATIENCE_S:
                _refuse(error, kind, where, attempt, waited)
        time.sleep(min(random.uniform(0.5, 1) * 0.5 * 2 ** min(attempt, 10), _LONGEST_PAUSE_S, max(0.0, PATIENCE_S - waited)))


def code_of(error: BaseException | None) -> str:
    """The code of a store's answer, "" where nobody answered."""
    for one in (error, getattr(error, "__cause__", None)):
        response = getattr(one, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
        for name in ("status_code", "code", "status"):
            for holder in (one, response):
                if isinstance(value := getattr(holder, name, None), int):
                    return str(value)
    return ""


def _lost(error: BaseException) -> bool:
    return code_of(error) in _LOST_CODES


def _kind(error: BaseException) -> str:
    """Why asking again may help: busy, lost, unreachable, changed; "" where it will not."""
    names = {cls.__name__ for one in (error, error.__cause__) if one is not None for cls in type(one).__mro__}
    if isinstance(error, Changed):
        return "changed"
    if _lost(error):
        return "lost"
    if names & _UNREACHABLE or isinstance(error, ConnectionRefusedError):
        return "unreachable"
    if code_of(error) in _BUSY_CODES or names & _TORN or isinstance(error, TimeoutError | ConnectionError):
        return "busy"
    return "busy" if isinstance(error, OSError) and error.errno in _BUSY_ERRNOS else ""


def _refuse(error: BaseException, kind: str, where: str, attempt: int, waited: float) -> NoReturn:
    names = {cls.__name__ for one in (error, error.__cause__) if one is not None for cls in type(one).__mro__}
    code = code_of(error)
    shown = code or type(error.__cause__ or error).__name__
    tried = f"{attempt} times in {waited:.0f} s"
    if names & _NO_CREDENTIALS:
        what, cure = f"no credentials were found ({shown}).", "Give them as the store's own tools take them: a profile, or the environment."
    elif isinstance(error, PermissionError) or code in ("401", "403"):
        what = f"the store refuses: {shown}."
        cure = "These credentials do not allow it, or have ended: see which ones are used, and what they may do."
    elif kind == "unreachable":
        what, cure = f"the store cannot be reached ({shown}), {tried}.", "See whether the network is well and the endpoint is right."
    elif kind == "changed":
        what, cure = f"{error}, {tried}.", "Somebody writes it now, or the store is not well: run the same command again later."
    elif kind:
        why = "lost a part of what was sent" if kind == "lost" else "is busy or drops the connection"
        what = f"the store {why} ({shown}), {tried}."
        cure = "Wait, then run the same command again: what was fetched or sent stays."
    elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise error
    else:
        what, cure = (
            f"the store's answer is not understood ({shown}).",
            "See whether the store's own tools open it.",
        )
        if not isinstance(error, OSError) and not code:
            raise error  # a bug of ours or of a library: with its traceback
    raise DataError(what, where=where, cure=cure) from None
