"""Where pictures with texts are found: annotation files, folders with metadata or side-car texts, WebDataset tars."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

from vldata.errors import DataError, UsageError
from vldata.files.naming import natural_key
from vldata.files.paths import PathError, find_below
from vldata.files.special import special_kind
from vldata.sources.classfolders import find_classes
from vldata.sources.compressed import stem_of
from vldata.sources.gather import find_annotations
from vldata.sources.jsonrows import MAX_ROW_BYTES, Quick
from vldata.sources.rows import Row, RowFault, RowFile, open_rows
from vldata.sources.shards import PICTURE_SUFFIXES, Shard, is_tar
from vldata.sources.splitnames import choose_groups, group_files, groups_sentence

_TEXT_SUFFIXES = (".txt", ".caption")
_METADATA = ("metadata.jsonl", "metadata.csv", "metadata.parquet")  # of an image folder (Hugging Face)


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


class PairTable(msgspec.Struct, frozen=True):
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

    def quick_rows(self, quick: Callable[[str], Quick]) -> Iterator[tuple[str, Any]]:
        """Yield its rows, see `RowFile.quick_rows`."""
        return self.file.quick_rows(quick)

    def names(self, wanted: tuple[str, ...]) -> frozenset[str]:
        """Tell which names may be keys of a row."""
        return self.file.names(wanted)

    def annotations(self) -> tuple[Path, ...]:
        """The file."""
        return (self.file.path,)


class FoundPairs(NamedTuple):
    """One dataset of a source: its name, its files, what of the name tells its subset and split, and what is to be said."""

    name: str
    files: tuple[PairFile, ...]
    part: str = ""
    said: tuple[str, ...] = ()


def find_pair_files(source: Path, *, follow_links: bool, encoding: str = "auto", split: str = "", subset: str = "") -> list[FoundPairs]:
    """Return the datasets in what a user gave; files of two splits or subsets are never one.

    Raises:
        DataError: the folder holds nothing of the kind.
        UsageError: --split or --subset names none that is there.
    """
    if source.is_dir():
        return _search(source, follow_links, encoding, split, subset)
    if split or subset:
        raise UsageError("--split and --subset choose among the files of a folder.", where=str(source), cure="Give the folder.")
    if is_tar(source):
        return [FoundPairs(source.name.split(".")[0], (Shard(source),))]
    return [_found(stem_of(source), (source,), encoding)]


def _found(name: str, files: tuple[Path, ...], encoding: str, part: str = "", kind: str = "annotation file") -> FoundPairs:
    opened = tuple(Shard(path) if is_tar(path) else PairTable(open_rows(path, encoding=encoding), kind) for path in files)
    said = tuple(sentence for file in opened[:8] if isinstance(file, PairTable) for sentence in file.file.said)
    return FoundPairs(name, opened, part, said)


def _search(folder: Path, follow_links: bool, encoding: str, split: str, subset: str) -> list[FoundPairs]:
    name = folder.absolute().name
    metadata = [folder / file for file in _METADATA if (folder / file).is_file()][:1]
    if not metadata:
        metadata = next((found for file in _METADATA if (found := sorted(folder.glob(f"*/{file}")))), [])
    groups, passed = (group_files(metadata, folder), "") if metadata else find_annotations(folder)
    if groups:
        kind = "image folder" if metadata else "annotation file"
        chosen = choose_groups(groups, split, subset, folder)
        datasets = [_found(f"{name}_{group.part}" if group.part else name, group.files, encoding, group.part, kind) for group in chosen]
        said = tuple(filter(None, (passed, groups_sentence(groups))))
        return [datasets[0]._replace(said=(*said, *datasets[0].said)), *datasets[1:]]
    return _without_annotations(folder, name, follow_links, split)


def _without_annotations(folder: Path, name: str, follow_links: bool, split: str) -> list[FoundPairs]:
    """Look for texts beside pictures, then for pictures in folders named by class."""
    side_car = SideCars(folder, follow_links)
    if side_car.pictures() and side_car.annotations():
        refuse_labels(side_car)
        return [FoundPairs(name, (side_car,))]
    if classes := find_classes(folder, follow_links):
        chosen = [found for found in classes if not split or found[0] == split]
        if not chosen:
            raise UsageError(
                f"--split {split!r} is not there.", where=str(folder), cure=f"There are {', '.join(part for part, _ in classes)}."
            )
        return [FoundPairs(f"{name}_{part}" if part else name, (files,), part) for part, files in chosen]
    raise DataError(
        "no annotation file here, and no pictures with side-car .txt or in folders named by class.",
        where=str(folder),
        cure="Give the annotation file, a folder with a .txt beside each picture, or one folder a class.",
    )


_YOLO_LINE = re.compile(r"\d+(?:[ \t]+-?\d*\.?\d+(?:[eE][-+]?\d+)?){4,}\s*").fullmatch


def is_yolo(text: str) -> bool:
    """Whether a side-car text is a YOLO label file: a class number and four or more shares a line."""
    lines = [line for line in text.splitlines() if line.strip()]
    return bool(lines) and all(map(_YOLO_LINE, lines))


def refuse_labels(side_cars: SideCars) -> None:
    """Refuse a folder whose side-car texts are YOLO labels: boxes are no captions.

    Raises:
        DataError: most of the first texts are.
    """
    texts = [path for path in side_cars.annotations() if path.name.lower() not in ("classes.txt", "obj.names")][:50]
    labels = sum(is_yolo(path.read_bytes()[:65_536].decode("utf-8", "replace")) for path in texts)
    if labels * 2 > len(texts):
        raise DataError(
            "the .txt files beside the pictures are YOLO labels (class and box), not captions.",
            where=str(side_cars.folder),
            cure=f"Run: vldata convert yolo {side_cars.folder}",
        )


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
        if is_yolo(content):
            return RowFault("VL201", f"{text} is a YOLO label file (class and box), not a caption.")
        return {"__key__": stem, "image": picture, "text": content.replace("\r\n", "\n").strip()}

    def _stems(self, suffixes: frozenset[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted(self.folder.rglob("*")):
            if path.suffix.lower() in suffixes and not path.name.startswith(".") and not special_kind(path):
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
