"""Precision, recall and F1 of boxes read out of answers, at one IoU, class-aware and class-agnostic.

References are box lists in the same notations that answers may use. Within a picture, pairs are matched greedily from the largest IoU down
(ties: in the order written), one to one, if they reach the threshold; class-aware pairs must also carry the same label, ignoring case.
Counts add up over the file. When answers and references share one coordinate space nothing is converted, since IoU does not change under
scaling; otherwise both are brought to pixels of the picture (`Row.width`, `Row.height`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from vldata.errors import DataError
from vleval.metric import CorpusStats, Floats, Scorer, Scores
from vleval.metrics.base import answer, references
from vleval.metrics.box_spaces import BoxAnswer, beyond_notes, find_space, outside_notes, refuse_different
from vleval.metrics.boxes import LabelledBox, is_none, parse_boxes
from vleval.metrics.coords import to_pixels
from vleval.metrics.options import CoordSpace, MetricOptions
from vleval.rows import Row


def iou(first: LabelledBox, second: LabelledBox) -> float:
    """Intersection over union of two boxes; 0 when either has no area."""
    across = min(first.x2, second.x2) - max(first.x1, second.x1)
    down = min(first.y2, second.y2) - max(first.y1, second.y1)
    if across <= 0 or down <= 0:
        return 0.0
    common = across * down
    return common / ((first.x2 - first.x1) * (first.y2 - first.y1) + (second.x2 - second.x1) * (second.y2 - second.y1) - common)


def same_label(first: LabelledBox, second: LabelledBox) -> bool:
    """The labels are one text, ignoring case and outer blanks; a reference without a label (one phrase, one box) takes any."""
    return not second.label.strip() or first.label.strip().casefold() == second.label.strip().casefold()


def count_matches(given: Sequence[LabelledBox], wanted: Sequence[LabelledBox], threshold: float, *, by_class: bool) -> int:
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


class JudgedImage(NamedTuple):
    """The boxes of an answer and of its reference in one space, how many objects were dropped, and whether no box list could be read."""

    given: list[LabelledBox]
    wanted: list[LabelledBox]
    dropped: int
    unread: bool


class Pictures(NamedTuple):
    """All rows of a file, the spaces that were used, and what is to be said of them."""

    rows: list[JudgedImage]
    spaces: str
    notes: list[str]


def read_pictures(rows: Sequence[Row], options: MetricOptions, *, in_pixels: bool = False) -> Pictures:
    """Read the boxes of a file and bring both sides into one space: as they are where both count alike, else pixels.

    Args:
        rows: the answers.
        options: spaces and orders that were told.
        in_pixels: bring both into pixels although they count alike, where every picture's size is known (areas belong there).

    Raises:
        DataError: a reference cannot be read, or no one space fits a side.
    """
    given, wanted, unread, points = _parse(rows, options)
    space, reference_space, notes = _spaces(given, wanted, options)
    notes += written_notes(given, wanted, options)
    if points:
        notes.append(f"{points} of {len(rows)} answers give points, which are no boxes; they count as no prediction.")
    found: list[JudgedImage] = []
    lost = 0
    sized = in_pixels and space != "" and all(row.width > 0 and row.height > 0 for row in rows)
    for row, told, reference, missing in zip(rows, given, wanted, unread, strict=True):
        boxes, targets = list(told.parsed.boxes), list(reference.parsed.boxes)
        if space != reference_space or (sized and space != "pixels"):
            size = (row.width, row.height) if row.width and row.height else (1000, 1000) if _relative(space, reference_space) else (0, 0)
            kept = [moved for box in boxes if (moved := to_pixels(box, space, *size)) is not None]
            aims = [moved for box in targets if (moved := to_pixels(box, reference_space, *size)) is not None]
        else:
            kept, aims = [box for box in boxes if box.has_area], [box for box in targets if box.has_area]
        lost += len(targets) - len(aims)
        found.append(JudgedImage(kept, aims, told.parsed.dropped + len(boxes) - len(kept), missing))
    if lost:
        notes.append(f"{lost} boxes of the references are outside their pictures or have no area; they are left out.")
    return Pictures(found, f"{space or 'as-written'}>{reference_space or space or 'as-written'}{'>pixels' if sized else ''}", notes)


def written_notes(given: Sequence[BoxAnswer], wanted: Sequence[BoxAnswer], options: MetricOptions) -> Iterator[str]:
    """Sentences about boxes that may have been written in another order than they are read, and about boxes without a label."""
    for whose, answers, order, flag in (
        ("answers", given, options.box_order, "--box-order"),
        ("references", wanted, options.reference_order, "--reference-order"),
    ):
        odd = [item.row for item in answers for box in item.parsed.boxes if box.turned or not box.has_area]
        if odd and order != "xywh":
            what = f"{len(odd):,} boxes of the {whose} have a second corner that is not below and right of the first, as in {odd[0]!r}"
            yield f"{what}: where it is a size, {flag} xywh says so."
    unnamed = sum(1 for item in given for box in item.parsed.boxes if not box.label)
    if unnamed and any(box.label for item in wanted for box in item.parsed.boxes):
        yield f"{unnamed:,} boxes of the answers have no label and match no class: the agnostic figures leave classes out."
    largest, beyond = (max((max(box.x2, box.y2) for item in side for box in item.parsed.boxes), default=0.0) for side in (given, wanted))
    if not options.coord_space and 1 < largest <= 100 < beyond and len(given) > 2:
        yield "No value of the answers is above 100, and values of the references are: the answers may be in percent, no space of ours."


def _relative(*spaces: str) -> bool:
    """Whether no space needs a picture's size."""
    return all(space in ("0-1000", "0-1") for space in spaces)


