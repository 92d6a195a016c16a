r"""Coordinates that stand in the text of a turn, in the spellings of the models and tools that write them.

```
{"bbox_2d": [3, 284, 210, 371], "label": "van"}          JSON (Qwen2.5-VL, Qwen3-VL); also bbox, boxes, points, polygon, coordinate
{"box_2d": [284, 3, 371, 210], "label": "van"}           JSON (Gemini), y before x
<|object_ref_start|>van<|object_ref_end|><|box_start|>(3,284),(210,371)<|box_end|>      Qwen2-VL, ms-swift
<ref>van</ref><box>[[3, 284, 210, 371]]</box>            InternVL, Qwen-VL; <point>3 284</point> of UI-TARS
<|ref|>van<|/ref|><|det|>[[3, 284, 210, 371]]<|/det|>    DeepSeek-VL2, on 0 to 999
van<loc_3><loc_284><loc_210><loc_371>                    Florence-2, bins 0 to 999
<loc0284><loc0003><loc0371><loc0210> van                 PaliGemma, bins 0 to 1023, y before x
<point x="10.5" y="28.4" alt="van">van</point>           Molmo, percent
click(start_box='(3,284)'), pyautogui.click(x=3, y=284)  interfaces
```
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_N = r"[-+]?\d+(?:\.\d+)?"
_BOX_KEYS = "bbox_2d|bbox2d|bboxes_2d|bboxes|bbox|boxes|box|bounding_box|bounding_boxes|xyxy"
_POINT_KEYS = "points_2d|point_2d|points|point|polygons|polygon|poly|quad|segmentation|coordinates|coordinate|click_point"
_QUOTE = r"\\?[\"']"
_LIST = r"\[[\s\d.,\[\]()+\-eE]{1,20000}\]"


_OBJECT = re.compile(
    rf"{_QUOTE}(?P<key>{_BOX_KEYS}|box_2d|{_POINT_KEYS}){_QUOTE}\s*:\s*\[?\s*"
    rf"(?:\{{\s*{_QUOTE}(?:x|y|x1|y1|x_?min|y_?min|left|top|cx|cy|w|width){_QUOTE}\s*:\s*{_QUOTE}?{_N}|{_QUOTE}\s*{_N}\s*,\s*{_N})"
)
# Coordinates in forms that no dialect has: two or at least four numbers in brackets (three are a colour or a version), numbers between
# tags, bins of Kosmos and MiniGPT-v2, x and y by name, and a text that is four numbers.
_IN_BRACKETS = re.compile(rf"[\[(]\s*{_N}(?:\s*,\s*{_N}|(?:\s*,\s*{_N}){{3,}})\s*[\])]")
_IN_TAGS = re.compile(
    rf"<(?P<tag>[a-z_]{{1,20}})>\s*{_N}(?:[\s,]+{_N})+\s*</(?P=tag)>"
    r"|<patch_index_\d+>|(?:<\d+>){4}|(?:<(?:bin|x|y|pos|coord)_?\d+>){2}",
    re.IGNORECASE,
)
_BY_NAME = re.compile(rf"\bx[01]?[\"']?\s*[:=]\s*{_N}\W{{1,8}}y[01]?[\"']?\s*[:=]\s*{_N}", re.IGNORECASE)
_ALONE = re.compile(rf"\D{{0,20}}?{_N}(?:(?:\s*,\s*|\s+){_N}){{3}}\W{{0,3}}")


def unread_boxes(text: str) -> str:
    """The key of a box or point that is written as an object or a text, of which the numbers are not found; "" for none."""
    match = _OBJECT.search(text)
    return match["key"] if match else ""


def has_bare_box(text: str) -> bool:
    """Whether numbers stand in the text that may be coordinates, without a word that says what they are."""
    if ("[" in text or "(" in text) and _IN_BRACKETS.search(text):
        return True
    if "<" in text and _IN_TAGS.search(text):
        return True
    return _BY_NAME.search(text) is not None or (len(text) < 80 and _ALONE.fullmatch(text) is not None)


class Number(NamedTuple):
    """One number in a found group: where it stands, 0 for across and 1 for down."""

    start: int
    end: int
    value: float
    axis: int


class FoundCoordinates(NamedTuple):
    """A group of coordinates in a text.

    Attributes:
        dialect: who writes it so; groups of one dialect share a space.
        shape: box, point or polygon.
        start, end: its place in the text.
        numbers: in the order of the text.
        pieces: what is to be written instead: texts, and indices of `numbers`. Empty: the text stays, its numbers change.
        share: the space of the dialect where it is fixed, as what makes a share of a value; None where the file decides.
    """

    dialect: str
    shape: str
    start: int
    end: int
    numbers: tuple[Number, ...]
    pieces: tuple[str | int, ...] = ()
    share: Callable[[float], float] | None = None

    @property
    def boxes(self) -> Iterator[tuple[float, float, float, float]]:
        """Its boxes as x1, y1, x2, y2, in the values of the text."""
        if self.shape == "box":
            for place in range(0, len(self.numbers), 4):
                four = self.numbers[place : place + 4]
                x1, x2 = (number.value for number in four if not number.axis)
                y1, y2 = (number.value for number in four if number.axis)
                yield x1, y1, x2, y2


# What a text with coordinates holds at the least: a search for these in the bytes of a file tells whether a closer look is worth its while.
# Words of plain language stand with the sign that makes them more: `"point`, not "point".
MARKS = (
    *("bbox", "box_2d", "bounding_box", "xyxy", "start_box", "end_box", "box_start", "object_ref_start", "quad_start", "point_start"),
    *('"box', "'box", "<box>", "box=", '"point', "'point", "<point", "point=", '"poly', "'poly", '"quad', "'quad", "<quad>"),
    *('"segmentation', "'segmentation", '"coordinate', "'coordinate", "click_point", "<loc", "|det|"),
    *("click(", "lick(", "moveTo(", "dragTo(", "mouse_move(", "tap(", "long_press(", "swipe("),
)

FREE = ("JSON", "box_2d", "interface", "box tokens", "box tags")  # dialects whose space the file decides

_JSON = re.compile(rf"{_QUOTE}(?:(?P<box>{_BOX_KEYS})|(?P<gemini>box_2d)|(?P<point>{_POINT_KEYS})){_QUOTE}\s*:\s*(?P<list>{_LIST})")
_QWEN = re.compile(r"<\|(?P<kind>box|point|quad)_start\|>(?P<inner>[^<]*)<\|(?P=kind)_end\|>")
_BOX_TAG = re.compile(r"<(?P<kind>box|quad|point)>(?P<inner>[^<]*)</(?P=kind)>")
_DET = re.compile(r"<\|det\|>(?P<inner>[^<]*)<\|/det\|>")
_FLORENCE = re.compile(r"(?:<loc_\d{1,3}>){2,}")
_PALIGEMMA = re.compile(r"(?:<loc\d{4}>){2,}")
_MOLMO = re.compile(r"<points?\s(?P<inner>[^<>]*)>")
_MOLMO_VALUE = re.compile(rf"\b([xy])\d*\s*=\s*\\?[\"']({_N})\\?[\"']")
_ARGUMENT = re.compile(
    rf"\b(?:start_box|end_box|start_point|end_point|point|box)\s*=\s*{_QUOTE}?\s*[(\[]?(?P<inner>{_N}\s*[,\s]\s*{_N}(?:\s*[,\s]\s*{_N}\s*[,\s]\s*{_N})?)"
)
_CALL = re.compile(
    rf"\b(?:click|left_click|right_click|double_click|doubleClick|rightClick|tripleClick|moveTo|dragTo|mouse_move|tap|long_press|swipe)"
    rf"\(\s*(?:x\s*=\s*)?(?P<inner>{_N}\s*,\s*(?:y\s*=\s*)?{_N})"
)
_REFS = re.compile(r"<\|object_ref_start\|>(.*?)<\|object_ref_end\|>|<\|ref\|>(.*?)<\|/ref\|>", re.DOTALL)
_REF_TAG = re.compile(r"<ref>(.*?)</ref>", re.DOTALL)


def strip_names(text: str, *, tags: bool) -> str:
    """Take the marks off the names of objects; `tags`: also `<ref>` and `</ref>`, which are words where no box stands beside them."""
    if "<|" in text:
        text = _REFS.sub(lambda match: match[1] if match[1] is not None else match[2], text)
    return _REF_TAG.sub(lambda match: match[1], text) if tags and "<ref>" in text else text


def find_coordinates(text: str) -> list[FoundCoordinates]:
    """Return every group of coordinates in a text, in order; none overlaps another."""
    found: list[FoundCoordinates] = []
    end = 0
    for group in sorted(_all(text), key=lambda group: (group.start, -group.end)):
        if group.start >= end:
            found.append(group)
            end = group.end
    return found


def _all(text: str) -> Iterator[FoundCoordinates]:
    for match in _JSON.finditer(text):
        if match["gemini"]:
            yield from _group(match, "list", "box_2d", "box", first=1)
        else:
            yield from _group(match, "list", "JSON", "box" if match["box"] else "point")
    if "<" in text:
        yield from _tagged(text)
    if "(" in text or "=" in text:
        for pattern in (_ARGUMENT, _CALL):
            for match in pattern.finditer(text):
                yield from _group(match, "inner", "interface", "point")


def _tagged(text: str) -> Iterator[FoundCoordinates]:
    for match in _QWEN.finditer(text):
        yield from _group(match, "inner", "box tokens", match["kind"], rewrite=True)
    for match in _BOX_TAG.finditer(text):
        yield from _group(match, "inner", "box tags", match["kind"], rewrite=match["kind"] != "point")
    for match in _DET.finditer(text):
        yield from _group(match, "inner", "DeepSeek", "box", rewrite=True, share=lambda value: value / 999)
    for match in _FLORENCE.finditer(text):
        yield from _group(match, 0, "Florence", "box", rewrite=True, share=lambda value: (value + 0.5) / 1000)
    for match in _PALIGEMMA.finditer(text):
        yield from _group(match, 0, "PaliGemma", "box", rewrite=True, first=1, share=lambda value: value / 1024)
    for match in _MOLMO.finditer(text):
        values = list(_MOLMO_VALUE.finditer(text, match.start("inner"), match.end("inner")))
        if values:
            numbers = tuple(Number(*value.span(2), float(value[2]), int(value[1] == "y")) for value in values)
            yield FoundCoordinates("Molmo", "point", match.start(), match.end(), numbers, share=lambda value: value / 100)


def _group(
    match: re.Match[str],
    part: str | int,
    dialect: str,
    shape: str,
    *,
    first: int = 0,
    rewrite: bool = False,
    share: Callable[[float], float] | None = None,
) -> Iterator[FoundCoordinates]:
    """Yield the group of a match whose `part` holds the numbers; `first` is the axis of its first number."""
    text, (low, high) = match.string, match.span(part)
    found = list(_NUMBER.finditer(text, low, high))
    if part == 0:  # bins: the digits of `<loc_12>` and `<loc0012>`
        found = list(re.compile(r"\d+").finditer(text, low, high))
    if len(found) < 2 or len(found) % 2:
        return
    numbers = tuple(Number(*item.span(), float(item[0]), (place + first) % 2) for place, item in enumerate(found))
    if shape == "box":
        shape = "point" if len(numbers) == 2 else "box" if len(numbers) % 4 == 0 and _is_fours(text[low:high]) else "polygon"
    elif len(numbers) > 2 and shape in ("point", "quad"):
        shape = "polygon"
    yield FoundCoordinates(dialect, shape, match.start(), match.end(), numbers, tuple(_lists(numbers, shape)) if rewrite else (), share)


def _is_fours(text: str) -> bool:
    """Whether the numbers of a list come in fours: eight in one list without brackets between are a polygon."""
    inner = text.strip().removeprefix("[").removesuffix("]")
    return len(_NUMBER.findall(text)) == 4 or "[" in inner or "(" in inner or "<" in inner


def _lists(numbers: tuple[Number, ...], shape: str) -> Iterator[str | int]:
    """Yield what is written instead of tokens: `[x1, y1, x2, y2]`, x before y."""
    size = 4 if shape == "box" else 2 if len(numbers) == 2 else len(numbers)
    for start in range(0, len(numbers), size):
        places = list(range(start, start + size))
        if numbers[start].axis:  # y before x
            places = [place for pair in zip(places[1::2], places[::2], strict=True) for place in pair]
        yield "["
        for count, place in enumerate(places):
            if count:
                yield ", "
            yield place
        yield "]"
