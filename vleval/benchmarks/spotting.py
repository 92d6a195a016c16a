"""Text spotting by the ICDAR 2015 end-to-end rule: a box counts that overlaps its truth by more than half and reads the same.

OCRBench_v2/eval_scripts/spotting_metric.py `spotting_evaluation` and spotting_eval/script.py `evaluate_method` (IoU over 0.5; "###" is not
cared for).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vleval.benchmarks.ocr_texts import box_iou

Rect = tuple[int, int, int, int]

_IOU = 0.5
_INSIDE = 0.5  # of a box's area inside what is not cared for
_UNREADABLE = "###"
_SPECIAL = "!?.:,*\"()·[]/'"


def spotting_f1(given: Sequence[tuple[Rect, str]], truth: Sequence[tuple[Any, str]]) -> float:
    """F1 of the texts found.

    Args:
        given: boxes `x1, y1, x2, y2` with the text in each.
        truth: polygons `x, y, x, y ...`, taken by their outer box, with the text in each.
    """
    said = [(box, _plain(text)) for box, text in given if box[0] < box[2] and box[1] < box[3]]
    known = [(_outer(polygon), _plain(text)) for polygon, text in truth]
    if not said or not known:
        return 0.0
    blurred = [box for box, text in known if text == _UNREADABLE]
    cared = [(box, text) for box, text in known if text != _UNREADABLE]
    said = [(box, text) for box, text in said if not any(_inside(box, other) > _INSIDE for other in blurred)]
    right, taken = 0, set()
    for box, text in cared:
        for place, (other, read) in enumerate(said):
            if place not in taken and box_iou(other, box) > _IOU:
                taken.add(place)
                right += _same(text.upper(), read.upper())
                break
    recall = right / len(cared) if cared else 0.0
    precision = right / len(said) if said else 0.0
    return 2 * precision * recall / (precision + recall) if right else 0.0


def _plain(text: str) -> str:
    """A transcription as the script reads its line: one in quotes loses them and its escapes."""
    text = text.replace("\r", "").replace("\n", "")
    bare = text.strip()
    quoted = len(bare) > 1 and bare[0] == bare[-1] == '"'
    return bare[1:-1].replace("\\\\", "\\").replace('\\"', '"') if quoted else text


def _outer(polygon: Any) -> Rect:
    xs, ys = polygon[0::2], polygon[1::2]
    return (int(min(xs)), int(min(ys)), int(max(xs)), int(max(ys)))


def _inside(box: Rect, other: Rect) -> float:
    """The share of the box's area that is in the other."""
    common = max(0, min(box[2], other[2]) - max(box[0], other[0])) * max(0, min(box[3], other[3]) - max(box[1], other[1]))
    return common / ((box[2] - box[0]) * (box[3] - box[1]))


def _same(truth: str, read: str) -> bool:
    """Whether the texts are equal, a special character at either end of the truth or at both left out or not."""
    if truth == read:
        return True
    if not truth:
        return False
    first, last = truth[0] in _SPECIAL, truth[-1] in _SPECIAL
    return (first and truth[1:] == read) or (last and truth[:-1] == read) or (first and last and truth[1:-1] == read)