def _parse(rows: Sequence[Row], options: MetricOptions) -> tuple[list[BoxAnswer], list[BoxAnswer], list[bool], int]:
    given: list[BoxAnswer] = []
    wanted: list[BoxAnswer] = []
    unread: list[bool] = []
    points = 0
    for row in rows:
        target = references(row)[0]
        reference = parse_boxes(target, options.reference_order)
        if reference.dropped or (not reference.boxes and not is_none(target)):
            raise DataError(f"the reference {target[:60]!r} is not a list of boxes.", where=row.id)
        text = answer(row)
        parsed = parse_boxes(text or "", options.box_order)
        size = (row.width, row.height)
        given.append(BoxAnswer(row.id, parsed, size))
        wanted.append(BoxAnswer(row.id, reference, size))
        unread.append(text is not None and not parsed.boxes and not is_none(text))
        points += bool(parsed.points)
    return given, wanted, unread, points


def _spaces(given: Sequence[BoxAnswer], wanted: Sequence[BoxAnswer], options: MetricOptions) -> tuple[CoordSpace, CoordSpace, list[str]]:
    """The spaces of both sides, told or found, and sentences about them."""
    if not options.coord_space and not options.reference_space:
        refuse_different(given, wanted)
        return "", "", beyond_notes(given, wanted)
    notes: list[str] = []
    space, reference_space = options.coord_space, options.reference_space or options.coord_space
    if space == "auto":
        space, why = find_space(given, "the answers")
        notes.append(f"Boxes of the answers are read as {space}: {why}." if space else "No answer has a box.")
    else:
        notes += outside_notes(given, space, "answers") if space else []
    if reference_space == "auto":
        reference_space, why = find_space(wanted, "the references")
        notes.append(f"Boxes of the references are read as {reference_space}: {why}." if reference_space else "No reference has a box.")
    else:
        notes += outside_notes(wanted, reference_space, "references") if reference_space else []
    return space or reference_space, reference_space or space, notes


def f1_value(sums: Floats) -> Floats:
    """F1 from [tp, fp, fn]; a file without any box on either side is perfect."""
    below = 2 * sums[:, 0] + sums[:, 1] + sums[:, 2]
    return np.divide(2 * sums[:, 0], below, out=np.ones(len(sums)), where=below > 0)


def detection_f1(options: MetricOptions) -> Scorer:
    """Class-aware F1; precision, recall and the class-agnostic three stand in `Scores.parts`."""

    def score(rows: Sequence[Row], told: MetricOptions = options) -> Scores:
        stats = np.zeros((len(rows), 3))
        agnostic = np.zeros((len(rows), 3))
        unparsed = dropped = 0
        read = read_pictures(rows, told)
        for index, (given, wanted, lost, unread) in enumerate(read.rows):
            dropped += lost
            unparsed += unread
            for table, by_class in ((stats, True), (agnostic, False)):
                matches = count_matches(given, wanted, options.iou, by_class=by_class)
                table[index] = matches, len(given) - matches, len(wanted) - matches
        return Scores(
            values=f1_value(stats),
            corpus=CorpusStats(stats, f1_value),
            unparsed=unparsed,
            notes=(*read.notes, *_notes(len(rows), unparsed, dropped)),
            parts=_parts(stats, "") | _parts(agnostic, "_agnostic"),
            details=tuple({"tp": tp, "fp": fp, "fn": fn} for tp, fp, fn in stats.tolist()),
        )

    space = options.coord_space or "as-written"
    signature = f"iou:{options.iou:g} match:greedy-by-iou class:aware space:{space}>{options.reference_space or space}{orders(options)}"
    alike = as_references(options)
    return Scorer(score=score, signature=signature, kind="corpus", styled=False, gold=lambda rows: score(rows, alike))


def as_references(options: MetricOptions) -> MetricOptions:
    """Options under which answers are read as references are, for references that are given as answers."""
    return msgspec.structs.replace(options, coord_space="", reference_space="", box_order=options.reference_order)


def orders(options: MetricOptions) -> str:
    """What a signature says of the order of four numbers; nothing where it is the usual one."""
    told = options.box_order or options.reference_order
    return f" order:{options.box_order or 'xyxy'}>{options.reference_order or 'xyxy'}" if told else ""


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
        notes.append(f"{dropped} objects in the answers are cut off, malformed, without area or outside the picture; they are left out.")
    return tuple(notes)
