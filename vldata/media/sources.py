"""Opening what a reference names: regular files only, no link followed, nothing larger than the cap."""

from __future__ import annotations

import os
import stat
from typing import BinaryIO

from vldata.files.gate import SafePath, UnsafePathError
from vldata.media.refs import Failure

MAX_PICTURE_BYTES = 256 * 1024 * 1024


class Unusable(Exception):
    """A medium that cannot be used; never leaves `vldata.media`, whose functions return its `failure`."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.failure = Failure(code, reason)


def open_regular(path: str | SafePath) -> BinaryIO:
    """Open a file for reading without waiting on a pipe or device: a `SafePath` by the gate, a plain path without following its link.

    Raises:
        Unusable: VL101 where there is no such file, VL111 where it is not a regular one.
    """
    if isinstance(path, SafePath):
        return _open_safe(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise Unusable("VL101", "the file does not exist") from None
    except ValueError:
        raise Unusable("VL111", "its name has a character no path can have") from None
    except OSError as error:
        link = os.path.islink(path)  # noqa: PTH114 - a Path of a name this odd may raise
        code = "VL111" if link else "VL101"
        raise Unusable(code, "it is a link" if link else f"the file cannot be opened: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unusable("VL111", "it is not a regular file")
    return os.fdopen(descriptor, "rb")


def _open_safe(path: SafePath) -> BinaryIO:
    try:
        return path.open()
    except (FileNotFoundError, NotADirectoryError):
        raise Unusable("VL101", "the file does not exist") from None
    except OSError as error:
        raise Unusable("VL101", f"the file cannot be opened: {error.strerror}") from None
    except UnsafePathError as error:
        raise Unusable("VL111", f"it {error.fault}") from None


def read_picture_bytes(path: str | SafePath, offset: int = 0, length: int = -1) -> bytes:
    """Read a whole picture file, or the picture of `length` bytes that is at a place in it.

    Raises:
        Unusable: as `open_regular`; VL104 above `MAX_PICTURE_BYTES`; VL102 for an empty file or a failing disk.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size if length < 0 else length
        check_bytes(size)
        try:
            file.seek(offset)
            return file.read(size)
        except OSError as error:
            raise Unusable("VL102", f"the file cannot be read: {error.strerror}") from None


def check_bytes(size: int) -> None:
    """Refuse an empty or oversized picture."""
    if size == 0:
        raise Unusable("VL102", "the file is empty")
    if size > MAX_PICTURE_BYTES:
        raise Unusable("VL104", f"the file has {size} bytes; at most {MAX_PICTURE_BYTES} are read")
