"""In which coordinate space the boxes of a file count: told and held against the values, or found out over the whole file and said.

`auto` never decides by which reading scores better. Values above 1 rule out 0-1; values above 1000 rule out 0-1000; values beyond a
picture's own size rule out pixels; a family's own tokens tell 0-1000. What fits two spaces, or a file that mixes them, stops the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vldata.errors import DataError
from vldata.media.pixels import smart_resize
from vleval.metrics.boxes import LabelledBox, ParsedBoxes
from vleval.metrics.options import CoordSpace

Size = tuple[int, int]  # width and height in pixels; (0, 0) where unknown
_SLACK = 1.01  # of a side: one past the end, and rounding
_TELL = "Tell the space: --coord-space 0-1000, pixels, pixels-resized or 0-1 (--reference-space for references)."


class BoxAnswer(NamedTuple):
    """The boxes of one answer or reference, with the row it is of and its picture's size."""

    row: str
    parsed: ParsedBoxes
    size: Size


def find_space(answers: Sequence[BoxAnswer], whose: str) -> tuple[CoordSpace, str]:
    """The only space that all boxes fit, and why; ("", why) for a file without a box.

    Raises:
        DataError: two spaces fit, or the file mixes them.
    """
    known = [answer for answer in answers if answer.parsed.boxes]
    if not known:
        return "", "there is no box"
    unit = [answer.row for answer in known if is_unit(answer.parsed)]
    large = [answer.row for answer in known if not is_unit(answer.parsed)]
    if unit and large:
        raise DataError(
            f"{whose} mix coordinate spaces: {len(unit):,} of {len(known):,} have no value above 1 ({unit[0]!r}), the others have "
            f"({large[0]!r}).",
            cure="Score them apart, or have all of them written in one space. " + _TELL,
        )
    if unit:
        return "0-1", "no value is above 1"
    above = next((answer.row for answer in known if _largest(answer.parsed.boxes) > 1000 * _SLACK), None)
    spelled = next((answer.row for answer in known if answer.parsed.space == "0-1000"), None)
    beyond = next((answer.row for answer in known if _beyond(answer.parsed.boxes, answer.size)), None)
    relative = spelled if spelled is not None else beyond
    if above is not None and relative is not None:
        raise DataError(
            f"{whose} mix coordinate spaces: {above!r} has values above 1000, and {relative!r} counts to 1000.",
            cure="Score them apart, or have all of them written in one space. " + _TELL,
        )
    if above is not None:
        return "pixels", f"{above!r} has values above 1000"
    if spelled is not None:
        return "0-1000", "its spelling is of a family that counts to 1000"
    if beyond is not None:
        return "0-1000", f"{beyond!r} has values beyond its picture and none is above 1000"
    raise DataError(f"{whose} fit both 0-1000 and pixels: no value decides.", cure=_TELL)


def refuse_different(given: Sequence[BoxAnswer], wanted: Sequence[BoxAnswer]) -> None:
    """Stop where no space is told and answers and references cannot be in the same one.

    Raises:
        DataError: one side has no value above 1 and the other has, or a side mixes both.
    """
    sides = {}
    for whose, answers in (("the answers", given), ("the references", wanted)):
        known = [answer for answer in answers if answer.parsed.boxes]
        units = {is_unit(answer.parsed) for answer in known}
        if len(units) == 2:
            find_space(answers, whose)  # which names the rows
        sides[whose] = units
    if sides["the answers"] and sides["the references"] and sides["the answers"] != sides["the references"]:
        small = "answers" if sides["the answers"] == {True} else "references"
        raise DataError(
            f"answers and references are in different coordinate spaces: those of the {small} have no value above 1.", cure=_TELL
        )


def beyond_notes(given: Sequence[BoxAnswer], wanted: Sequence[BoxAnswer]) -> list[str]:
    """A sentence where no space is told, and answers reach beyond their pictures while no reference does."""
    reach = [answer.row for answer in given if answer.parsed.boxes and _beyond(answer.parsed.boxes, answer.size)]
    if not reach or any(_beyond(reference.parsed.boxes, reference.size) for reference in wanted):
        return []
    what = f"{len(reach):,} of {len(given):,} answers have values beyond their pictures, as {reach[0]!r}, and no reference has"
    return [f"{what}: they may count in different spaces. {_TELL}"]


def outside_notes(answers: Sequence[BoxAnswer], space: CoordSpace, whose: str) -> list[str]:
    """Sentences about values that do not fit the space that was told."""
    known = [answer for answer in answers if answer.parsed.boxes]
    notes = []
    outside = [answer for answer in known if _outside(answer, space)]
    if outside:
        fits = " They fit 0-1000." if space.startswith("pixels") and all(_largest(a.parsed.boxes) <= 1000 for a in outside) else ""
        what = f"{len(outside):,} of {len(known):,} {whose} have values outside the space {space!r} that was told"
        notes.append(f"{what}, as {outside[0].row!r}.{fits}")
    unit = [answer.row for answer in known if is_unit(answer.parsed)]
    if unit and space != "0-1":
        what = f"{len(unit):,} of {len(known):,} {whose} have no value above 1, as {unit[0]!r}"
        notes.append(f"{what}: they look like 0-1, and count as {space!r}, as told.")
    spelled = [answer.row for answer in known if answer.parsed.space == "0-1000"]
    if spelled and space != "0-1000":
        what = f"{len(spelled):,} of {len(known):,} {whose} are spelled as a family does that counts to 1000"
        notes.append(f"{what}, and count as {space!r}, as told.")
    return notes


def is_unit(parsed: ParsedBoxes) -> bool:
    """Whether no value of the boxes is above 1 and their spelling does not tell otherwise."""
    return parsed.space != "0-1000" and bool(parsed.boxes) and _largest(parsed.boxes) <= 1.0


def _largest(boxes: Sequence[LabelledBox]) -> float:
    return max(max(box.x2, box.y2) for box in boxes)


def _beyond(boxes: Sequence[LabelledBox], size: Size) -> bool:
    """Whether a value is beyond the picture; False where its size is unknown."""
    width, height = size
    return width > 0 and height > 0 and any(box.x2 > width * _SLACK + 1 or box.y2 > height * _SLACK + 1 for box in boxes)


def _outside(answer: BoxAnswer, space: CoordSpace) -> bool:
    boxes, size = answer.parsed.boxes, answer.size
    if any(min(box.x1, box.y1) < 0 for box in boxes):
        return True
    if space == "0-1000":
        return _largest(boxes) > 1000 * _SLACK
    if space == "0-1":
        return _largest(boxes) > _SLACK
    if space == "pixels-resized" and min(size) > 0:
        size = smart_resize(*size, processor="qwen2.5-vl")
    return _beyond(boxes, size)
