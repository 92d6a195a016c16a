"""Where pictures with texts are found: annotation files, folders with metadata or side-car texts, WebDataset tars."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from vldata.errors import DataError
from vldata.files.naming import natural_key
from vldata.files.paths import PathError, find_below
from vldata.sources.rows import MAX_ROW_BYTES, Row, RowFault, RowFile, open_rows
from vldata.sources.shards import PICTURE_SUFFIXES, Shard, is_tar

_TEXT_SUFFIXES = (".txt", ".caption")
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
    if is_tar(source):
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
    if not side_car.annotations() or not side_car.pictures():
        raise DataError(
            "no metadata file, tar, parquet or jsonl here, and no pictures with side-car .txt.",
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

    def pictures(self) -> tuple[str, ...]:
        """The names of the pictures."""
        return tuple(name for names in self._stems(PICTURE_SUFFIXES).values() for name in names)

    def annotations(self) -> tuple[Path, ...]:
        """The text files."""
        return tuple(self.folder / name for names in self._stems(frozenset(_TEXT_SUFFIXES)).values() for name in names)
