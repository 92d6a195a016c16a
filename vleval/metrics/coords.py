"""Coordinate spaces of boxes, each converted to pixels of the picture; the space is always told, never guessed."""

from __future__ import annotations

from vldata.errors import UsageError
from vldata.media.pixels import smart_resize
from vleval.metrics.boxes import LabelledBox
from vleval.metrics.options import CoordSpace


def to_pixels(box: LabelledBox, space: CoordSpace, width: int, height: int, *, processor: str = "qwen2.5-vl") -> LabelledBox | None:
    """A box in pixels of a `width` x `height` picture, cut at its edges; None when nothing of it is inside.

    `pixels-resized` are pixels of the picture as `processor` resizes it within its published limits.

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
    across, down = _scale(space, width, height, processor)
    return _kept(
        box,
        min(max(box.x1 * across, 0.0), width),
        min(max(box.y1 * down, 0.0), height),
        min(max(box.x2 * across, 0.0), width),
        min(max(box.y2 * down, 0.0), height),
    )


def _scale(space: CoordSpace, width: int, height: int, processor: str) -> tuple[float, float]:
    if space == "0-1000":
        return width / 1000, height / 1000
    if space == "0-1":
        return float(width), float(height)
    if space == "pixels-resized":
        resized_width, resized_height = smart_resize(width, height, processor=processor)
        return width / resized_width, height / resized_height
    return 1.0, 1.0


def _kept(box: LabelledBox, x1: float, y1: float, x2: float, y2: float) -> LabelledBox | None:
    kept = LabelledBox(label=box.label, x1=x1, y1=y1, x2=x2, y2=y2, score=box.score, extra=box.extra)
    return kept if kept.has_area else None
