"""Pictures in folders named by class: `cat/1.jpg`, or `train/cat/1.jpg` with a dataset a split."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from vldata.files.naming import natural_key
from vldata.files.paths import PathError, find_below
from vldata.sources.faults import Row, RowFault
from vldata.sources.shards import PICTURE_SUFFIXES
from vldata.sources.splitnames import SPLITS, split_word

_NOT_CLASSES = frozenset({"images", "image", "labels", "annotations", "imgs", "img", "data"})


class ClassFolders(msgspec.Struct, frozen=True):
    """Folders of pictures, each named by the class of what is in it; `below` is the split's folder."""

    folder: Path
    below: str
    follow_links: bool = False
    kind: str = "pictures in folders named by class"

    @property
    def path(self) -> Path:
        """The folder that holds the classes."""
        return self.folder / self.below if self.below else self.folder

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Yield a row for every picture, class by class."""
        for folder in class_folders(self.path):
            for path in sorted(folder.rglob("*"), key=lambda path: natural_key(path.as_posix())):
                if path.suffix.lower() not in PICTURE_SUFFIXES or path.name.startswith("."):
                    continue
                name = path.relative_to(self.folder).as_posix()
                try:
                    find_below(self.folder, name, follow_links=self.follow_links)
                except PathError as error:
                    yield name, RowFault("VL111", f"{error}.")
                    continue
                yield name, {"__key__": name, "image": name, "class": folder.name}

    def names(self, wanted: tuple[str, ...]) -> frozenset[str]:
        """Say that folders have no fields."""
        return frozenset()

    def annotations(self) -> tuple[Path, ...]:
        """No file decides the rows."""
        return ()


def class_folders(folder: Path) -> list[Path]:
    """Return the folders below one that may be classes: at least one picture in each."""
    found = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    named = [path for path in found if path.name.lower() not in _NOT_CLASSES]
    return sorted((path for path in named if _has_picture(path)), key=lambda path: natural_key(path.name))


def _has_picture(folder: Path) -> bool:
    return any(path.suffix.lower() in PICTURE_SUFFIXES for path in folder.rglob("*"))


def find_classes(folder: Path, follow_links: bool) -> list[tuple[str, ClassFolders]]:
    """Return (split, its class folders) below a folder; the split is "" where there are classes at once. Nothing for one folder alone."""
    folders = class_folders(folder)
    if any(path.suffix.lower() in PICTURE_SUFFIXES for path in folder.iterdir()):
        return []  # pictures beside the folders have no class
    splits = [path for path in folders if split_word(path.name) and split_word(path.name) == path.name.lower()]
    if splits and len(splits) == len(folders):
        return [
            (SPLITS.get(path.name.lower(), path.name.lower()), ClassFolders(folder, path.name, follow_links))
            for path in splits
            if class_folders(path)
        ]
    return [("", ClassFolders(folder, "", follow_links))] if len(folders) > 1 else []
