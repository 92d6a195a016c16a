"""WebDataset tars: members of one stem are one sample. Read as a stream; nothing is extracted to disk."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.sources.rows import Row, RowFault, find_names

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi", ".ts", ".mpg", ".mpeg", ".flv", ".ogv"})
_TURNS = ("messages", "conversations", "conversation")
_MAX_MEMBER_BYTES = 256 * 1024 * 1024


def is_tar(path: Path) -> bool:
    """Whether a file is a tar by its name."""
    return path.name.lower().endswith((".tar", ".tar.gz", ".tgz")) and path.is_file()


class Shard(msgspec.Struct, frozen=True):
    """One tar."""

    path: Path
    kind: str = "WebDataset tar"

    @property
    def folder(self) -> Path:
        """Its folder."""
        return self.path.parent

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Yield a row for every sample."""
        key, members = "", dict[str, bytes]()
        try:
            with tarfile.open(self.path, "r|*") as archive:
                for member in archive:
                    if not member.isfile() and not member.isdir():
                        yield f"{self.path.name}/{member.name}", RowFault("VL111", f"{member.name!r} is a link or a device.")
                    if not member.isfile():
                        continue
                    fault = _member_fault(member, self.folder)
                    stem, suffix = _split_name(member.name)
                    if stem != key and members:
                        yield f"{self.path.name}/{key}", _sample(key, members)
                        members = {}
                    key = stem
                    if fault:
                        yield f"{self.path.name}/{member.name[:100]}", fault
                        continue
                    data = archive.extractfile(member)
                    members[suffix] = data.read() if data else b""
            if members:
                yield f"{self.path.name}/{key}", _sample(key, members)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise DataError(f"cannot be read on: {error}.", where=f"{self.path}/{key}", cure="Fetch the tar again.") from None

    def names(self, wanted: tuple[str, ...]) -> frozenset[str]:
        """Tell which names may be keys of a sample's json; a compressed tar tells none, and they go into `extra`."""
        return find_names(self.path, wanted)

    def annotations(self) -> tuple[Path, ...]:
        """The tar."""
        return (self.path,)


def _member_fault(member: tarfile.TarInfo, folder: Path) -> RowFault | None:
    try:
        tarfile.data_filter(member, str(folder))
    except tarfile.FilterError as error:
        return RowFault("VL111", f"{error}.")
    if member.size > _MAX_MEMBER_BYTES:
        return RowFault("VL104", f"the member has {member.size:,} bytes; at most {_MAX_MEMBER_BYTES:,} are read.")
    return None


def _split_name(name: str) -> tuple[str, str]:
    """Split at the first dot of the last part, as WebDataset does: `a/b.0.jpg` is sample `a/b`, field `0.jpg`."""
    folder, _, base = name.rpartition("/")
    stem, _, suffix = base.partition(".")
    return f"{folder}/{stem}" if folder else stem, suffix.lower()


def _sample(key: str, members: dict[str, bytes]) -> Row:
    row: dict[str, Any] = {}
    pictures = []
    videos = []
    for suffix, data in members.items():
        ending = f".{suffix.rpartition('.')[2]}"
        try:
            if ending in PICTURE_SUFFIXES:
                pictures.append({"bytes": data, "path": f"{key}.{suffix}"})
            elif ending in VIDEO_SUFFIXES:
                videos.append({"bytes": data, "path": f"{key}.{suffix}"})
            elif ending == ".json":
                value = strictjson.loads(data)
                row |= value if isinstance(value, dict) else {"json": value}
            elif ending in (".txt", ".caption", ".text"):
                row["text"] = data.decode("utf-8-sig").strip()
            elif ending == ".cls":
                row["cls"] = data.decode("ascii").strip()
        except strictjson.StrictJsonError as error:
            return RowFault("VL001", f"{key}.{suffix} is {error}.")
        except UnicodeDecodeError as error:
            return RowFault("VL001", f"{key}.{suffix} is not UTF-8 at byte {error.start}.")
    if not pictures and not videos and not any(name in row for name in _TURNS):
        return RowFault("VL212", "the sample has no picture.")
    # What lies in the tar counts, not the names that the sample's json may still hold.
    row |= {"__key__": key, "images" if "images" in row else "image": pictures}
    return row | {"videos" if "videos" in row else "video": videos} if videos else row
