"""One writer at a time: advisory locks that die with their process and name their holder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from vldata.causes import write_error
from vldata.errors import DataError


@contextlib.contextmanager
def hold(path: Path, what: str, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock file `path` for the length of the block; the file is gone afterwards.

    Args:
        path: the lock file; its folder is made when absent.
        what: what is locked, for the message.
        wait: wait for the holder instead of failing; only for locks that are held for milliseconds.

    Raises:
        DataError: another process holds it; the message names it.
    """
    handle = _acquire(path, what, wait=wait)
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()  # while we hold it: whoever opened this file before finds it replaced and tries again
        os.close(handle)


def _acquire(path: Path, what: str, *, wait: bool) -> int:
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise write_error(path, error) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if _still_named(handle, path):
                return handle
        except BlockingIOError:
            holder = os.read(handle, 200).decode("utf-8", "replace").strip() or "another process"
            os.close(handle)
            raise DataError(f"{what} is in use by {holder}.", where=str(path.parent), cure="Wait for it to end, or end it.") from None
        except OSError as error:
            os.close(handle)
            raise DataError(f"cannot be locked: {error.strerror or error}.", where=str(path)) from None
        os.close(handle)


def _still_named(handle: int, path: Path) -> bool:
    try:
        named = path.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(handle)
    return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)
