"""How each family of models writes boxes in plain text or tokens, and in which order its axes stand. All come out on the scale 0 to 1000.

| family | spelling | order | scale |
|---|---|---|---|
| Qwen2-VL | `<|object_ref_start|>cat<|object_ref_end|><|box_start|>(x1,y1),(x2,y2)<|box_end|>`, bare too | x first | 1000 |
| Qwen-VL | `<ref>cat</ref><box>(x1,y1),(x2,y2)</box>` | x first | 1000 |
| InternVL | `<ref>cat</ref><box>[[x1, y1, x2, y2], ...]</box>` | x first | 1000 |
| MiniCPM-V | `<ref>cat</ref><box>x1 y1 x2 y2</box>` | x first | 1000 |
| DeepSeek-VL2 | `<|ref|>cat<|/ref|><|det|>[[x1, y1, x2, y2]]<|/det|>` | x first | 999 |
| GLM-V | `<|begin_of_box|>[[x1, y1, x2, y2]]<|end_of_box|>` | x first | 1000 |
| CogVLM | `cat[[x1,y1,x2,y2;...]]` in three digits | x first | 1000 |
| Florence-2 | `cat<loc_x1><loc_y1><loc_x2><loc_y2>` | x first | 999 |
| PaliGemma | `<locYYYY><locXXXX><locYYYY><locXXXX> cat` | **y first** | 1024 |
| Kosmos-2 | `<phrase>cat</phrase><object><patch_index_A><patch_index_B></object>` | 32 x 32 patches, row by row | |
| Molmo | `<point x="1.5" y="2" alt="cat">`, `<points x1="" y1="" ...>`: points, which are no boxes | | 100 |

Gemini's and Gemma's `box_2d` is JSON with y first; `boxes` reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from vleval.metrics.boxes import LabelledBox, ordered


class Read(NamedTuple):
    """What a dialect's reader found: complete boxes, how many were begun and are not complete, and points."""

    boxes: tuple[LabelledBox, ...]
    dropped: int = 0
    points: int = 0


_N = r"\s{0,4}(-?\d{1,7}(?:\.\d{1,9})?)\s{0,4}"
_PAIR = rf"\(?{_N},{_N}\)?\s{{0,4}},\s{{0,4}}\(?{_N},{_N}\)?"
_FOUR = re.compile(rf"{_N}[,\s]{_N}[,\s]{_N}[,\s]{_N}")
_LABEL = r"(?P<label>[^<>\n]{0,200}?)"
_QWEN2 = re.compile(
    rf"(?:<\|object_ref_start\|>{_LABEL}<\|object_ref_end\|>\s{{0,4}})?(?P<boxes>(?:<\|box_start\|>\s{{0,4}}{_PAIR}\s{{0,4}}<\|box_end\|>[\s,]{{0,4}}){{1,200}})"
)
_BOX_TAG = re.compile(rf"(?:<ref>{_LABEL}</ref>\s{{0,4}})?(?P<boxes>(?:<box>[^<>]{{0,4000}}</box>[\s,]{{0,4}}){{1,200}})")
_DET = re.compile(rf"(?:<\|ref\|>{_LABEL}<\|/ref\|>\s{{0,4}})?<\|det\|>(?P<boxes>[^<>]{{0,4000}})<\|/det\|>")
_GLM = re.compile(r"<\|begin_of_box\|>(?P<boxes>[\[\]\d\s.,;-]{5,4000})<\|end_of_box\|>")
_COG = re.compile(r"\[\[(?P<boxes>\d{1,4}(?:[,;]\s?\d{1,4}){3,400})\]\]")
_FLORENCE = re.compile(r"(?P<boxes>(?:<loc_\d{1,4}>){4,400})")
_PALIGEMMA = re.compile(r"(?P<boxes>(?:<loc\d{4}>){4})(?:<seg\d{3}>){0,16}\s{0,4}(?P<label>[^<>;\n]{0,200})")
_KOSMOS = re.compile(
    r"(?:<phrase>(?P<label>[^<>]{0,200})</phrase>\s{0,4})?<object>(?P<boxes>(?:<patch_index_\d{4}>|</delimiter_of_multi_objects/>){2,400})</object>"
)
_POINT = re.compile(r"<points?\s[^<>]{0,4000}>|<click>\s{0,4}\d|<\|point_start\|>")
_STRIPPED = re.compile(rf"\({_N},{_N}\)\s{{0,4}},\s{{0,4}}\({_N},{_N}\)")
_LABEL_BEFORE = re.compile(r"[^\[\](){}<>\n,.;:!?\"']{1,100}\Z")
_GRID = 32  # patches of a side in Kosmos-2


