"""Boxes out of what a model wrote: every complete object is kept, the rest counted.

Accepted around and inside the objects: prose, code fences, arrays cut in the middle, `bbox_2d`, `bbox` or `box`, `label`, `category` or
`class`, single quotes, Python's None and True, comments in the form of trailing commas, `{"objects": [...]}`, and Qwen-VL's
`<ref>cat</ref><box>(1,2),(3,4)</box>`. An object whose box is null, has NaN or is not four numbers is dropped and counted.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from vleval.metrics.looseparse import LooseError, parse_object
from vleval.metrics.options import BoxOrder

BOX_KEYS = ("bbox_2d", "bbox", "box_2d", "box", "bounding_box", "boundingbox", "coordinates", "bboxes")
LABEL_KEYS = ("label", "category", "class", "name", "class_name", "category_name", "text", "object", "type", "ref")
_LABEL_ALONE = ("label", "category", "class")
SCORE_KEYS = ("score", "confidence", "conf", "probability")
_CORNERS = (
    ("x1", "y1", "x2", "y2"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("left", "top", "right", "bottom"),
    ("x_min", "y_min", "x_max", "y_max"),
)
_NO_LABELS = frozenset(
    ["boxes", "objects", "detections", "result", "results", "answer", "points", "point", "size", "image_size", "color", "values"]
)
_MAX_FAILURES = 5_000  # objects begun and not complete, before an answer is taken for noise
_KEY_BEGUN = re.compile(rf"""["'](?:{"|".join(BOX_KEYS + LABEL_KEYS)})["']""", re.IGNORECASE)
_FENCE = re.compile(r"^```[\w-]{0,40}|```$")
_NUMBER = r"\s*(-?\d+(?:\.\d+)?)\s*"
_BARE = re.compile(rf"\[{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}\]")


class LabelledBox(msgspec.Struct, frozen=True, kw_only=True):
    """One object: its label and ordered corners, in whatever coordinates the text used; `extra` holds its other fields as text.

    `turned`: the second corner was written above or left of the first, as a size often is.
    """

    label: str
    x1: float
    y1: float
    x2: float
    y2: float
    score: float | None = None
    extra: dict[str, str] = {}
    turned: bool = False

    @property
    def has_area(self) -> bool:
        """Whether its corners enclose anything."""
        return self.x2 > self.x1 and self.y2 > self.y1


class ParsedBoxes(msgspec.Struct, frozen=True):
    """What was read from one answer.

    Attributes:
        boxes: the complete objects, in the order written.
        dropped: objects begun that are cut off, malformed, or whose box is not four finite numbers.
        points: points in the answer, which are no boxes.
        space: "0-1000" where the spelling itself tells it (a family's tokens, Gemini's `box_2d`); else "".
    """

    boxes: tuple[LabelledBox, ...]
    dropped: int
    points: int = 0
    space: str = ""


def is_none(text: str) -> bool:
    """Whether an answer says that there is no object."""
    return "[]" in text.replace(" ", "")


def parse_boxes(text: str, order: BoxOrder = "") -> ParsedBoxes:
    """Read the objects of an answer.

    An answer of `[]` or of prose alone has no boxes and nothing dropped. Bare `[x1, y1, x2, y2]` lists count as boxes without a label
    when the answer has no object at all. `order` says what four numbers mean where the spelling does not: corners, COCO's corner and size,
    or corners with y first.
    """
    from vleval.metrics.box_dialects import read_dialect

    boxes: list[LabelledBox] = []
    dropped = 0
    told = set()
    for found in _objects(text):
        if found is None:
            dropped += 1
            continue
        read, lost, space = _from_object(found, order)
        boxes += read
        dropped += lost
        told.add(space)
    if boxes or dropped:
        return ParsedBoxes(tuple(boxes), dropped, space="0-1000" if told == {"0-1000"} else "")
    if (dialect := read_dialect(text)) is not None and (dialect.boxes or dialect.dropped or dialect.points):
        return ParsedBoxes(dialect.boxes, dialect.dropped, dialect.points, "0-1000")
    boxes = [_placed("", [float(part) for part in match.groups()], None, {}, order) for match in _BARE.finditer(text)]
    return ParsedBoxes(tuple(boxes), dropped)


def _placed(label: str, numbers: list[float], score: float | None, extra: dict[str, str], order: BoxOrder) -> LabelledBox:
    """A box of four numbers in the order that was told."""
    first, second, third, fourth = numbers
    if order == "xywh":
        return ordered(label, [first, second, first + third, second + fourth], score, extra)
    if order == "yxyx":
        return ordered(label, [second, first, fourth, third], score, extra)
    return ordered(label, numbers, score, extra)


def _objects(text: str) -> Iterator[dict[str, Any] | None]:
    """Every object that names a box or a label; None for one that is begun and not complete."""
    whole = _whole(text)
    if whole is not None:
        yield from _walk(whole)
        return
    position = text.find("{")
    failures = 0
    while position >= 0 and failures < _MAX_FAILURES:
        following = text.find("{", position + 1)
        try:
            value, end = parse_object(text, position)
        except LooseError:
            failures += 1
            segment = text[position + 1 : following if following >= 0 else len(text)]
            if _begun(segment):
                yield None
            position = following
            continue
        yield from _walk(value)
        position = text.find("{", end)


def _whole(text: str) -> Any:
    body = _FENCE.sub("", text.strip())
    if not body.startswith(("[", "{")):
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _begun(segment: str) -> bool:
    """Whether the text after a `{` that could not be read began an object of its own, rather than a container or prose."""
    if _KEY_BEGUN.search(segment):
        return True
    bare = segment.strip()
    return bare.startswith(('"', "'")) and not bare.endswith(("[", ":"))


def _walk(value: Any) -> Iterator[dict[str, Any]]:
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            lowered = {str(key).strip().lower() for key in node}
            if not lowered.isdisjoint(BOX_KEYS) or any(lowered.issuperset(names) for names in _CORNERS):
                yield node
            elif not lowered.isdisjoint(_LABEL_ALONE) and not any(isinstance(child, dict | list) for child in node.values()):
                yield node  # an object without a box: counted as dropped
            else:
                yield from ({"label": key, "bbox": child} for key, child in node.items() if _names_a_box(key, child))
            others = [child for key, child in node.items() if str(key).strip().lower() not in BOX_KEYS]
            stack.extend(child for child in reversed(others) if isinstance(child, dict | list))
        elif isinstance(node, list):
            stack.extend(child for child in reversed(node) if isinstance(child, dict | list))


def _names_a_box(key: str, value: Any) -> bool:
    """Whether a field is a label with its box, as in `{"cat": [1, 2, 3, 4]}`."""
    numbers = isinstance(value, list) and len(value) == 4 and all(isinstance(part, int | float) for part in value)
    return numbers and key.strip().lower() not in _NO_LABELS


def _from_object(node: dict[str, Any], order: BoxOrder) -> tuple[list[LabelledBox], int, str]:
    fields = {str(key).strip().lower(): value for key, value in node.items()}
    key = next((name for name in BOX_KEYS if name in fields), None)
    raw = fields[key] if key else fields
    label_key = next((name for name in LABEL_KEYS if isinstance(fields.get(name), str | int)), None)
    label = str(fields[label_key]).strip() if label_key else ""
    score = next((value for name in SCORE_KEYS if (value := _finite(fields.get(name))) is not None), None)
    known = {key, label_key, *SCORE_KEYS}
    extra = {name: _as_text(value) for name, value in fields.items() if name not in known and _plain(value)}
    gemini = key == "box_2d"  # Gemini and Gemma: [ymin, xmin, ymax, xmax] on 0 to 1000
    nested = isinstance(raw, list) and bool(raw) and all(isinstance(item, list) for item in raw)
    read: list[LabelledBox] = []
    lost = 0
    for candidate in raw if nested else [raw]:
        corners = _corners(candidate)
        if corners is None:
            lost += 1
        else:
            named = isinstance(candidate, dict)
            read.append(_placed(label, corners, score, extra, "" if named else order or ("yxyx" if gemini else "")))
    return read, lost, "0-1000" if gemini and not order else ""


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _plain(value: Any) -> bool:
    return isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))


def _corners(raw: Any) -> list[float] | None:
    if isinstance(raw, str):
        raw = re.findall(r"-?\d+(?:\.\d+)?", raw)
    if isinstance(raw, dict):
        lowered = {str(key).lower(): value for key, value in raw.items()}
        raw = next(([lowered[name] for name in names] for names in _CORNERS if set(names) <= set(lowered)), None)
    if not isinstance(raw, list) or len(raw) != 4:
        return None
    numbers = [_finite(part) for part in raw]
    return None if any(number is None for number in numbers) else [number for number in numbers if number is not None]


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def ordered(label: str, corners: list[float], score: float | None = None, extra: dict[str, str] | None = None) -> LabelledBox:
    """A box of corners in any order."""
    left, top, right, bottom = corners
    return LabelledBox(
        label=label,
        x1=min(left, right),
        y1=min(top, bottom),
        x2=max(left, right),
        y2=max(top, bottom),
        score=score,
        extra=extra or {},
        turned=right < left or bottom < top,
    )
