"""Changing what is in a folder without following a link: every part of a path below the root is opened by itself, as itself.

What a command writes, moves or removes below an output folder goes through here. A link planted at any part of the path is refused by
name, and cannot be slipped in between: each part is opened relative to the one before (openat with O_NOFOLLOW).
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from vldata.causes import write_error
from vldata.errors import DataError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class LinkError(DataError):
    """A part of a path that is to be written or removed is a link."""


@contextlib.contextmanager
def parent(root: Path, name: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
    """Open the folder that holds `root / name`; yields its descriptor and the last part of the name.

    Args:
        root: a folder of the user's, followed as it is.
        name: a relative path below it, no part of which may be a link.
        make: make the folders that are absent.

    Raises:
        LinkError: a part is a link.
        FileNotFoundError: a folder is absent, and `make` is not set.
        DataError: a folder cannot be made, or the name is not below the root.
    """
    *folders, last = name.split("/")
    if "\0" in name or any(part in ("", ".", "..") for part in (*folders, last)):
        raise DataError(f"{name!r} is no plain path below its folder.", where=str(root))
    if make:
        _make_root(root)
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for depth, part in enumerate(folders):
            below = _enter(descriptor, part, root.joinpath(*folders[: depth + 1]), make=make)
            os.close(descriptor)
            descriptor = below
        yield descriptor, last
    finally:
        os.close(descriptor)


def make_folder(root: Path, name: str) -> None:
    """Make a folder below `root` with its parents; none may be a link.

    Raises:
        LinkError: a part is a link.
        DataError: it cannot be made.
    """
    try:
        with parent(root, f"{name}/x", make=True):
            pass
    except OSError as error:
        raise write_error(root / name, error) from None


def refuse_links(root: Path, name: str) -> None:
    """Refuse a path of which any part that is there is a link.

    Raises:
        LinkError: it names the part.
    """
    with contextlib.suppress(FileNotFoundError), parent(root, name) as (folder, last):
        if stat.S_ISLNK(os.stat(last, dir_fd=folder, follow_symlinks=False).st_mode):
            raise _link(root / name)


def move(root: Path, name: str, final: str) -> bool:
    """Rename one thing below `root`, replacing a file; False where there is nothing to rename.

    Raises:
        LinkError: a part of either path is a link.
        OSError: the rename fails.
    """
    try:
        with parent(root, name) as (source, old), parent(root, final, make=True) as (target, new):
            if not _is(source, old, stat.S_ISREG) and not _is(source, old, stat.S_ISDIR):
                if _there(source, old):
                    raise _link(root / name)
                return False
            os.rename(old, new, src_dir_fd=source, dst_dir_fd=target)
            os.fsync(target)
            return True
    except FileNotFoundError:
        return False


def remove(root: Path, name: str) -> bool:
    """Remove one file below `root`; a link is removed itself, never what it leads to. False where there is none.

    Raises:
        LinkError: a folder on the way is a link.
    """
    try:
        with parent(root, name) as (folder, last):
            os.unlink(last, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def remove_empty_folder(root: Path, name: str) -> None:
    """Remove a folder below `root` when nothing is in it."""
    with contextlib.suppress(OSError, LinkError), parent(root, name) as (folder, last):
        os.rmdir(last, dir_fd=folder)


def remove_tree(root: Path, name: str) -> None:
    """Remove a folder below `root` with all that is in it; links in it are removed themselves. Nothing there is no fault.

    Raises:
        LinkError: the folder, or one on the way, is a link.
        DataError: something cannot be removed.
    """
    try:
        with parent(root, name) as (folder, last):
            if _is(folder, last, stat.S_ISDIR):
                shutil.rmtree(last, dir_fd=folder)
            elif _there(folder, last):
                raise _link(root / name)
    except FileNotFoundError:
        return
    except OSError as error:
        raise write_error(root / name, error) from None


def is_folder(root: Path, name: str) -> bool:
    """Whether a folder, not a link to one, is there."""
    try:
        with parent(root, name) as (folder, last):
            return _is(folder, last, stat.S_ISDIR)
    except FileNotFoundError:
        return False


def _make_root(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(root, error) from None


def _enter(descriptor: int, part: str, path: Path, *, make: bool) -> int:
    while True:
        try:
            return os.open(part, _FOLDER, dir_fd=descriptor)
        except FileNotFoundError:
            if not make:
                raise
        except OSError as error:  # with O_DIRECTORY a link is ENOTDIR to some kernels, ELOOP to others
            if error.errno in (errno.ELOOP, errno.ENOTDIR) and _is(descriptor, part, stat.S_ISLNK):
                raise _link(path) from None
            raise
        with contextlib.suppress(FileExistsError):
            os.mkdir(part, dir_fd=descriptor)


def _is(folder: int, name: str, kind: object) -> bool:
    try:
        return bool(kind(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode))  # type: ignore[operator]
    except FileNotFoundError:
        return False


def _there(folder: int, name: str) -> bool:
    return _is(folder, name, lambda mode: True)


def _link(path: Path) -> LinkError:
    return LinkError(
        "is a link, and nothing is written or removed through one.",
        where=str(path),
        cure="Replace it by the folder or file itself, or give the place it leads to as the output folder.",
    )
