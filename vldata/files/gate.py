"""The gate: the one way from a path that some file names to an open file.

Records, media lines, contracts, registries, manifests and model indexes name paths that somebody else may have written. Such a name
becomes a `SafePath` here or nothing: relative, without tricks, and, when it is opened, a regular file below its root after every link is
resolved. What was opened is judged, not what was looked up before, so that nobody can put another file in between.
"""

from __future__ import annotations

import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import NoReturn, final

from vldata.causes import read_error
from vldata.errors import DataError
from vldata.files import inside
from vldata.files.content import Kind, content_fault
from vldata.files.paths import path_fault

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_SEAL = object()


class UnsafePathError(DataError):
    """A file names a path that leads out of its folder, or to something that is no regular file. `fault` is the clause that says so."""

    fault: str = "is not safe"


@final
class SafePath:
    """A path below a root that a file names. Made by `below` and no other way; opened by its own methods alone."""

    __slots__ = ("_name", "_root", "_where")

    def __init__(self, root: Path, name: str, where: str, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a SafePath is made by vldata.files.gate.below")
        self._root, self._name, self._where = root, name, where

    def __reduce__(self) -> tuple[object, ...]:
        return below, (self._root, self._name, self._where)  # judged again where it arrives

    def __repr__(self) -> str:
        return f"SafePath({str(self._root)!r}, {self._name!r})"

    def __str__(self) -> str:
        return str(self._root / self._name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SafePath) and (self._root, self._name) == (other._root, other._name)

    def __hash__(self) -> int:
        return hash((self._root, self._name))

    @property
    def name(self) -> str:
        """The name as the file gave it, relative to the root."""
        return self._name

    def exists(self) -> bool:
        """Whether something is there; not whether it may be opened."""
        return os.path.lexists(self._root / self._name)

    def size(self) -> int:
        """Its size in bytes, 0 where nothing is there."""
        try:
            return (self._root / self._name).stat(follow_symlinks=False).st_size
        except OSError:
            return 0

    def open(self) -> BufferedReader:
        """Open the file for reading.

        Raises:
            UnsafePathError: it leads out of the root or is no regular file.
            OSError: it is not there, or may not be read.
        """
        descriptor = self._open()
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            self._refuse("is not a regular file")
        return os.fdopen(descriptor, "rb")

    def read(self, kind: Kind | None = None) -> bytes:
        """Read the file whole; with `kind`, only when its content is of that kind.

        Raises:
            DataError: it cannot be read, leads out, or is something else.
        """
        try:
            with self.open() as file:
                data = file.read()
        except OSError as error:
            raise read_error(Path(str(self)), error) from None
        if kind is not None and (fault := content_fault(data[:64], kind)):
            raise self._other_content(fault)
        return data

    def checked(self, kind: Kind | None = None) -> Path:
        """The path itself, after the same checks, for a library that opens by name.

        Raises:
            DataError: it cannot be read, leads out, or is something else.
        """
        try:
            with self.open() as file:
                fault = content_fault(file.read(64), kind) if kind is not None else ""
        except OSError as error:
            raise read_error(Path(str(self)), error) from None
        if fault:
            raise self._other_content(fault)
        return self._root / self._name

    def folder(self) -> Path | None:
        """The path where it is a folder below the root, None where it is none; for a dataset of several files.

        Raises:
            UnsafePathError: it leads out of the root.
        """
        path = self._root / self._name
        if not path.is_dir():
            return None
        if not path.resolve().is_relative_to(self._root.resolve()):
            self._refuse("is a link that leads out of its folder")
        return path

    def _open(self) -> int:
        """Open without following a link in the last place, then ask the kernel what was opened."""
        try:
            descriptor = os.open(self._root / self._name, _READ)
        except OSError as error:
            if not os.path.islink(self._root / self._name):  # noqa: PTH114 - a Path of a name this odd may raise
                raise error
            return self._open_linked()
        if not (opened := _opened(descriptor)):
            os.close(descriptor)
            return self._open_linked()
        if not opened.startswith(_real_prefix(self._root)):
            os.close(descriptor)
            self._refuse("leads out of its folder by a link")
        return descriptor

    def _open_linked(self) -> int:
        """Resolve the links, judge where they lead, and open that without following any."""
        try:
            real = (self._root / self._name).resolve(strict=True)
        except RuntimeError:
            self._refuse("is a link that leads in a circle")
        root = self._root.resolve()
        if not real.is_relative_to(root):
            self._refuse("is a link that leads out of its folder")
        with inside.parent(root, real.relative_to(root).as_posix()) as (folder, last):
            return os.open(last, _READ, dir_fd=folder)

    def _other_content(self, fault: str) -> DataError:
        return DataError(f"{fault}: nothing of it is read, copied or sent.", where=str(self), cure="Run: vldata validate")

    def _refuse(self, fault: str) -> NoReturn:
        raise _refusal(self._root, self._name, fault, self._where)


def below(root: Path, name: str, where: str = "") -> SafePath:
    """Judge a name by its text and make it a `SafePath`; the disk is looked at when it is opened.

    Args:
        root: the folder it may not leave.
        name: what the file says.
        where: which file says so, for the message.

    Raises:
        UnsafePathError: it is absolute, climbs, has a scheme, a backslash or a control character.
    """
    if fault := path_fault(name):
        raise _refusal(root, name, fault, where)
    return SafePath(root, name, where, _SEAL)


def refuse_unsafe(root: Path, names: tuple[str, ...], where: str) -> None:
    """Judge names by their text alone, as `below` does."""
    for name in names:
        if fault := path_fault(name):
            raise _refusal(root, name, fault, where)


def _refusal(root: Path, name: str, fault: str, where: str) -> UnsafePathError:
    cure = "Nothing outside the folder is read or copied: whoever made the file named it. Run: vldata validate"
    error = UnsafePathError(f"names {name!r}, which {fault}.", where=where or str(root), cure=cure)
    error.fault = fault
    return error


def _opened(descriptor: int) -> str:
    """The path of what was opened, as the kernel knows it; "" on a system without /proc."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115 - the text, not a Path
    except OSError:
        return ""


def _real_prefix(root: Path) -> str:
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _opened(descriptor).rstrip("/") + "/"
    finally:
        os.close(descriptor)
