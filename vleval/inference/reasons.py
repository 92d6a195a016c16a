"""Why a connection failed, in words: the client library's own are names of its classes."""

from __future__ import annotations

import os
import ssl

import aiohttp

from vleval.inference.retry import as_sentence


def reason_of(error: BaseException) -> str:
    """Say why no reply came, at most 300 characters."""
    return _reason(error)[:300]


def no_server(error: BaseException) -> str:
    """Say that nothing answers at an address, and why."""
    return as_sentence(f"no server answers: {reason_of(error)}")


def _reason(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"no machine of the name {error.host!r} is known"
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return f"no secure connection comes about ({_cause(error)})"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{error.host}:{error.port} cannot be reached ({_cause(error)})"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection"
    if isinstance(error, TimeoutError):
        return "it takes too long"
    if isinstance(error, OSError):
        return f"the connection broke off ({_cause(error)})"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the reply breaks off, or cannot be unpacked"
    if isinstance(error, aiohttp.ClientResponseError):
        return f"the reply is not HTTP as it should be ({error.message.splitlines()[0] if error.message else 'no reason given'})"
    return str(error) or "the connection failed"


def _cause(error: BaseException) -> str:
    """The operating system's words: those of the first error within that has a number."""
    inner = getattr(error, "os_error", error)
    if isinstance(inner, ssl.SSLError):
        return inner.reason or "unknown"
    number = getattr(inner, "errno", None)
    return os.strerror(number) if isinstance(number, int) and number > 0 else "refused at every address"
