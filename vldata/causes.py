"""What the operating system's refusal of a file means to a person: the cause as it says it, and the cure that fits it."""

from __future__ import annotations

import errno
from pathlib import Path

from vldata.errors import DataError
from vldata.suggest import nearest

_AGAIN = "then run the same command again."
_FULL = f"Free disk space or choose another place, {_AGAIN}"
_RIGHTS = f"Choose another place, or make this one writable, {_AGAIN}"
_WRITE_CURES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: f"Choose a place that takes larger files, or raise the limit (ulimit -f), {_AGAIN}",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: _RIGHTS,
    errno.EISDIR: "There is a folder of that name: give the name of a file.",
    errno.EEXIST: "There is a file where a folder is needed: choose another place.",
    errno.ENOTDIR: "A part of the path is a file, not a folder: choose another place.",
    errno.ENOENT: "Make its folder first, or choose another place.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.ELOOP: "Its links lead in a circle: choose another place.",
}


def write_error(path: Path, error: OSError) -> DataError:
    """Make the message for a failed write; the cure is that of its cause."""
    cure = _WRITE_CURES.get(error.errno or 0, f"See whether the disk is well, or choose another place, {_AGAIN}")
    return DataError(f"cannot be written: {error.strerror or error}.", where=str(error.filename or path), cure=cure)


def refusal(error: OSError) -> DataError:
    """Make the message for a refusal of the operating system that nobody answered closer to it: a full disk, a right, a file gone."""
    cure = _WRITE_CURES.get(error.errno or 0, f"See whether the disk and the network are well, {_AGAIN}")
    if error.errno == errno.ENOENT:
        cure = "It was there and is gone, or was never made: check the path."
    return DataError(f"the system refuses: {error.strerror or error}.", where=str(error.filename or ""), cure=cure)


def read_error(path: Path, error: OSError, *, where: str = "") -> DataError:
    """Make the message for a failed read; the cure is that of its cause.

    Args:
        path: the file.
        error: what was raised.
        where: how the message calls the file; by default its path.
    """
    return DataError(f"cannot be read: {error.strerror or error}.", where=where or str(path), cure=read_cure(path, error))


def read_cure(path: Path, error: OSError) -> str:
    """Say what to do about a file that cannot be read."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return absent_cure(path)
    if error.errno == errno.EISDIR:
        return "It is a folder: name a file inside it."
    if error.errno in (errno.EACCES, errno.EPERM):
        return "Ask its owner for the right to read it, or for a copy."
    return "See whether the disk is well, or fetch the file again."


def absent_cure(path: Path) -> str:
    """Say what to do about a file that is not there."""
    folder = path.parent
    if not folder.is_dir():
        return f"There is no folder {str(folder)!r} either: check the path."
    try:
        near = nearest(path.name, [entry.name for entry in folder.iterdir()])
    except OSError:  # a folder that may be entered but not listed
        near = ""
    return near.strip() or "Check the path, or make the file first."
