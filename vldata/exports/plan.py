"""What an export is given and what it returns; where its pictures are, seen from the exported file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec

from vldata.causes import write_error
from vldata.datasets.dataset import Dataset
from vldata.errors import DataError
from vldata.files.durable import open_durable, write_atomic
from vldata.media.video_tokens import Clip, video_tokens
from vldata.output.folder import Target
from vldata.output.tokens import estimate_text_tokens, text_bytes
from vldata.records.record import Record

ImagePlaces = Literal["absolute", "copy", "embed"]
_CUTOFF_STEP = 64


class ExportPlan:
    """One export: the dataset, the folder to write to, and where pictures go.

    `absolute` names the pictures where they lie, `copy` copies them to images/ and videos/ of the export and names them relative to it,
    `embed` puts their bytes into the file (formats that can). `push` names the repository of the hub that the hf format uploads to,
    private unless `public`.
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
    ) -> None:
        self.dataset = Dataset(target)
        self.out = out
        self.images = images
        self.rows_per_shard = rows_per_shard
        self.push = push
        self.public = public

    @property
    def name(self) -> str:
        """The dataset's name, which the exported files bear."""
        return self.dataset.name

    def image_name(self, image: str) -> str:
        """How the exported file names a picture or video of a record."""
        if self.images == "copy":
            return image
        return str((self.dataset.paths.out / image).absolute())

    def image_bytes(self, image: str) -> bytes:
        """Read a picture.

        Raises:
            DataError: it is not there.
        """
        path = self.dataset.paths.out / image
        try:
            return path.read_bytes()
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror or error}.", where=str(path), cure="Run: vldata validate") from None

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


class Exported(msgspec.Struct, frozen=True):
    """What an export wrote: files, how many records, and the command or snippet that trains on it."""

    format: str
    files: tuple[Path, ...]
    records: int
    snippet: str


def write_jsonl(plan: ExportPlan, file: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write rows as JSON lines beside their place and rename; copies pictures first where the plan says so. Returns the count."""
    make_folder(file.parent)
    beside = file.with_name(f".{file.name}.tmp")
    count = 0
    with open_durable(beside) as handle:
        for row in rows:
            handle.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            count += 1
    if plan.images == "copy":
        copy_pictures(plan)
    beside.replace(file)
    return count


def copy_pictures(plan: ExportPlan) -> None:
    """Copy every picture and video of the dataset into the export, keeping its name."""
    for image in dict.fromkeys(line.path for line in plan.dataset.media()):
        target = plan.out / image
        if target.is_file():
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(plan.dataset.paths.out / image, target)
        except OSError as error:
            raise write_error(target, error) from None


def write_text(path: Path, text: str) -> Path:
    """Write a small text file in one step and return its path."""
    make_folder(path.parent)
    write_atomic(path, text.encode())
    return path


def make_folder(path: Path) -> None:
    """Make a folder with its parents."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(path, error) from None
