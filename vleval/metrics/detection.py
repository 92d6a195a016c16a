"""Precision, recall and F1 of boxes read out of answers, at one IoU, class-aware and class-agnostic.

References are box lists in the same notations that answers may use. Within a picture, pairs are matched greedily from the largest IoU down
(ties: in the order written), one to one, if they reach the threshold; class-aware pairs must also carry the same label, ignoring case.
Counts add up over the file. When answers and references share one coordinate space nothing is converted, since IoU does not change under
scaling; otherwise both are brought to pixels of the picture (`Row.width`, `Row.height`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vldata.errors import DataError
from vleval.metric import CorpusStats, Floats, Scorer, Scores
from vleval.metrics.base import answer, references
from vleval.metrics.boxes import Box, parse_boxes
from vleval.metrics.coords import to_pixels
from vleval.metrics.options import MetricOptions
from vleval.rows import Row


def iou(first: Box, second: Box) -> float:
    """Intersection over union of two boxes; 0 when either has no area."""
    across = min(first.x2, second.x2) - max(first.x1, second.x1)
    down = min(first.y2, second.y2) - max(first.y1, second.y1)
    if across <= 0 or down <= 0:
        return 0.0
    common = across * down
    return common / ((first.x2 - first.x1) * (first.y2 - first.y1) + (second.x2 - second.x1) * (second.y2 - second.y1) - common)


def same_label(first: Box, second: Box) -> bool:
    """Labels are the same text, ignoring case and blanks around them."""
    return first.label.strip().casefold() == second.label.strip().casefold()


def count_matches(given: Sequence[Box], wanted: Sequence[Box], threshold: float, *, by_class: bool) -> int:
    """How many boxes find a partner."""
    pairs = [
        (-overlap, i, j)
        for i, box in enumerate(given)
        for j, target in enumerate(wanted)
        if (not by_class or same_label(box, target)) and (overlap := iou(box, target)) >= threshold
    ]
    used_given: set[int] = set()
    used_wanted: set[int] = set()
    for _, i, j in sorted(pairs):
        if i not in used_given and j not in used_wanted:
            used_given.add(i)
            used_wanted.add(j)
    return len(used_given)


def boxes_of_row(row: Row, options: MetricOptions) -> tuple[list[Box], list[Box], int, bool]:
    """The answer's boxes, the reference's, how many objects were dropped, and whether the answer has no readable box list.

    Raises:
        DataError: the reference itself cannot be read.
    """
    target = references(row)[0]
    wanted = parse_boxes(target)
    if wanted.dropped or (not wanted.boxes and "[]" not in target.replace(" ", "")):
        raise DataError(f"the reference {target[:60]!r} is not a list of boxes.", where=row.id)
    text = answer(row)
    given = parse_boxes(text or "")
    unread = text is not None and not given.boxes and "[]" not in text.replace(" ", "")
    dropped = given.dropped
    space, reference_space = options.coord_space, options.reference_space or options.coord_space
    if space == reference_space:
        return list(given.boxes), list(wanted.boxes), dropped, unread
    converted = [to_pixels(box, space, row.width, row.height) for box in given.boxes]
    targets = [to_pixels(box, reference_space, row.width, row.height) for box in wanted.boxes]
    kept = [box for box in converted if box is not None]
    return kept, [box for box in targets if box is not None], dropped + len(converted) - len(kept), unread


def f1_value(sums: Floats) -> Floats:
    """F1 from [tp, fp, fn]; a file without any box on either side is perfect."""
    below = 2 * sums[:, 0] + sums[:, 1] + sums[:, 2]
    return np.divide(2 * sums[:, 0], below, out=np.ones(len(sums)), where=below > 0)


def detection_f1(options: MetricOptions) -> Scorer:
    """Class-aware F1; precision, recall and the class-agnostic three stand in `Scores.parts`."""

    def score(rows: Sequence[Row]) -> Scores:
        stats = np.zeros((len(rows), 3))
        agnostic = np.zeros((len(rows), 3))
        unparsed = dropped = 0
        for index, row in enumerate(rows):
            given, wanted, lost, unread = boxes_of_row(row, options)
            dropped += lost
            unparsed += unread
            for table, by_class in ((stats, True), (agnostic, False)):
                matches = count_matches(given, wanted, options.iou, by_class=by_class)
                table[index] = matches, len(given) - matches, len(wanted) - matches
        return Scores(
            values=f1_value(stats),
            corpus=CorpusStats(stats, f1_value),
            unparsed=unparsed,
            notes=_notes(len(rows), unparsed, dropped),
            parts=_parts(stats, "") | _parts(agnostic, "_agnostic"),
            details=tuple({"tp": tp, "fp": fp, "fn": fn} for tp, fp, fn in stats.tolist()),
        )

    space = options.coord_space or "as-written"
    signature = f"iou:{options.iou:g} match:greedy-by-iou class:aware space:{space}>{options.reference_space or space}"
    return Scorer(score=score, signature=signature, kind="corpus", styled=False)


def _parts(stats: Floats, suffix: str) -> dict[str, float]:
    tp, fp, fn = stats.sum(axis=0)
    return {
        f"precision{suffix}": float(tp / (tp + fp)) if tp + fp else float(not fn),
        f"recall{suffix}": float(tp / (tp + fn)) if tp + fn else 1.0,
        f"f1{suffix}": float(f1_value(stats.sum(axis=0)[None])[0]),
    }


def _notes(total: int, unparsed: int, dropped: int) -> tuple[str, ...]:
    notes = [f"{unparsed} of {total} answers have no readable box; they count as no prediction."] if unparsed else []
    if dropped:
        notes.append(f"{dropped} objects in the answers are cut off, malformed or outside the picture; they are left out.")
    return tuple(notes)
