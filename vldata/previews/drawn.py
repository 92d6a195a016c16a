"""The boxes and points of a record's texts, as a page draws them over its image: in pixels of the written image."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vldata.records.record import Record
from vldata.sources.coordinates import find_coordinates

MAX_DRAWN = 200
_LIST = re.compile(r"\[(\d{1,5}), (\d{1,5})(?:, (\d{1,5}), (\d{1,5}))?\]")

Shape = tuple[int, ...]  # x, y, or x1, y1, x2, y2, or the corners of a polygon


def drawn_shapes(record: Record, space: str, width: int, height: int) -> tuple[Shape, ...]:
    """Return what is to be drawn over the one image of a record, as its texts name it in the dataset's space."""
    if space not in ("pixels", "0-1000") or len(record.images) != 1 or not width or not height:
        return ()
    sides = (width / 1000, height / 1000) if space == "0-1000" else (1.0, 1.0)
    shapes: dict[Shape, None] = {}
    for message in record.spoken:
        for values in _values(f"{message.thought}\n{message.content}") if message.role != "system" else ():
            shape = tuple(round(value * sides[place % 2]) for place, value in enumerate(values))
            if all(0 <= value <= (height if place % 2 else width) for place, value in enumerate(shape)):
                shapes[shape] = None
            if len(shapes) == MAX_DRAWN:
                return tuple(shapes)
    return tuple(shapes)


def _values(text: str) -> Iterator[tuple[float, ...]]:
    """Yield the numbers of each shape, x before y: of known spellings, and of the plain lists that boxes are written as."""
    rest = text
    for group in find_coordinates(text):
        ordered = [number.value for number in group.numbers]
        if group.numbers[0].axis:
            ordered = [value for pair in zip(ordered[1::2], ordered[::2], strict=True) for value in pair]
        size = 4 if group.shape == "box" else len(ordered)
        yield from (tuple(ordered[start : start + size]) for start in range(0, len(ordered), size))
        rest = rest.replace(text[group.start : group.end], " ")
    for match in _LIST.finditer(rest):
        yield tuple(float(value) for value in match.groups() if value is not None)
