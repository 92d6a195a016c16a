"""Zip and tar files as folders of pictures: members are read where they lie, nothing is unpacked."""

from __future__ import annotations

import functools
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

from vldata.errors import DataError
from vldata.media.refs import BytesRef, FileRef
from vldata.media.sources import MAX_PICTURE_BYTES
from vldata.sources.errors import RowError

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz")


def is_archive(path: Path) -> bool:
    """Whether a file is an archive by its name."""
    return path.name.lower().endswith(ENDINGS) and path.is_file()


class Member(NamedTuple):
    """A file in an archive. `offset` is where its bytes lie as they are, -1 where they are packed."""

    name: str
    size: int
    offset: int


class Archive:
    """One archive; its list of members is read once, when first asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        stem = path.name
        for ending in sorted(ENDINGS, key=len, reverse=True):
            if stem.lower().endswith(ending):
                stem = stem[: -len(ending)]
                break
        self._stem = stem

    @functools.cached_property
    def members(self) -> dict[str, Member]:
        """Regular files by their names; those that climb out of a folder are left out."""
        try:
            found = _zip_members(self.path) if self.path.suffix.lower() == ".zip" else _tar_members(self.path)
        except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError, NotImplementedError) as error:
            raise DataError(f"is not a whole archive: {error}.", where=str(self.path), cure="Fetch it again.") from None
        return {member.name.removeprefix("./"): member for member in found if ".." not in member.name.split("/") and member.name[:1] != "/"}

    def find(self, name: str) -> Member | None:
        """Return the member that a path of an annotation means: as it stands, or below a folder of the archive's own name."""
        plain = name.removeprefix("./")
        for candidate in (plain, plain.removeprefix(f"{self._stem}/"), f"{self._stem}/{plain}"):
            if member := self.members.get(candidate):
                return member
        return None

    def reference(self, member: Member, source: str) -> FileRef | BytesRef:
        """Return the reference of a member: a place in the archive, or its bytes where they are packed.

        Raises:
            RowError: it is too large, encrypted or damaged.
        """
        if member.size > MAX_PICTURE_BYTES:
            raise RowError("VL104", f"{source} has {member.size:,} bytes; at most {MAX_PICTURE_BYTES:,} are read.")
        if member.offset >= 0:
            return FileRef(str(self.path), source, offset=member.offset, length=member.size)
        try:
            if self.path.suffix.lower() == ".zip":
                with self._zip.open(member.name) as handle:
                    return BytesRef(handle.read(MAX_PICTURE_BYTES), source)
            return BytesRef(self._packed_tar(member.name), source)
        except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
            raise RowError("VL102", f"{source} cannot be taken out of the archive: {error}.") from None

    @functools.cached_property
    def _zip(self) -> zipfile.ZipFile:
        return zipfile.ZipFile(self.path)

    @functools.cached_property
    def _tar(self) -> tarfile.TarFile:
        return tarfile.open(self.path)

    def _packed_tar(self, name: str) -> bytes:
        handle = self._tar.extractfile(name)
        return handle.read() if handle else b""


def _zip_members(path: Path) -> list[Member]:
    with zipfile.ZipFile(path) as archive, path.open("rb") as raw:
        found = []
        for info in archive.infolist():
            if info.is_dir():
                continue
            offset = -1
            if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
                raw.seek(info.header_offset + 26)
                lengths = raw.read(4)
                offset = info.header_offset + 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
            found.append(Member(info.filename, info.file_size, offset))
        return found


def _tar_members(path: Path) -> list[Member]:
    packed = not path.name.lower().endswith(".tar")
    with tarfile.open(path) as archive:
        return [Member(info.name, info.size, -1 if packed else info.offset_data) for info in archive if info.isfile()]