def read_dialect(text: str) -> Read | None:
    """The boxes of a text in a family's own spelling; None where it is in none of them."""
    for marks, read in _DIALECTS:
        if any(mark in text for mark in marks):
            return read(text)
    if _POINT.search(text):
        return Read((), 0, text.count(" x") or 1)
    if (found := _stripped(text)).boxes:
        return found
    return None


def _four_each(numbers: list[float], label: str, scale: float = 1.0) -> Iterator[LabelledBox]:
    for start in range(0, len(numbers) - 3, 4):
        yield ordered(label, [number * scale for number in numbers[start : start + 4]])


def _numbers(text: str) -> list[float]:
    return [float(part) for part in re.findall(r"-?\d{1,7}(?:\.\d{1,9})?", text)]


def _listed(pattern: re.Pattern[str], mark: str, scale: float = 1.0) -> Callable[[str], Read]:
    """A reader of spellings in which numbers stand four by four after a label; `mark` begins each."""

    def read(text: str) -> Read:
        boxes: list[LabelledBox] = []
        complete = 0
        for match in pattern.finditer(text):
            numbers = _numbers(match["boxes"])
            if len(numbers) % 4:
                continue
            complete += match["boxes"].count(mark) or 1
            boxes += _four_each(numbers, (match.groupdict().get("label") or "").strip(), scale)
        return Read(tuple(boxes), max(text.count(mark) - complete, 0))

    return read


def _paligemma(text: str) -> Read:
    boxes: list[LabelledBox] = []
    for match in _PALIGEMMA.finditer(text):
        top, left, bottom, right = (number * 1000 / 1024 for number in _numbers(match["boxes"]))
        boxes.append(ordered(match["label"].strip(), [left, top, right, bottom]))
    return Read(tuple(boxes), max(text.count("<loc") - 4 * len(boxes), 0) and 1)


def _kosmos(text: str) -> Read:
    boxes: list[LabelledBox] = []
    for match in _KOSMOS.finditer(text):
        patches = [int(part) for part in re.findall(r"<patch_index_(\d{4})>", match["boxes"])]
        for first, last in zip(patches[::2], patches[1::2], strict=False):
            boxes.append(ordered((match["label"] or "").strip(), _patches(first, last)))
    return Read(tuple(boxes), max(text.count("<object>") - len(list(_KOSMOS.finditer(text))), 0))


def _patches(first: int, last: int) -> list[float]:
    """The corners that two patches of the grid stand for, as Kosmos-2's own decoder has them: centres, or outer edges of a single line."""
    left, top, right, bottom = first % _GRID, first // _GRID, last % _GRID, last // _GRID
    thin = left == right or top == bottom
    near, far = (0.0, 1.0) if thin else (0.5, 0.5)
    return [1000 / _GRID * side for side in (left + near, top + near, right + far, bottom + far)]


def _stripped(text: str) -> Read:
    """Qwen2-VL's boxes where a server took the tokens off: `cat(x1,y1),(x2,y2)`."""
    boxes = [ordered(_label_before(text, match.start()), [float(part) for part in match.groups()]) for match in _STRIPPED.finditer(text)]
    return Read(tuple(boxes))


def _label_before(text: str, place: int) -> str:
    """The words that touch a place; words with a blank between are prose."""
    found = _LABEL_BEFORE.search(text[max(0, place - 100) : place])
    return found[0].strip() if found and not found[0][-1].isspace() else ""


def _labelled(pattern: re.Pattern[str], scale: float, *, needs_label: bool) -> Callable[[str], Read]:
    """A reader of numbers that stand right behind their label."""

    def read(text: str) -> Read:
        boxes: list[LabelledBox] = []
        for match in pattern.finditer(text):
            numbers = _numbers(match["boxes"].replace("loc_", ""))
            label = _label_before(text, match.start()) or _label_before(text, match.start() - 1)
            if len(numbers) % 4 == 0 and (label or not needs_label):
                boxes += _four_each(numbers, label, scale)
        return Read(tuple(boxes))

    return read


# Marks that only one family writes, and its reader. The first that fits is taken.
_DIALECTS: tuple[tuple[tuple[str, ...], Callable[[str], Read]], ...] = (
    (("<|box_start|>",), _listed(_QWEN2, "<|box_start|>")),
    (("<|det|>",), _listed(_DET, "<|det|>", 1000 / 999)),
    (("<patch_index_",), _kosmos),
    (("<loc_",), _labelled(_FLORENCE, 1000 / 999, needs_label=False)),
    (("<loc0", "<loc1"), _paligemma),
    (("<box>",), _listed(_BOX_TAG, "<box>")),
    (("<|begin_of_box|>[",), _listed(_GLM, "<|begin_of_box|>")),
    (("[[",), _labelled(_COG, 1.0, needs_label=True)),  # without a label it is a list of lists
)
