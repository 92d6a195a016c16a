"""In which space the coordinates of a file's texts are: pixels, 0 to 1000 or 0 to 1, told from all of them against the image sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from vldata.errors import DataError
from vldata.records.boxes import Space
from vldata.records.draft import Guess
from vldata.sources.coordinates import FoundCoordinates
from vldata.wording import counted

TextBoxes = Literal["auto", "pixels", "0-1000", "0-1", "none"]
_SPACES: tuple[Space, ...] = ("pixels", "0-1000", "0-1")
_SLACK = 1.01
_ODD = 0.02  # share of groups that may be wrong in the space that is taken; their rows are rejected
_TELLING = 20  # groups on images of which a space would show, before that they do not show it tells something


class Tally(msgspec.Struct):
    """What was seen of one dialect."""

    groups: int = 0
    rows: int = 0
    shapes: dict[str, int] = {}
    negative: int = 0
    unordered: int = 0
    small: int = 0  # no number above 1
    past: dict[str, int] = {}  # by space: groups with a number outside it
    sized: int = 0  # groups on images whose size is known
    large: int = 0  # of these on images with a side above 1250, where pixels would show
    tight: int = 0  # on images with both sides below 800, where thousandths would show
    same: int = 0  # on images of about 1000 by 1000, where both are one
    first: str = ""

    def possible(self) -> list[Space]:
        """The spaces that nearly all groups fit."""
        allowed = max(_ODD * self.groups, 0)
        fits = [space for space in _SPACES if self.past.get(space, 0) <= allowed]
        if "0-1" in fits:
            return ["0-1"]
        return [space for space in fits if space != "pixels" or self.sized]


class Evidence:
    """Collects the coordinates of a file."""

    def __init__(self) -> None:
        self.dialects: dict[str, Tally] = {}

    def add(self, where: str, groups: Sequence[FoundCoordinates], sizes: Sequence[tuple[int, int]]) -> None:
        """Take the groups of one row; `sizes` are those of its images, of one size all."""
        for dialect in {group.dialect for group in groups}:
            self.dialects.setdefault(dialect, Tally(shapes={}, past={})).rows += 1
        for group in groups:
            self._add(where, group, sizes[0] if sizes else None)

    def _add(self, where: str, group: FoundCoordinates, size: tuple[int, int] | None) -> None:
        tally = self.dialects[group.dialect]
        values = [number.value for number in group.numbers]
        tally.groups += 1
        tally.first = tally.first or _shown(where, group, size)
        tally.shapes[group.shape] = tally.shapes.get(group.shape, 0) + 1
        tally.negative += min(values) < 0
        tally.unordered += any(x2 <= x1 or y2 <= y1 for x1, y1, x2, y2 in group.boxes)
        if group.share is not None:
            return
        top = max(values)
        past = tally.past
        past["0-1000"] = past.get("0-1000", 0) + (top > 1000 * _SLACK)
        past["0-1"] = past.get("0-1", 0) + (top > 1 * _SLACK or all(value == int(value) and value > 1 for value in values))
        if size is None:
            return
        tally.sized += 1
        past["pixels"] = past.get("pixels", 0) + any(number.value > size[number.axis] * _SLACK for number in group.numbers)
        tally.large += max(size) > 1250
        tally.tight += max(size) < 800
        tally.same += all(990 <= side <= 1010 for side in size)

    def settle(self, path: str, wish: TextBoxes) -> tuple[dict[str, Space], list[str]]:
        """Return the space of each dialect, and the sentences that say what was found and why it is read so.

        Raises:
            DataError: a dialect's numbers fit two spaces, or none.
        """
        spaces: dict[str, Space] = {}
        said = []
        for dialect, tally in sorted(self.dialects.items()):
            space, why = (wish, "--text-boxes") if wish in _SPACES else _tell(path, dialect, tally)
            if space:
                spaces[dialect] = space  # type: ignore[assignment]
            sentence = _sentence(path, dialect, tally, space, why)
            said.append(Guess(sentence) if why.startswith("a guess") else sentence)
        return spaces, said


def _shown(where: str, group: FoundCoordinates, size: tuple[int, int] | None) -> str:
    """Show a group as it is written and, on an image of a known size, both as pixels and as thousandths."""
    values = [f"{number.value:g}" for number in group.numbers[:4]]
    text = f"{where}: {', '.join(values)}"
    if size is None or group.share is not None:
        return text
    thousandths = [f"{number.value * size[number.axis] / 1000:.0f}" for number in group.numbers[:4]]
    return f"{text} on an image of {size[0]}x{size[1]}, which as 0-1000 would be the pixels {', '.join(thousandths)}"


def _tell(path: str, dialect: str, tally: Tally) -> tuple[str, str]:
    """Return the space of a dialect and why; "" where the dialect fixes it."""
    if not tally.past:
        return "", "fixed by its spelling"
    if tally.unordered > _ODD * tally.shapes.get("box", 0):
        raise DataError(
            f"{tally.unordered:,} of {tally.shapes['box']:,} boxes in its texts ({dialect}) have corners that are not in order, as if they "
            f"were x, y, width and height. The first group, {tally.first}.",
            where=path,
            cure="Write boxes as x1, y1, x2, y2; or --text-boxes none, which leaves them as they are although images change size.",
        )
    fits = tally.possible()
    if len(fits) == 1:
        return fits[0], _why(tally, fits[0])
    if len(fits) == 2:
        if tally.same == tally.sized:
            return "pixels", "the images are 1000x1000, where thousandths are pixels"
        if tally.large >= _TELLING:
            return "0-1000", f"a guess: none of {tally.large:,} on images wider or higher than 1250 goes beyond 1000"
        if tally.tight >= _TELLING:
            return "pixels", f"a guess: none of {tally.tight:,} on images below 800x800 goes beyond its image"
    what = "fit no space" if not fits else f"could be {' or '.join(fits)}"
    readings = "; ".join(f"{space}: {tally.past.get(space, 0):,} of {tally.groups:,} would be outside" for space in _SPACES)
    raise DataError(
        f"coordinates in its texts ({dialect}) {what}. {readings}. The first, {tally.first}.",
        where=path,
        cure="Say which: --text-boxes pixels, 0-1000 or 0-1; or none, which leaves them as they are although images change size.",
    )


def _why(tally: Tally, space: Space) -> str:
    if space == "0-1":
        return "no number is above 1"
    if space == "pixels":
        return f"{tally.past['0-1000']:,} go beyond 1000, {tally.past.get('pixels', 0):,} beyond their image"
    where = f"{tally.past.get('pixels', 0):,} would be outside their image as pixels" if tally.sized else "no image is there to compare"
    return f"none goes beyond 1000, and {where}"


def _sentence(path: str, dialect: str, tally: Tally, space: str, why: str) -> str:
    shapes = ", ".join(f"{count:,} {name if count == 1 else _PLURAL[name]}" for name, count in sorted(tally.shapes.items()))
    faults = ((tally.negative, "negative"), (tally.unordered, "with corners not in order"), (tally.past.get(space, 0), "outside"))
    odd = ", ".join(f"{count:,} {what}" for count, what in faults if count)
    read = f"read as {space}, {why}" if space else why
    rejected = f"; of these {odd}, whose rows are rejected" if odd else ""
    return f"{path}: coordinates in texts ({dialect}): {shapes} in {counted(tally.rows, 'row')}; {read}{rejected}."


_PLURAL = {"box": "boxes", "point": "points", "polygon": "polygons", "quad": "quads"}
