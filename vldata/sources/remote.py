"""Fetching pictures over http(s), for --allow-remote alone: bounded in size and time, and never from a private address.

Every hop is resolved here and the connection made to the address that was judged, so that a name cannot point elsewhere in between. No
header of ours tells who asks, and nothing is sent along a redirect.
"""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar
from urllib.parse import urljoin, urlsplit, urlunsplit

from vldata.sources import addresses
from vldata.sources.connecting import connect
from vldata.sources.errors import RowError
from vldata.sources.locate import plain_url

MAX_BYTES = 32 * 1024 * 1024
IDLE_TIMEOUT_S = 15.0
TOTAL_TIMEOUT_S = 60.0
_ATTEMPTS = 3
_REDIRECTS = 4
_THREADS = 16
_RETRIED = frozenset({408, 429, 500, 502, 503, 504})

T = TypeVar("T")
R = TypeVar("R")


class _Again(Exception):
    """A failure that may pass: connection, time-out, a busy server."""


def fetch(url: str) -> bytes:
    """Fetch one picture, in `TOTAL_TIMEOUT_S` with all redirects and further attempts.

    Raises:
        RowError: VL213 with the reason.
    """
    reason = ""
    deadline = time.monotonic() + TOTAL_TIMEOUT_S
    for attempt in range(_ATTEMPTS):
        try:
            return _follow(url, deadline)
        except _Again as error:
            reason = str(error)
            if time.monotonic() >= deadline:
                raise RowError("VL213", f"{plain_url(url)}: it takes more than {TOTAL_TIMEOUT_S:g} s.") from None
            if attempt + 1 < _ATTEMPTS:
                time.sleep(random.uniform(0, min(8.0, 0.5 * 2**attempt)))
    raise RowError("VL213", f"{plain_url(url)}: {reason}, {_ATTEMPTS} times.")


def _follow(url: str, deadline: float) -> bytes:
    for _ in range(_REDIRECTS):
        found = _get(url, deadline)
        if isinstance(found, bytes):
            return found
        url = urljoin(url, found)
    raise RowError("VL213", f"{plain_url(url)}: more than {_REDIRECTS - 1} redirects.")


def _get(url: str, deadline: float) -> bytes | str:
    """Return the body, or where it has moved."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise RowError("VL213", f"{plain_url(url)}: its port is no number.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RowError("VL213", f"{plain_url(url)}: only http and https are fetched.")
    address = public_address(parts.hostname, port or (443 if parts.scheme == "https" else 80), deadline)
    target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    headers = {"Host": parts.netloc.rpartition("@")[2], "Accept": "image/*", "User-Agent": "vlkit"}
    try:
        with connect(parts.scheme, parts.hostname, address, deadline, IDLE_TIMEOUT_S) as connection:
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            if answer.status in (301, 302, 303, 307, 308) and (moved := answer.getheader("Location")):
                return moved
            if answer.status in _RETRIED:
                raise _Again(f"the server answers {answer.status}")
            if answer.status != 200:
                raise RowError("VL213", f"{plain_url(url)}: the server answers {answer.status}.")
            return _read(answer, url)
    except RowError:  # a verdict, which asking again would not change
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _Again(f"{type(error).__name__}: {error}") from None


def public_address(host: str, port: int, deadline: float) -> tuple[str, int]:
    """Resolve a host to an address that anyone may reach.

    Raises:
        RowError: one of its addresses is private, of this machine, of many, or stands for another address.
    """
    try:
        found = addresses.resolve(host, port, deadline)
    except (OSError, UnicodeError) as error:
        raise _Again(f"{host!r} is not known: {error}") from None
    if not found or not all(map(addresses.is_public, found)):
        raise RowError("VL213", f"{host!r} is a private address; nothing is fetched from there.")
    return found[0], port


def _read(answer: http.client.HTTPResponse, url: str) -> bytes:
    body = bytearray()
    while block := answer.read1(1 << 16):
        body += block
        if len(body) > MAX_BYTES:
            raise RowError("VL213", f"{plain_url(url)}: it has more than {MAX_BYTES:,} bytes.")
    length = answer.getheader("Content-Length")
    if length is not None and length.isdecimal() and int(length) != len(body):
        raise _Again(f"{len(body):,} of {int(length):,} bytes came")
    return bytes(body)


def map_ahead(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yield `work(item)` in order, a few items ahead on threads: waiting for servers is done together.

    The threads are daemons and nobody waits for them, so that an interrupt need not sit out a server that does not answer.
    """
    tasks: SimpleQueue[tuple[Future[R], T] | None] = SimpleQueue()
    waiting: deque[Future[R]] = deque()
    for _ in range(_THREADS):
        threading.Thread(target=_serve, args=(work, tasks), daemon=True).start()
    try:
        for item in items:
            waiting.append(Future())
            tasks.put((waiting[-1], item))
            if len(waiting) > 2 * _THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
        for _ in range(_THREADS):
            tasks.put(None)


def _serve(work: Callable[[T], R], tasks: SimpleQueue[tuple[Future[R], T] | None]) -> None:
    while (task := tasks.get()) is not None:
        future, item = task
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work(item))
            except BaseException as error:  # whoever waits for the result raises it
                future.set_exception(error)
