"""Which split and subset a file belongs to, by its own name and its folders: files of two splits are never one dataset.

```
train-00000-of-00002.parquet  validation-00000-of-00001.parquet  test/0000.parquet  val.json  instances_train2017.json
chart/train-00000-of-00001.parquet                               subset chart, split train
```
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from vldata.errors import UsageError
from vldata.files.naming import natural_key
from vldata.suggest import nearest

SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "devel": "val",
    "eval": "val",
    "evaluation": "val",
    "test": "test",
    "testing": "test",
}
_OWN = frozenset(
    {"testa", "testb", "testdev", "teststd", "minival", "minitest", "testmini", "trainval", "holdout", "heldout"}
)  # stay as they are
_PASSED = frozenset({"data", "default", "annotations", "annotation", "ann", "anns", "labels", "json", "jsonl"})  # folders that say nothing
_WORDS = re.compile(r"[A-Za-z]+")


class FileGroup(msgspec.Struct, frozen=True):
    """Files of one subset and split; "" where names say nothing."""

    subset: str
    split: str
    files: tuple[Path, ...]

    @property
    def part(self) -> str:
        """What is added to the name of the dataset."""
        return "_".join(filter(None, (self.subset, self.split)))


def split_word(text: str) -> str:
    """Return the split that a file or folder name says it is, as it is written there, lower case; "" where it says none."""
    words = [word.lower() for word in _WORDS.findall(text)]
    return next((word for word in words if word in SPLITS or word in _OWN), "")


def group_files(files: Sequence[Path], root: Path) -> list[FileGroup]:
    """Group the files of a folder by subset and split, in natural order.

    `val`, `valid`, `validation` and `dev` are all val, unless two of them stand side by side: then each keeps its own name.
    """
    placed = [(*_place_of(path, root), path) for path in files]
    meanings: dict[tuple[str, str], set[str]] = {}
    for subset, word, _ in placed:
        meanings.setdefault((subset, SPLITS.get(word, word)), set()).add(word)
    groups: dict[tuple[str, str], list[Path]] = {}
    for subset, word, path in placed:
        meaning = SPLITS.get(word, word)
        groups.setdefault((subset, meaning if len(meanings[subset, meaning]) == 1 else word), []).append(path)
    if len(groups) == 1:
        return [FileGroup("", "", tuple(files))]
    unsplit = {subset for subset, split in groups if not split}
    split = {subset for subset, split in groups if split}
    order = ("train", "val", "test")
    named = sorted(
        groups.items(), key=lambda item: (natural_key(item[0][0]), order.index(item[0][1]) if item[0][1] in order else 9, item[0][1])
    )
    return [
        FileGroup(
            subset,
            name or ("rest" if subset in unsplit & split else ""),
            tuple(sorted(paths, key=lambda path: natural_key(path.as_posix()))),
        )
        for (subset, name), paths in named
    ]


def _place_of(path: Path, root: Path) -> tuple[str, str]:
    """Return (subset, split word) of a file."""
    folders = path.relative_to(root).parts[:-1]
    word = split_word(path.name.split(".")[0])
    if not word:
        word = next((found for folder in reversed(folders) if (found := split_word(folder)) and _is_split_folder(folder)), "")
    subset = "_".join(folder for folder in folders if folder.lower() not in _PASSED and not _is_split_folder(folder))
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", subset), word


def _is_split_folder(folder: str) -> bool:
    """Whether a folder is named for a split alone: `train`, `val2017`, not `test_reports`."""
    words = [word.lower() for word in _WORDS.findall(folder)]
    return len(words) == 1 and (words[0] in SPLITS or words[0] in _OWN)


def choose_groups(groups: Sequence[FileGroup], split: str, subset: str, where: Path) -> list[FileGroup]:
    """Take what --split and --subset name.

    Raises:
        UsageError: there is no such split or subset.
    """
    chosen = list(groups)
    for wanted, flag in ((subset, "subset"), (split, "split")):
        if not wanted:
            continue
        there = sorted({name for group in chosen if (name := getattr(group, flag))})
        asked = SPLITS.get(wanted.lower(), wanted) if flag == "split" and wanted not in there else wanted
        if asked not in there:
            names = ", ".join(there) or "none: names of files and folders tell none"
            raise UsageError(f"--{flag} {wanted!r} is not there.{nearest(wanted, there)}", where=str(where), cure=f"There are {names}.")
        chosen = [group for group in chosen if getattr(group, flag) == asked]
    return chosen


def groups_sentence(groups: Sequence[FileGroup]) -> str:
    """Say which datasets the files become; "" where they are one."""
    if len(groups) < 2:
        return ""
    parts = ", ".join(f"{group.part or 'no split'} ({len(group.files)} file{'' if len(group.files) == 1 else 's'})" for group in groups)
    return f"Each split and subset becomes a dataset of its own: {parts}."
