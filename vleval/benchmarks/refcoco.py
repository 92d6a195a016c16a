"""RefCOCO, RefCOCO+ and RefCOCOg: the share of boxes that overlap the right one by half.

VLMEvalKit, dataset/refcoco.py, commit e8e78f05 (`_parse_prediction`, `_to_absolute`, `_compute_iou`, `evaluate`). Upstream tells the space
of each answer by its largest number: up to 1.5 it is a share of the picture, up to 1,000 a thousandth, else pixels. That is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vldata.errors import DataError
from vleval.benchmarks.base import only_reference
from vleval.metric import Floats, Scorer, Scores
from vleval.metrics.base import answer, mean_metric
from vleval.metrics.options import MetricOptions
from vleval.rows import Row

Box = tuple[float, float, float, float]

_SHARES = 1.5  # the largest number of a box in shares of the picture
_THOUSANDTHS = 1000
_SIDES = 4
_LEAST = 0.5  # overlap from which a box is right
_N = r"[-+]?(?:\d++(?:\.\d++)?|\.\d++)(?:[eE][-+]?\d++)?"
_GAP = r"(?:\s*+,\s*+|\s++)"
_NUMBER = re.compile(_N)
_BRACKETED = re.compile(rf"\[\s*+({_N}){_GAP}({_N}){_GAP}({_N}){_GAP}({_N})\s*+\]")


def read_box(text: str) -> Box | None:
    """The first four numbers in brackets, else the first four of the text; None where there are fewer."""
    found = _BRACKETED.search(text)
    numbers = list(found.groups()) if found else _NUMBER.findall(text)[:_SIDES]
    if len(numbers) < _SIDES:
        return None
    left, top, right, bottom = map(float, numbers)
    return left, top, right, bottom


def in_pixels(box: Box, width: float, height: float) -> Box:
    """A predicted box in pixels, its space told by its largest number, inside the picture and its corners in order."""
    most = max(map(abs, box))
    left, top, right, bottom = box
    if most <= _SHARES:
        left, top, right, bottom = left * width, top * height, right * width, bottom * height
    elif most <= _THOUSANDTHS:
        left, right = left / 1000 * width, right / 1000 * width
        top, bottom = top / 1000 * height, bottom / 1000 * height
    left, right = sorted(min(max(x, 0.0), width) for x in (left, right))
    top, bottom = sorted(min(max(y, 0.0), height) for y in (top, bottom))
    return left, top, right, bottom


def overlap(one: Box, other: Box) -> float:
    """Intersection over union; 0 where the boxes do not meet."""
    width, height = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    inside = width * height
    areas = [max(box[2] - box[0], 0) * max(box[3] - box[1], 0) for box in (one, other)]
    union = areas[0] + areas[1] - inside
    return inside / union if union > 0 else 0.0


def _shares(rows: Sequence[Row]) -> bool:
    """Whether the right boxes are shares of the picture: no number of the whole file is above 1.5. Else they are pixels."""
    return max(max(map(abs, _truth(row))) for row in rows) <= _SHARES


def _truth(row: Row) -> Box:
    """The right box as it is written.

    Raises:
        DataError: the row has no box, or does not tell the size of its picture.
    """
    box = read_box(" ".join(row.references) if len(row.references) == _SIDES else only_reference(row))  # four numbers are one box
    if box is None:
        raise DataError("the reference holds no box of four numbers.", where=row.id, cure="Write it as [left, top, right, bottom].")
    return box


def _size(row: Row, said: Box | None, *, shares: bool) -> tuple[float, float]:
    """The size of a row's picture. Without it, shares and thousandths are compared in one of 1 x 1: stretching both changes no overlap.

    Raises:
        DataError: the row does not tell it, and one of its boxes is in pixels.
    """
    if row.width and row.height:
        return row.width, row.height
    if not shares or (said is not None and max(map(abs, said)) > _THOUSANDTHS):
        raise DataError("no width and height of the picture, which boxes are counted in.", where=row.id, cure="Give them in --references.")
    return 1, 1


def _scaled(box: Box, size: tuple[float, float], *, shares: bool) -> Box:
    width, height = size if shares else (1, 1)
    return box[0] * width, box[1] * height, box[2] * width, box[3] * height


def _space_note(said: Sequence[Box | None]) -> str:
    most = [max(map(abs, box)) for box in said if box is not None]
    counts = {
        "shares of the picture": sum(value <= _SHARES for value in most),
        "thousandths": sum(_SHARES < value <= _THOUSANDTHS for value in most),
        "pixels": sum(value > _THOUSANDTHS for value in most),
    }
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    return f"Boxes are taken as upstream takes them, by their largest number: {told}. Pixels up to 1,000 would count as thousandths."


def refcoco(options: MetricOptions) -> Scorer:
    """Percent of boxes whose overlap with the right one is at least 0.5; `IoU` is the mean overlap."""

    def overlaps(rows: Sequence[Row], said: Sequence[Box | None], sizes: Sequence[tuple[float, float]], *, shares: bool) -> Floats:
        truths = [_scaled(_truth(row), size, shares=shares) for row, size in zip(rows, sizes, strict=True)]
        return np.array([0.0 if box is None else overlap(box, truth) for box, truth in zip(said, truths, strict=True)])

    def score(rows: Sequence[Row]) -> Scores:
        read = [read_box(text) if (text := answer(row)) is not None else None for row in rows]
        shares = _shares(rows)
        sizes = [_size(row, box, shares=shares) for row, box in zip(rows, read, strict=True)]
        boxes = [None if box is None else in_pixels(box, *size) for box, size in zip(read, sizes, strict=True)]
        found = overlaps(rows, boxes, sizes, shares=shares)
        unread = sum(1 for row, box in zip(rows, read, strict=True) if box is None and answer(row) is not None)
        notes = [_space_note(read)] if any(read) else []
        notes += [f"{unread:,} of {len(rows):,} answers hold no box; they count as wrong."] if unread else []
        splits = {row.category for row in rows}
        if len(splits) > 1:
            notes.append(f"The rows are of {len(splits):,} categories; where these are splits, upstream's average is the mean of theirs.")
        return Scores(
            values=np.where(found >= _LEAST, 100.0, 0.0), unparsed=unread, parts={"IoU": 100 * float(found.mean())}, notes=tuple(notes)
        )

    def gold(rows: Sequence[Row]) -> Scores:
        shares = _shares(rows)
        read = [read_box(row.prediction or "") for row in rows]
        sizes = [_size(row, None, shares=shares) for row in rows]
        boxes = [None if box is None else _scaled(box, size, shares=shares) for box, size in zip(read, sizes, strict=True)]
        return Scores(values=np.where(overlaps(rows, boxes, sizes, shares=shares) >= _LEAST, 100.0, 0.0))

    scorer = mean_metric(score, signature="iou:0.5 space:by-size", scale=100.0, binary=True, styled=False)
    return replace(scorer, gold=gold)
