"""COCO AP and AR (pycocotools) of boxes read out of answers; extra [detection].

Answers of language models carry no scores. Without them all boxes are equally sure, and AP then depends on the order of pictures and boxes:
the value is for comparison with tables that use it; detection_f1 is the number to lead with.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from vldata.errors import MissingExtraError
from vleval.metric import Scorer, Scores
from vleval.metrics.boxes import LabelledBox
from vleval.metrics.detection import as_references, orders, read_pictures
from vleval.metrics.options import MetricOptions
from vleval.rows import Row

_PARTS = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large")


def coco_ap(options: MetricOptions) -> Scorer:
    """AP at IoU 0.50 to 0.95; the other eleven COCO numbers stand in `Scores.parts`. No value per record."""

    def score(rows: Sequence[Row], told: MetricOptions = options) -> Scores:
        read = read_pictures(rows, told, in_pixels=True)
        pictures = read.rows
        unparsed = sum(picture.unread for picture in pictures)
        unscored = sum(1 for picture in pictures for box in picture.given if box.score is None)
        stats = _evaluate([(picture.given, picture.wanted) for picture in pictures])
        notes = list(read.notes)
        if not read.spaces.endswith("pixels"):
            notes.append(
                "Small, medium and large are told by areas in pixels, and the boxes are not in pixels: tell --coord-space and sizes."
            )
        if unscored:
            notes.append(f"{unscored} boxes have no score and are taken as equally sure: AP then depends on the order of the rows.")
        if unparsed:
            notes.append(f"{unparsed} of {len(rows)} answers have no readable box; they count as no prediction.")
        return Scores(
            values=np.full(len(rows), np.nan),
            unparsed=unparsed,
            notes=tuple(notes),
            value=max(stats[0], 0.0),
            parts={name: value for name, value in zip(_PARTS, stats, strict=True) if value >= 0},
        )

    space = options.coord_space or "as-written"
    signature = f"iou:0.50:0.05:0.95 maxdets:100 space:{space}>{options.reference_space or space}{orders(options)}"
    alike = as_references(options)
    return Scorer(score=score, signature=signature, kind="corpus", styled=False, gold=lambda rows: score(rows, alike))


def _evaluate(pictures: Sequence[tuple[Sequence[LabelledBox], Sequence[LabelledBox]]]) -> list[float]:
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError:
        raise MissingExtraError("coco_ap", "detection") from None
    names = sorted({box.label.strip().casefold() for given, wanted in pictures for box in [*given, *wanted]}) or [""]
    category = {name: index + 1 for index, name in enumerate(names)}
    truth = COCO()
    annotations = [
        _annotation(box, image, category) | {"id": number, "iscrowd": 0}
        for number, (image, box) in enumerate(((i, box) for i, (_, wanted) in enumerate(pictures) for box in wanted), start=1)
    ]
    truth.dataset = {
        "images": [{"id": image} for image in range(len(pictures))],
        "categories": [{"id": number, "name": name} for name, number in category.items()],
        "annotations": annotations,
    }
    found = [
        _annotation(box, image, category) | {"score": 1.0 if box.score is None else box.score}
        for image, (given, _) in enumerate(pictures)
        for box in given
    ]
    if not annotations or not found:
        return [0.0] * len(_PARTS)
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its tables
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats]


def _annotation(box: LabelledBox, image: int, category: dict[str, int]) -> dict[str, Any]:
    width, height = box.x2 - box.x1, box.y2 - box.y1
    return {
        "image_id": image,
        "category_id": category[box.label.strip().casefold()],
        "bbox": [box.x1, box.y1, width, height],
        "area": width * height,
    }
