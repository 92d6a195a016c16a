"""The whole of `vleval detect`: answers read, boxes parsed and brought into pixels, pictures drawn, everything counted."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vldata.errors import DataError, UsageError
from vldata.files.durable import write_atomic
from vleval.detect.draw import colours_of, draw_boxes, label_text
from vleval.detect.fonts import FontChain, find_fonts, script_names
from vleval.detect.inputs import Task, output_names, pair_up
from vleval.metrics.boxes import Box, parse_boxes
from vleval.metrics.coords import to_pixels
from vleval.metrics.options import CoordSpace
from vleval.rows import Row

if TYPE_CHECKING:
    from PIL import Image


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """One picture: its boxes in pixels of the upright frame, and what was not drawn.

    Attributes:
        dropped: objects that are cut off or whose box is not four numbers.
        outside: boxes of which nothing lies in the picture.
        unknown: boxes whose label is not among `--classes`.
    """

    id: str
    image: str
    output: str
    width: int
    height: int
    boxes: tuple[Box, ...]
    dropped: int
    outside: int
    unknown: int


class Failed(msgspec.Struct, frozen=True):
    """A picture that could not be drawn, and why."""

    id: str
    image: str
    reason: str


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `vleval detect` did."""

    drawn: tuple[Drawn, ...]
    failed: tuple[Failed, ...]
    escaped: str


@dataclass(frozen=True)
class Settings:
    """How to draw.

    Attributes:
        classes: labels that are expected; empty to take any.
        whole_folder: pictures without an answer count as failed.
        escape: draw characters that no font has as their code instead of refusing.
    """

    coord_space: CoordSpace
    classes: frozenset[str] = frozenset()
    fonts: tuple[Path, ...] = ()
    whole_folder: bool = False
    escape: bool = False


def detect(
    rows: list[Row], root: Path, out: Path, settings: Settings, tick: Callable[[int, int], None] = lambda done, of: None
) -> Detection:
    """Draw the boxes of every answer on its picture and write one PNG per answer below `out`.

    Raises:
        UsageError: no coordinate space, or labels in a script that no font here can draw.
        DataError: no picture for any answer.
    """
    if not settings.coord_space:
        raise UsageError(
            "the boxes' coordinate space is not told.",
            cure="Give --coord-space 0-1000 (Qwen-VL, Qwen2-VL, Qwen3-VL), pixels-resized (Qwen2.5-VL), pixels or 0-1.",
        )
    tasks, lost = pair_up(rows, root, whole_folder=settings.whole_folder)
    if not tasks:
        raise DataError("no prediction names a picture in it.", where=str(root), cure="Name the folder that image paths are relative to.")
    parsed = [parse_boxes(task.row.prediction) if task.row is not None and task.row.prediction is not None else None for task in tasks]
    labels = [box.label for found in parsed if found is not None for box in found.boxes]
    fonts, escaped = _fonts(labels, settings)
    colours = colours_of(labels)
    drawn: list[Drawn] = []
    failed = [Failed(identity, "", "its picture is not in the folder") for identity in lost]
    for number, (task, found, name) in enumerate(zip(tasks, parsed, output_names(tasks), strict=True)):
        tick(number, len(tasks))
        if found is None:
            reason = "no prediction" if task.row is None else task.row.error or "no answer"
            failed.append(Failed(task.row.id if task.row else task.name, task.name, reason))
            continue
        image = _load(task)
        if isinstance(image, str):
            failed.append(Failed(task.row.id if task.row else task.name, task.name, image))
            continue
        kept, outside = _in_pixels(found.boxes, image.size, settings.coord_space)
        texts = [_escape(label_text(box.label), escaped) for box in kept]
        _write(out / name, draw_boxes(image, kept, texts, colours, fonts))
        unknown = sum(box.label not in settings.classes for box in kept) if settings.classes else 0
        drawn.append(
            Drawn(
                id=task.row.id if task.row else task.name,
                image=task.name,
                output=name,
                width=image.width,
                height=image.height,
                boxes=tuple(kept),
                dropped=found.dropped,
                outside=outside,
                unknown=unknown,
            )
        )
    tick(len(tasks), len(tasks))
    return Detection(drawn=tuple(drawn), failed=tuple(failed), escaped=escaped)


def _fonts(labels: Sequence[str], settings: Settings) -> tuple[FontChain, str]:
    texts = [label_text(label) for label in labels]
    fonts = find_fonts([*texts, "U+0123456789ABCDEF"], settings.fonts)
    lost = fonts.missing("".join(dict.fromkeys("".join(texts))))
    if lost and not settings.escape:
        example = next(text for text in texts if set(lost) & set(text))
        raise UsageError(
            f"no font on this machine can draw {lost[:20]!r} ({script_names(lost)}), as in the label {example!r}.",
            cure="Give one with --font FILE, install one (fonts-noto-core, fonts-noto-cjk), or write codes instead: --escape-labels",
        )
    return fonts, lost


def _escape(text: str, lost: str) -> str:
    return "".join(f"[U+{ord(c):04X}]" if c in lost else c for c in text) if lost else text


def _load(task: Task) -> Image.Image | str:
    from vldata.media.decode import decode_picture
    from vldata.media.sources import Unusable, read_picture_bytes

    try:
        return decode_picture(read_picture_bytes(str(task.path))).image
    except Unusable as fault:
        return fault.failure.reason


def _in_pixels(boxes: Sequence[Box], size: tuple[int, int], space: CoordSpace) -> tuple[list[Box], int]:
    kept = [moved for box in boxes if (moved := to_pixels(box, space, *size)) is not None]
    return kept, len(boxes) - len(kept)


def _write(path: Path, image: Image.Image) -> None:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot be made: {error.strerror}.", where=str(path.parent), cure="Choose another --out.") from None
    write_atomic(path, buffer.getvalue())
