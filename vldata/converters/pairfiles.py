"""Where pictures with texts are found: annotation files, folders with metadata or side-car texts, WebDataset tars."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec

from vldata import strictjson
from vldata.converters.rows import MAX_ROW_BYTES, Row, RowFault, RowFile, find_names, open_rows
from vldata.errors import DataError
from vldata.naming import natural_key
from vldata.paths import PathError, find_below

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
_TEXT_SUFFIXES = (".txt", ".caption")
_MAX_MEMBER_BYTES = 256 * 1024 * 1024
_METADATA = ("metadata.jsonl", "metadata.csv", "metadata.parquet")


class PairFile(Protocol):
    """One place that rows come from."""

    @property
    def path(self) -> Path:
        """What is named in messages."""
        ...

    @property
    def folder(self) -> Path:
        """The folder that paths are relative to."""
        ...

    @property
    def kind(self) -> str:
        """What it is, for the user."""
        ...

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Yield `(where, row or fault)`."""
        ...

    def names(self, wanted: tuple[str, ...]) -> frozenset[str]:
        """Tell which names may be keys of a row."""
        ...

    def annotations(self) -> tuple[Path, ...]:
        """The files whose content decides the rows."""
        ...


class Table(msgspec.Struct, frozen=True):
    """An annotation file."""

    file: RowFile
    kind: str = "annotation file"

    @property
    def path(self) -> Path:
        """The file."""
        return self.file.path

    @property
    def folder(self) -> Path:
        """Its folder."""
        return self.file.path.parent

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Yield its rows."""
        return self.file.rows()

    def names(self, wanted: tuple[str, ...]) -> frozenset[str]:
        """Tell which names may be keys of a row."""
        return self.file.names(wanted)

    def annotations(self) -> tuple[Path, ...]:
        """The file."""
        return (self.file.path,)


def find_pair_files(source: Path, *, follow_links: bool) -> list[tuple[str, tuple[PairFile, ...]]]:
    """Return (name of the dataset, its files) for what a user gave.

    Raises:
        DataError: the folder holds nothing of the kind.
    """
    if source.is_dir():
        return _search(source, follow_links=follow_links)
    if source.name.lower().endswith((".tar", ".tar.gz", ".tgz")) and source.is_file():
        return [(source.name.split(".")[0], (Shard(source),))]
    return [(source.stem, (Table(open_rows(source)),))]


def _search(folder: Path, *, follow_links: bool) -> list[tuple[str, tuple[PairFile, ...]]]:
    name = folder.absolute().name
    for place in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        found = [place / file for file in _METADATA if (place / file).is_file()]
        if found and place == folder:
            return [(name, (Table(open_rows(found[0]), "image folder"),))]
        if found:
            splits = sorted(path for path in folder.iterdir() if path.is_dir() and (path / found[0].name).is_file())
            return [(f"{name}_{split.name}", (Table(open_rows(split / found[0].name), "image folder"),)) for split in splits]
    for pattern in ("*.tar", "*.parquet", "data/*.parquet", "*.jsonl"):
        files = sorted(folder.glob(pattern), key=lambda path: natural_key(path.name))
        if files and pattern == "*.tar":
            return [(name, tuple(map(Shard, files)))]
        if files:
            return [(name, tuple(Table(open_rows(path)) for path in files))]
    side_car = SideCars(folder, follow_links)
    if not side_car.annotations():
        raise DataError(
            "no metadata file, tar, parquet, jsonl or side-car .txt here.",
            where=str(folder),
            cure="Give the annotation file, or a folder with a .txt beside each picture.",
        )
    return [(name, (side_car,))]


class SideCars(msgspec.Struct, frozen=True):
    """A folder of pictures, each with its text in a file of the same stem (kohya)."""

    folder: Path
    follow_links: bool = False
    kind: str = "pictures with side-car texts"

    @property
    def path(self) -> Path:
        """The folder."""
        return self.folder

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Yield a row for every picture and for every text without one, as people order file names."""
        pictures, texts = self._stems(PICTURE_SUFFIXES), self._stems(frozenset(_TEXT_SUFFIXES))
        for stem in sorted({*pictures, *texts}, key=natural_key):
            if stem not in texts:
                yield pictures[stem][0], RowFault("VL212", f"there is no {stem}.txt beside it.")
            elif stem not in pictures:
                yield texts[stem][0], RowFault("VL212", "there is no picture of that name beside it.")
            elif len(pictures[stem]) > 1:
                yield pictures[stem][0], RowFault("VL209", f"{' and '.join(pictures[stem])} share the text {texts[stem][0]}.")
            else:
                yield pictures[stem][0], self._row(stem, pictures[stem][0], texts[stem][0])

    def _row(self, stem: str, picture: str, text: str) -> Row:
        try:
            path = find_below(self.folder, text, follow_links=self.follow_links)
        except PathError as error:
            return RowFault("VL111", f"{error}.")
        if path is None or path.stat().st_size > MAX_ROW_BYTES:
            return RowFault("VL208", f"{text} is gone or too long.")
        try:
            content = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            return RowFault("VL001", f"{text} is not UTF-8 at byte {error.start}.")
        return {"__key__": stem, "image": picture, "text": content.replace("\r\n", "\n").strip()}

    def _stems(self, suffixes: frozenset[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted(self.folder.rglob("*")):
            if path.suffix.lower() in suffixes and not path.name.startswith("."):
                name = path.relative_to(self.folder).as_posix()
                found.setdefault(name[: -len(path.suffix)], []).append(name)
        return found

    def names(self, wanted: tuple[str, ...]) -> frozenset[str]:
        """Say that side-car texts have no fields."""
        return frozenset()

    def annotations(self) -> tuple[Path, ...]:
        """The text files."""
        return tuple(self.folder / name for names in self._stems(frozenset(_TEXT_SUFFIXES)).values() for name in names)


class Shard(msgspec.Struct, frozen=True):
    """A WebDataset tar: members of one stem are one sample. Read as a stream; nothing is extracted to disk."""

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
    for suffix, data in members.items():
        ending = f".{suffix.rpartition('.')[2]}"
        try:
            if ending in PICTURE_SUFFIXES:
                pictures.append({"bytes": data, "path": f"{key}.{suffix}"})
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
    if not pictures:
        return RowFault("VL212", "the sample has no picture.")
    return {**row, "__key__": key, "image": pictures}
