"""An HTTP connection to one judged address, every byte of which must come before a deadline.

The time limit of a socket is one of each read: a server that drips headers, or says 100 Continue for ever, never runs into it.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def connect(scheme: str, host: str, address: tuple[str, int], deadline: float, idle_s: float) -> Iterator[http.client.HTTPConnection]:
    """Connect to `address`, and to no other, as `host`; closed when the block ends.

    Raises:
        OSError: it cannot be reached by the deadline, or is not who it should be.
    """
    raw = socket.create_connection(address, timeout=_left(deadline, idle_s))
    with contextlib.closing(raw):
        stream = ssl.create_default_context().wrap_socket(raw, server_hostname=host) if scheme == "https" else raw
        with contextlib.closing(stream):
            connection = http.client.HTTPConnection(host, address[1])
            connection.sock = _TimedSocket(stream, deadline, idle_s)
            yield connection


def _left(deadline: float, idle_s: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("it takes too long")
    return min(left, idle_s)


class _TimedSocket:
    """What `http.client` uses of a socket; each read and write may take what is left until the deadline, and `idle_s` at most."""

    def __init__(self, sock: socket.socket, deadline: float, idle_s: float) -> None:
        self._sock = sock
        self._deadline = deadline
        self._idle_s = idle_s

    def sendall(self, data: Any) -> None:
        self._sock.settimeout(_left(self._deadline, self._idle_s))
        self._sock.sendall(data)

    def recv_into(self, buffer: Any) -> int:
        self._sock.settimeout(_left(self._deadline, self._idle_s))
        return self._sock.recv_into(buffer)

    def makefile(self, mode: str, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """Do nothing: `http.client` closes before it has read a body without a length; `connect` closes in the end."""


class _Reader(io.RawIOBase):
    def __init__(self, sock: _TimedSocket) -> None:
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._sock.recv_into(buffer)
