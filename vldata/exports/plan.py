"""What an export is given and what it returns; where its pictures are, seen from the exported file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec

from vldata.causes import write_error
from vldata.datasets.dataset import Dataset
from vldata.files.content import Kind
from vldata.files.copying import copy_below
from vldata.files.durable import replace_atomic, write_atomic
from vldata.media.video_tokens import Clip, video_tokens
from vldata.output.folder import Target
from vldata.output.tokens import estimate_text_tokens, text_bytes
from vldata.records.parts import TASKS
from vldata.records.record import Record

ImagePlaces = Literal["absolute", "copy", "embed"]
_CUTOFF_STEP = 64


class ExportPlan:
    """One export: the dataset, the folder to write to, and where pictures go.

    `absolute` names the pictures where they are, `copy` copies them to images/ and videos/ of the export and names them relative to it,
    `embed` puts their bytes into the file (formats that can). `push` names the repository of the hub that the hf format uploads to,
    private unless `public`, with a card that names the `license`. `model` is the base model that a training file names; "" for the default.
    """

    def __init__(
        self,
        target: Target,
        out: Path,
        *,
        images: ImagePlaces = "absolute",
        rows_per_shard: int = 1000,
        push: str = "",
        public: bool = False,
        license: str = "",
        model: str = "",
    ) -> None:
        self.dataset = Dataset(target)
        self.out = out
        self.images = images
        self.rows_per_shard = rows_per_shard
        self.push = push
        self.public = public
        self.license = license
        self.model = model
        self._seen: dict[str, str] = {}

    def of(self, target: Target) -> ExportPlan:
        """Return the plan of another dataset that goes into the same folder in the same way."""
        return ExportPlan(target, self.out, images=self.images, rows_per_shard=self.rows_per_shard, model=self.model)

    @property
    def name(self) -> str:
        """The dataset's name, which the exported files bear."""
        return self.dataset.name

    def image_name(self, image: str, kind: Kind = "image") -> str:
        """How the exported file names a picture or video of a record, once it was seen to be one.

        Raises:
            DataError: it is not there, is something else by its content, or leads out of the dataset's folder.
        """
        if self.images == "copy":  # looked at when it is copied
            return self.dataset.file(image).name
        if image not in self._seen:
            self._seen[image] = str(self.dataset.file(image).checked(kind).absolute())
        return self._seen[image]

    def image_bytes(self, image: str, kind: Kind = "image") -> bytes:
        """Read a picture or video.

        Raises:
            DataError: as `image_name`.
        """
        return self.dataset.file(image).read(kind)

    def cutoff(self, video_tokens: Callable[[Clip], int] = video_tokens) -> int:
        """Tokens that hold the longest record, rounded up: exact for vision, estimated from above for text.

        Args:
            video_tokens: what a video costs under the trainer of the export.
        """
        tokens = self.dataset.contract.tokens
        longest = tokens.vision.max + estimate_text_tokens(tokens.text_bytes.max, 4)
        if self.dataset.contract.videos is not None:
            processor = self.dataset.contract.pixels.processor
            cost = {line.path: video_tokens(line.clip) if line.frames else line.tokens(processor) for line in self.dataset.media()}
            longest = max(sum(cost[path] for path in record.media) + _text_tokens(record) for record in self.dataset)
        return -(-longest // _CUTOFF_STEP) * _CUTOFF_STEP


def _text_tokens(record: Record) -> int:
    return estimate_text_tokens(text_bytes(record), len(record.messages))


def task_of(plan: ExportPlan) -> str:
    """The part that makes the dataset one for another training than SFT: "rejected", "wanted" or "solution"; "" for none."""
    return next((name for name in plan.dataset.contract.parts if name in TASKS), "")


class Exported(msgspec.Struct, frozen=True):
    """What an export wrote: files, how many records, and the command or snippet that trains on it.

    `snippet` is "" for a side of a split that is not trained on; `note` says what the user must know of the split.
    """

    format: str
    files: tuple[Path, ...]
    records: int
    snippet: str
    note: str = ""


def write_jsonl(plan: ExportPlan, file: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write rows as JSON lines next to their place and rename; copies pictures first where the plan says so. Returns the count."""
    make_folder(file.parent)
    count = 0
    with replace_atomic(file) as handle:
        for row in rows:
            handle.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            count += 1
        if plan.images == "copy":
            copy_pictures(plan)
    return count


def copy_pictures(plan: ExportPlan) -> None:
    """Copy every picture and video that the records name into the export, keeping its name; each is compared with its digest.

    Raises:
        DataError: one is not there, is damaged, is something else by its content, or leads out of the dataset's folder.
    """
    digests = {line.path: line.sha256 for line in plan.dataset.media()}
    named: dict[str, Kind] = {}
    for record in plan.dataset:
        named.update(dict.fromkeys(record.images, "image"))
        named.update(dict.fromkeys(record.kept_videos, "video"))
    for name, kind in named.items():
        copy_below(plan.dataset.file(name), plan.out, name, sha256=digests.get(name, ""), kind=kind)


def write_text(path: Path, text: str) -> Path:
    """Write a small text file in one step and return its path."""
    make_folder(path.parent)
    write_atomic(path, text.encode())
    return path


def make_folder(path: Path) -> Path:
    """Make a folder with its parents and return it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(path, error) from None
    return path
