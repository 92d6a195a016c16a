"""WebDataset tars: members of one stem are one sample. Read as a stream; nothing is extracted to disk."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.media.containers import sniff_format
from vldata.media.refs import SUFFIXES
from vldata.sources.faults import Row, RowFault
from vldata.sources.rows import find_names

PICTURE_SUFFIXES = frozenset(SUFFIXES)
VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi", ".ts", ".mpg", ".mpeg", ".flv", ".ogv"})
_TURNS = ("messages", "conversations", "conversation")
_TEXT_SUFFIXES = frozenset({".txt", ".caption", ".cap", ".text"})
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
        """Yield a row for every sample.

        Raises:
            DataError: the tar is cut, joined to another, or damaged in between.
        """
        key, members = "", _Members()
        try:
            with _Watched(self.path) as watched, tarfile.open(fileobj=watched, mode="r:") as archive:
                while (member := archive.next()) is not None:
                    archive.members.clear()  # type: ignore[attr-defined] # it would hold all of them
                    if not member.isfile() and not member.isdir():
                        yield f"{self.path.name}/{member.name}", RowFault("VL111", f"{member.name!r} is a link or a device.")
                    if not member.isfile():
                        continue
                    fault = _member_fault(member, self.folder)
                    stem, suffix = _split_name(member.name)
                    if stem != key and members:
                        yield f"{self.path.name}/{key}", _sample(key, members)
                        members = _Members()
                    key = stem
                    if fault:
                        yield f"{self.path.name}/{member.name[:100]}", fault
                        continue
                    data = archive.extractfile(member)
                    members.add(suffix, data.read() if data else b"")
                if fault_of_end := watched.end_fault():
                    raise DataError(f"{fault_of_end}, behind {key!r}.", where=str(self.path), cure=_AGAIN)
            if members:
                yield f"{self.path.name}/{key}", _sample(key, members)
        except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            raise DataError(f"cannot be read past this point: {error}.", where=f"{self.path}/{key}", cure="Fetch the tar again.") from None

    def names(self, wanted: tuple[str, ...]) -> frozenset[str]:
        """Tell which names may be keys of a sample's json; a compressed tar tells none, and they go into `extra`."""
        return find_names(self.path, wanted)

    def annotations(self) -> tuple[Path, ...]:
        """The tar."""
        return (self.path,)


_AGAIN = "Fetch or make the tar again; nobody can say which samples are missing."
_BLOCK = 512


class _Watched(io.RawIOBase):
    """A tar, unpacked on the way where it is compressed, that remembers its last block: a reader of tars stops at any odd one."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        with path.open("rb") as handle:
            head = handle.read(6)
        opener: Any = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}.get(head[:2])
        self._handle: Any = opener(path) if opener else path.open("rb")
        self._last = b""

    def read(self, size: int = -1) -> bytes:
        """Read, and remember."""
        self._last = self._handle.read(size)
        return self._last

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move."""
        return int(self._handle.seek(offset, whence))

    def tell(self) -> int:
        """Tell the place."""
        return int(self._handle.tell())

    def seekable(self) -> bool:
        """It can move."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._handle.close()
        super().close()

    def end_fault(self) -> str:
        """Say what is wrong with where the reader stopped: it must be at a block of zeros, with nothing but zeros behind."""
        if len(self._last) < _BLOCK:
            return "the tar has no mark of its end: it is cut"
        if self._last.strip(b"\0"):
            return "a block is no header: the tar is damaged"
        while block := self._handle.read(1 << 20):
            if block.strip(b"\0"):
                return "the tar ends, but there is more, as if two were joined"
        return ""


class _Members(dict[str, bytes]):
    """The files of one sample by their suffixes; `twice` are those that came more than once."""

    def __init__(self) -> None:
        super().__init__()
        self.twice: list[str] = []

    def add(self, suffix: str, data: bytes) -> None:
        """Take a file."""
        if suffix in self:
            self.twice.append(suffix)
        self[suffix] = data


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


# What a second picture of a sample is called that is no picture to look at, but says something about the first.
_ABOUT = frozenset(
    {
        *("seg", "segmentation", "semseg", "sem", "instance", "panoptic", "mask", "label", "labels", "depth", "disparity"),
        *("normal", "normals", "alpha", "matte", "edge", "edges", "flow"),
    }
)


def _sample(key: str, members: _Members) -> Row:
    texts = [suffix for suffix in members if f".{suffix.rpartition('.')[2]}" in _TEXT_SUFFIXES]
    if members.twice or len(texts) > 1:
        what = f"{len(texts)} texts ({', '.join(texts)})" if len(texts) > 1 else f"{members.twice[0]!r} twice"
        return RowFault("VL217", f"the sample {key!r} has {what}; WebDataset takes what stands before the first dot for the sample's key.")
    shown = [suffix for suffix in members if f".{suffix.rpartition('.')[2]}" in PICTURE_SUFFIXES]
    about = [suffix for suffix in shown if suffix.partition(".")[0] in _ABOUT]
    if about and len(shown) > 1:
        return RowFault("VL217", f"the sample {key!r} has {about[0]!r}, which is about a picture and would be shown as one more.")
    row: dict[str, Any] = {}
    pictures = []
    videos = []
    for suffix, data in members.items():
        ending = f".{suffix.rpartition('.')[2]}"
        try:
            if ending in PICTURE_SUFFIXES or (ending in (".img", ".image") and sniff_format(data[:16])):
                pictures.append({"bytes": data, "path": f"{key}.{suffix}"})
            elif ending in VIDEO_SUFFIXES:
                videos.append({"bytes": data, "path": f"{key}.{suffix}"})
            elif ending == ".json":
                value = strictjson.loads(data)
                row |= value if isinstance(value, dict) else {"json": value}
            elif ending in _TEXT_SUFFIXES:
                row["text"] = data.decode("utf-8-sig").strip()
            elif ending == ".cls":
                row["cls"] = data.decode("ascii").strip()
            elif not suffix.startswith("__"):
                row[suffix] = data  # the census says what becomes of it
        except strictjson.StrictJsonError as error:
            return RowFault("VL001", f"{key}.{suffix} is {error}.")
        except UnicodeDecodeError as error:
            return RowFault("VL001", f"{key}.{suffix} is not UTF-8 at byte {error.start}.")
    if not pictures and not videos and not any(name in row for name in _TURNS):
        return RowFault("VL212", "the sample has no picture.")
    # What lies in the tar counts, not the names that the sample's json may still hold.
    row |= {"__key__": key, "images" if "images" in row else "image": pictures}
    return row | {"videos" if "videos" in row else "video": videos} if videos else row
