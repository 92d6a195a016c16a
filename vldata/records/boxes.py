"""Boxes and points: given in the coordinates of a source picture, written in those of the rendered one or on a scale of 0 to 1000.

A draft carries a box as numbers, since only the renderer learns how large the source is and how large it was written. Which of the two a
model was trained on, its family says.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from vldata.media.refs import Picture
from vldata.models.families import find_family

Space = Literal["pixels", "0-1", "0-1000"]
Target = Literal["pixels", "0-1000"]
Wish = Literal["auto", "pixels", "0-1000"]
_SLACK = 0.01  # of a side: rounding and one-past-the-end coordinates are clamped, anything further out is a fault


def target_for(wish: Wish, processor: str) -> Target:
    """How boxes are written for the models of a processor, unless the user said."""
    if wish != "auto":
        return wish
    return find_family(processor).boxes


class BoxError(ValueError):
    """Why a box cannot be written; the message is a sentence."""


class Box(msgspec.Struct, frozen=True):
    """A point (x, y) or a box (x1, y1, x2, y2) on `Draft.media[media]`, to be written as `[x1, y1, x2, y2]`.

    `space` says what the values are: pixels of the upright source, shares of its sides (0-1), or thousandths of them (0-1000).
    `annotated` is the size that the annotation gives the image: pixels are then counted in that size, and an image of another shape
    (turned, cut) is a fault.
    """

    media: int
    values: tuple[float, ...]
    space: Space
    target: Target
    annotated: tuple[int, int] | None = None


class Coordinate(msgspec.Struct, frozen=True):
    """One number of a box or point that stands in a text, on `Draft.media[media]`; `axis` 0 is across, 1 down.

    The signs around it stay text. `space` is as in `Box`.
    """

    media: int
    value: float
    axis: int
    space: Space
    target: Target


def format_coordinate(part: Coordinate, picture: Picture) -> str:
    """Write one number in its target space, a whole number within the picture.

    Raises:
        BoxError: it is outside.
    """
    side = picture.source_height if part.axis else picture.source_width
    written = picture.height if part.axis else picture.width
    share = part.value / {"pixels": side, "0-1": 1, "0-1000": 1000}[part.space]
    if not -_SLACK <= share <= 1 + _SLACK:
        what = f"an image of {picture.source_width}x{picture.source_height}" if part.space == "pixels" else f"the scale {part.space}"
        raise BoxError(f"the coordinate {part.value:g} in the text is outside {what}.")
    return str(round(min(max(share, 0.0), 1.0) * (1000 if part.target == "0-1000" else written)))


def format_box(box: Box, picture: Picture) -> str:
    """Write a box in its target space, whole numbers, corners within the picture.

    Raises:
        BoxError: it has not two or four finite values, is outside, or its corners are not ordered.
    """
    values = box.values
    if len(values) not in (2, 4) or not all(-1e9 < value < 1e9 for value in values):
        raise BoxError(f"a box has the values {list(values)!r:.80}; [x, y] or [x1, y1, x2, y2] is needed.")
    shares = []
    width, height = box.annotated or (picture.source_width, picture.source_height)
    if box.annotated and abs(width * picture.source_height - height * picture.source_width) > _SLACK * width * picture.source_height:
        size = f"{picture.source_width}x{picture.source_height}"
        raise BoxError(f"the annotation says {width}x{height}, but the image is {size}: turned or cut since it was annotated.")
    for place, value in enumerate(values):
        side = height if place % 2 else width
        share = value / {"pixels": side, "0-1": 1, "0-1000": 1000}[box.space]
        if not -_SLACK <= share <= 1 + _SLACK:
            what = f"an image of {width}x{height}" if box.space == "pixels" else f"the scale {box.space}"
            raise BoxError(f"the box {list(values)!r:.80} is outside {what}.")
        shares.append(min(max(share, 0.0), 1.0))
    if len(shares) == 4 and (shares[2] <= shares[0] or shares[3] <= shares[1]):
        raise BoxError(f"the box {list(values)!r:.80} has no area or its corners are not ordered.")
    sides = (1000, 1000) if box.target == "0-1000" else (picture.width, picture.height)
    return "[" + ", ".join(str(round(share * sides[place % 2])) for place, share in enumerate(shares)) + "]"
