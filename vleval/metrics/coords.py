"""Coordinate spaces of boxes, each converted to pixels of the picture; the space is always told, never guessed."""

from __future__ import annotations

import math

import msgspec

from vldata.errors import UsageError
from vleval.metrics.boxes import Box
from vleval.metrics.options import CoordSpace


class Resize(msgspec.Struct, frozen=True, kw_only=True):
    """How a Qwen2.5-VL processor resizes, for `pixels-resized`: both sides multiples of `factor`, the area within bounds."""

    factor: int = 28
    min_pixels: int = 56 * 56
    max_pixels: int = 28 * 28 * 1280 * 10


def resized_size(width: int, height: int, resize: Resize) -> tuple[int, int]:
    """The size a Qwen-VL processor gives a picture (its `smart_resize`)."""
    factor = resize.factor
    new_width = max(factor, round(width / factor) * factor)
    new_height = max(factor, round(height / factor) * factor)
    if new_width * new_height > resize.max_pixels:
        ratio = math.sqrt(width * height / resize.max_pixels)
        new_width = max(factor, math.floor(width / ratio / factor) * factor)
        new_height = max(factor, math.floor(height / ratio / factor) * factor)
    elif new_width * new_height < resize.min_pixels:
        ratio = math.sqrt(resize.min_pixels / (width * height))
        new_width = math.ceil(width * ratio / factor) * factor
        new_height = math.ceil(height * ratio / factor) * factor
    return new_width, new_height


def to_pixels(box: Box, space: CoordSpace, width: int, height: int, *, resize: Resize | None = None) -> Box | None:
    """A box in pixels of a `width` x `height` picture, cut at its edges; None when nothing of it lies inside.

    Raises:
        UsageError: no space is told, or it needs the picture's size and that is not known.
    """
    if not space:
        raise UsageError(
            "the boxes' coordinate space is not told.",
            cure="Give --coord-space 0-1000 (Qwen-VL, Qwen2-VL, Qwen3-VL), pixels-resized (Qwen2.5-VL), pixels or 0-1.",
        )
    if width <= 0 or height <= 0:
        if space != "pixels":
            raise UsageError(f"coordinate space {space!r} needs the picture's width and height.", cure="Add width and height to the rows.")
        return _kept(box, box.x1, box.y1, box.x2, box.y2)
    across, down = _scale(space, width, height, resize or Resize())
    return _kept(
        box,
        min(max(box.x1 * across, 0.0), width),
        min(max(box.y1 * down, 0.0), height),
        min(max(box.x2 * across, 0.0), width),
        min(max(box.y2 * down, 0.0), height),
    )


def _scale(space: CoordSpace, width: int, height: int, resize: Resize) -> tuple[float, float]:
    if space == "0-1000":
        return width / 1000, height / 1000
    if space == "0-1":
        return float(width), float(height)
    if space == "pixels-resized":
        resized_width, resized_height = resized_size(width, height, resize)
        return width / resized_width, height / resized_height
    return 1.0, 1.0


def _kept(box: Box, x1: float, y1: float, x2: float, y2: float) -> Box | None:
    if x2 <= x1 or y2 <= y1:
        return None
    return Box(label=box.label, x1=x1, y1=y1, x2=x2, y2=y2, score=box.score, extra=box.extra)
