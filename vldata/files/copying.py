"""Copying a file into a folder: whole, checked and durable, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from vldata.causes import read_error, write_error
from vldata.errors import DataError
from vldata.files import inside
from vldata.files.content import Kind, content_fault
from vldata.files.gate import SafePath

_BLOCK_BYTES = 1 << 20


def copy_below(source: SafePath, root: Path, name: str, *, sha256: str = "", kind: Kind | None = None) -> None:
    """Copy a file to `root / name`: written to a temporary file, fsynced, compared, renamed. What is there already and right is left alone.

    Args:
        source: what is copied; the gate opens it.
        root: the folder it is copied into.
        name: its place there, no part of which may be a link.
        sha256: the digest its bytes must have; without one, a file that is there must have the source's own bytes.
        kind: what it must be by its content.

    Raises:
        DataError: it leads out of its folder, is of another kind or digest, or cannot be read or written.
    """
    try:
        with source.open() as file:
            if kind is not None and (fault := content_fault(file.read(64), kind)):
                raise DataError(f"{fault}.", where=str(source), cure="Nothing of it was copied. Run: vldata validate")
            file.seek(0)
            if _is_there(root, name, file, sha256):
                return
            file.seek(0)
            found = _copy(file, root, name, wanted=sha256)
    except OSError as error:
        raise read_error(Path(str(source)), error) from None
    if sha256 and found != sha256:
        cure = "Convert again, or restore the file. Nothing of it was copied."
        raise DataError(f"has the digest {found[:12]}..., not {sha256[:12]}...: it was changed or cut.", where=str(source), cure=cure)


def _copy(file: BinaryIO, root: Path, name: str, *, wanted: str) -> str:
    """Copy an open file; returns the digest of what was read, and keeps nothing where it is not the wanted one."""
    target = root / name
    beside = f".{target.name[:200]}.{os.getpid()}.tmp"
    digest = hashlib.sha256()
    try:
        with inside.parent(root, name, make=True) as (folder, last):
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=folder)
            try:
                with os.fdopen(handle, "wb") as sink:
                    while block := file.read(_BLOCK_BYTES):
                        sink.write(block)
                        digest.update(block)
                    sink.flush()
                    os.fsync(sink.fileno())
                if not wanted or digest.hexdigest() == wanted:
                    os.rename(beside, last, src_dir_fd=folder, dst_dir_fd=folder)
                    os.fsync(folder)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(beside, dir_fd=folder)
    except OSError as error:
        raise write_error(target, error) from None
    return digest.hexdigest()


def _is_there(root: Path, name: str, file: BinaryIO, sha256: str) -> bool:
    """Whether a regular file with the wanted bytes is there already."""
    try:
        with inside.parent(root, name) as (folder, last):
            handle = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return False
    with os.fdopen(handle, "rb") as there:
        if os.fstat(there.fileno()).st_size != os.fstat(file.fileno()).st_size:
            return False
        return _digest(there) == (sha256 or _digest(file))


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := file.read(_BLOCK_BYTES):
        digest.update(block)
    return digest.hexdigest()
