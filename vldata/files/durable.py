"""Writing files so that a crash leaves the old or the new one, never half of one.

Write to a temporary file of the same folder, fsync, rename, fsync the folder. A folder that cannot be fsynced (some mounts) is skipped.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from vldata.causes import write_error
from vldata.errors import DataError

_FSYNCS_AT_ONCE = 16
_STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2}
_HANDED = re.compile(r"/(?:dev|proc/self)/fd/(\d{1,9})\Z")


def fsync_dir(path: Path) -> None:
    """Make the names in a folder durable."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return
    with contextlib.suppress(OSError):
        os.fsync(handle)
    os.close(handle)


@contextlib.contextmanager
def open_durable(path: Path) -> Iterator[BinaryIO]:
    """Open a new file for writing; flushed and fsynced when the block ends well.

    Raises:
        DataError: the disk is full, the folder is read-only, or the like.
    """
    try:
        with path.open("wb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
    except OSError as error:
        raise write_error(path, error) from None


@contextlib.contextmanager
def replace_atomic(path: Path) -> Iterator[BinaryIO]:
    """Open what takes the place of a file in one step when the block ends well; else the file stays as it was.

    A stream that a shell hands over (/dev/stdout, `>(gzip > FILE)`) and a device (/dev/null) are written to: to replace one takes it away
    from every program of the machine.

    Raises:
        DataError: as `open_durable`.
    """
    if (stream := _stream(path)) is not None:
        with _written_to(path, stream) as handle:
            yield handle
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open_durable(beside) as handle:
            yield handle
        beside.replace(path)
    except OSError as error:
        raise write_error(path, error) from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
    fsync_dir(path.parent)


def _stream(path: Path) -> str | int | None:
    """Say what to open for a path that no new file may replace: a descriptor of ours, or the path itself; None for a file."""
    if (number := _STREAMS.get(str(path))) is not None:
        return os.dup(number)
    if handed := _HANDED.match(str(path)):
        with contextlib.suppress(OSError):
            return os.dup(int(handed[1]))
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError):
        return None
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISBLK(mode):
        raise DataError("is a pipe, a socket or a disk, which no file may replace.", where=str(path), cure="Name a file.")
    return str(path) if stat.S_ISCHR(mode) else None


@contextlib.contextmanager
def _written_to(path: Path, stream: str | int) -> Iterator[BinaryIO]:
    try:
        with open(stream, "wb") as handle:  # noqa: PTH123 - of a descriptor too
            yield handle
    except OSError as error:
        raise write_error(path, error) from None


def write_atomic(path: Path, content: bytes) -> None:
    """Replace a file by new content in one step."""
    with replace_atomic(path) as handle:
        handle.write(content)


def open_to_all(path: Path) -> None:
    """Give a file that a library wrote for its owner alone (safetensors does) the mode that a plain new file has here."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.mode")
    try:
        beside.touch()
        path.chmod(beside.stat().st_mode & 0o777)
    except OSError as error:
        raise write_error(path, error) from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


def fsync_tree(folder: Path) -> None:
    """Make a folder durable with every file in it, the innermost first.

    Raises:
        DataError: the disk did not take it.
    """
    for here, _, names in os.walk(folder, topdown=False):
        fsync_files(Path(here, name) for name in names)
        fsync_dir(Path(here))


def fsync_files(paths: Iterable[Path]) -> None:
    """Make the bytes of existing files durable; of many, several at a time, which a disk answers together.

    Raises:
        DataError: one has gone meanwhile, or the disk did not take its bytes.
    """
    files = list(paths)
    if len(files) < _FSYNCS_AT_ONCE:
        for path in files:
            _fsync_file(path)
        return
    with ThreadPoolExecutor(_FSYNCS_AT_ONCE) as pool:
        for _ in pool.map(_fsync_file, files):
            pass


def _fsync_file(path: Path) -> None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise write_error(path, error) from None
