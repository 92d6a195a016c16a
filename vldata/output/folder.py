"""The output folder: where everything of a dataset is, and which names are allowed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from vldata.errors import DataError, UsageError
from vldata.files.paths import path_fault

DATASET_INFO = "dataset_info.json"
STATE_DIR = ".vldata"
IMAGES_DIR = "images"
VIDEOS_DIR = "videos"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}").fullmatch
_SHARD = re.compile(r"part-\d{5,}\.jsonl").fullmatch
_RESERVED = frozenset({IMAGES_DIR, VIDEOS_DIR, "dataset_info"})


def check_name(name: str) -> str:
    """Return `name` if it can name a dataset: letters, digits, `_ . -`, at most 100, not starting with a sign.

    Raises:
        UsageError: with what is allowed.
    """
    if not _NAME(name) or name in _RESERVED or name.endswith((".jsonl", ".json", ".contract", ".media", ".rejects")):
        raise UsageError(f"{name!r} cannot name a dataset.", cure="Use letters, digits, '_', '.' and '-', for example --name openeqa.")
    return name


def can_name_files(name: str) -> bool:
    """Whether a name, for example a key of somebody's registry, is one part of a path and no way out of the folder."""
    return "/" not in name and not path_fault(name)


@dataclass(frozen=True)
class DatasetPaths:
    """Every path of dataset `name` in folder `out`.

    Raises:
        DataError: the name is none of one part, so that its files would be elsewhere.
    """

    out: Path
    name: str

    @classmethod
    def at(cls, target: Target) -> DatasetPaths:
        """Read `DIR/NAME` as every command and function takes it; a trailing `.jsonl` is forgiven.

        Raises:
            UsageError: it names no dataset.
        """
        if isinstance(target, DatasetPaths):
            return target
        if not isinstance(target, str | os.PathLike):
            raise UsageError(f"{target!r} names no dataset.", cure="Give DIR/NAME, for example prepared/openeqa.")
        path = Path(target)
        name = path.name.removesuffix(".jsonl")
        if not name:
            raise UsageError(f"{str(target)!r} names no dataset.", cure="Give DIR/NAME, for example prepared/openeqa.")
        return cls(path.parent, check_name(name))

    def __post_init__(self) -> None:
        if not can_name_files(self.name):
            raise DataError(f"{self.name!r} cannot name a dataset: its files would be elsewhere.", where=str(self.out))

    def owns(self, name: str) -> bool:
        """Whether a file of the folder is one that a dataset of this name has: records, shards, contract, media, rejects, repairs."""
        whole = (self.records, self.contract, self.media, self.rejects, self.repairs, self.shards)
        folder, _, part = name.rpartition("/")
        return name in {path.name for path in whole} or (folder == self.name and _SHARD(part) is not None)

    @property
    def records(self) -> Path:
        """The records, one file."""
        return self.out / f"{self.name}.jsonl"

    @property
    def shards(self) -> Path:
        """The folder of record files of a dataset written with `--shard-size`."""
        return self.out / self.name

    @property
    def contract(self) -> Path:
        """How the dataset was made."""
        return self.out / f"{self.name}.contract.json"

    @property
    def media(self) -> Path:
        """One line a picture."""
        return self.out / f"{self.name}.media.jsonl"

    @property
    def rejects(self) -> Path:
        """One line a record that was left out."""
        return self.out / f"{self.name}.rejects.jsonl"

    @property
    def repairs(self) -> Path:
        """One line a repair, where --repair made any."""
        return self.out / f"{self.name}.repairs.jsonl"

    @property
    def state(self) -> Path:
        """Staging, journal and lock of a running or interrupted command."""
        return self.out / STATE_DIR / self.name

    @property
    def staging(self) -> Path:
        """Files that are not published yet."""
        return self.state / "staging"

    @property
    def journal(self) -> Path:
        """The commit journal."""
        return self.state / "commit.json"

    @property
    def lock(self) -> Path:
        """The lock file; its text names the holder."""
        return self.state / "lock"

    @property
    def images(self) -> Path:
        """The pictures of every dataset in the folder."""
        return self.out / IMAGES_DIR

    @property
    def videos(self) -> Path:
        """The kept videos of every dataset in the folder."""
        return self.out / VIDEOS_DIR


Target = str | os.PathLike[str] | DatasetPaths
"""A registered dataset as a user names it: `DIR/NAME`, or its paths."""
