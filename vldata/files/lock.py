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
from vldata.files import inside


@contextlib.contextmanager
def hold(path: Path, what: str, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock file `path` for the length of the block; the file is gone afterwards.

    Args:
        path: the lock file.
        what: what is locked, for the message.
        wait: wait for the holder instead of failing; only for locks that are held for milliseconds.

    Raises:
        DataError: another process holds it; the message names it.
    """
    with hold_below(path.parent, path.name, what, wait=wait):
        yield


@contextlib.contextmanager
def hold_below(root: Path, name: str, what: str, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock file `root / name`; no part of `name` may be a link, and its folders go with it when nothing else is in them.

    Raises:
        LinkError: a part of the name is a link.
        DataError: as `hold`.
    """
    handle = _acquire(root, name, what, wait=wait)
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        _release(root, name, handle)


def _release(root: Path, name: str, handle: int) -> None:
    """Remove the lock file while it is held, and only if it is ours: whoever opened it before finds it gone and tries again.

    What removed it under us (a person, an older version) may have let another process make a new one, which is that process's.
    """
    with contextlib.suppress(OSError, DataError):
        if _still_named(handle, root, name):
            inside.remove(root, name)
    os.close(handle)
    folder = name.rpartition("/")[0]
    while folder:
        inside.remove_empty_folder(root, folder)
        folder = folder.rpartition("/")[0]


def _acquire(root: Path, name: str, what: str, *, wait: bool) -> int:
    path = root / name
    while True:
        try:
            with inside.parent(root, name, make=True) as (folder, last):
                handle = os.open(last, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=folder)
        except FileNotFoundError:
            continue  # the holder before us removed its empty folder in between
        except OSError as error:
            raise write_error(path, error) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if _still_named(handle, root, name):
                return handle
        except BlockingIOError:
            holder = os.pread(handle, 200, 0).decode("utf-8", "replace").strip() or "another process"
            os.close(handle)
            raise DataError(f"{what} is in use by {holder}.", where=str(path.parent), cure="Wait for it to end, or end it.") from None
        except OSError as error:
            os.close(handle)
            raise DataError(f"cannot be locked: {error.strerror or error}.", where=str(path)) from None
        os.close(handle)


def _still_named(handle: int, root: Path, name: str) -> bool:
    try:
        with inside.parent(root, name) as (folder, last):
            named = os.stat(last, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    held = os.fstat(handle)
    return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)
