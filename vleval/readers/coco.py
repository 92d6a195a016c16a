"""COCO detection results, one record a box, and COCO annotations as references. COCO's boxes are [x, y, width, height] in pixels.

The boxes of a picture become one answer: a list of `{"bbox_2d": [x1, y1, x2, y2], "label", "score"}`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from vldata.errors import DataError
from vleval.kept import kept
from vleval.readers.containers import Record
from vleval.rows import Row


def recognise(record: Record) -> bool:
    """A box of a picture, without any text of a model."""
    return {"image_id", "bbox"} <= record.keys() and ("category_id" in record or "score" in record)


def gather(records: Iterator[tuple[str, Record]]) -> Iterator[tuple[str, Record]]:
    """One record per picture, in the order in which pictures first appear.

    Raises:
        DataError: a box that is not four numbers.
    """
    pictures: dict[Any, tuple[str, list[Record]]] = {}
    for where, record in records:
        if "image_id" not in record:
            raise DataError("no 'image_id': it is not a COCO result.", where=where, cure="Export the results again.")
        label = str(record.get("category_id", ""))
        box = {"bbox_2d": corners(record.get("bbox"), where), "label": label}
        if isinstance(record.get("score"), (int, float)):
            box["score"] = record["score"]
        pictures.setdefault(record["image_id"], (where, []))[1].append(box)
    for image, (where, boxes) in pictures.items():
        yield where, {"image_id": image, "boxes": boxes}


def row(record: Record, where: str, group_by: str) -> Row:
    """The row of one picture."""
    image = str(record["image_id"])
    return Row(id=image, prediction=json.dumps(record["boxes"]), references=(), task="detection", groups={"image": image})


def recognise_annotations(document: Mapping[str, Any]) -> bool:
    """COCO's annotation file: images, annotations with boxes or captions, categories."""
    images, annotations = document.get("images"), document.get("annotations")
    return isinstance(images, list) and isinstance(annotations, list) and bool(annotations) and "image_id" in annotations[0]


def annotation_rows(document: Mapping[str, Any], where: str) -> list[Row]:
    """Reference rows, one a picture: its boxes, or its captions.

    Raises:
        DataError: a box that is not four numbers.
    """
    categories = document.get("categories")
    names = {item["id"]: str(item.get("name", item["id"])) for item in categories or () if isinstance(item, dict) and "id" in item}
    boxes: dict[Any, list[Record]] = {image["id"]: [] for image in document["images"]}
    captions: dict[Any, list[str]] = {}
    for number, annotation in enumerate(document["annotations"], start=1):
        place = f"{where}: annotation {number}"
        if isinstance(annotation.get("caption"), str):
            captions.setdefault(annotation["image_id"], []).append(annotation["caption"])
        elif not annotation.get("iscrowd"):
            label = str(annotation.get("category_id", ""))
            name = names.get(annotation.get("category_id"), label)
            box = {
                "bbox_2d": corners(annotation.get("bbox"), place),
                "label": names.get(annotation.get("category_id"), label),
                "category_id": label,
            }
            boxes.setdefault(annotation["image_id"], []).append(box)
    sizes = {image["id"]: image for image in document["images"]}
    found: list[Row] = []
    for image in boxes:
        known = sizes.get(image, {})
        name = str(known.get("file_name", ""))
        references = tuple(captions[image]) if image in captions else (json.dumps(boxes[image], ensure_ascii=False),)
        if captions and image not in captions:
            continue
        found.append(
            Row(
                id=str(image),
                prediction=None,
                references=references,
                task="caption" if captions else "detection",
                width=int(known.get("width") or 0),
                height=int(known.get("height") or 0),
                images=(name,) if name else (),
                groups={"image": name or str(image)},
            )
        )
    return found


def with_names(rows: Sequence[Row], references: Sequence[Row]) -> Sequence[Row]:
    """Results with the names of their categories, which COCO's annotations tell and its results give as numbers."""
    names = {
        box["category_id"]: box["label"] for known in references if known.task == "detection" for box in json.loads(known.references[0])
    }

    def named(row: Row) -> Row:
        boxes = [{**box, "label": names.get(box["label"], box["label"])} for box in json.loads(row.prediction or "[]")]
        return msgspec.structs.replace(row, prediction=json.dumps(boxes, ensure_ascii=False))

    return kept(map(named, rows), Row)


def corners(box: Any, where: str) -> list[float]:
    """[x1, y1, x2, y2] of a COCO box.

    Raises:
        DataError: it is not four numbers.
    """
    good = isinstance(box, list) and len(box) == 4 and all(isinstance(part, (int, float)) and not isinstance(part, bool) for part in box)
    if not good:
        raise DataError(f"the box {str(box)[:60]!r} is not [x, y, width, height].", where=where, cure="Export the file again.")
    x, y, width, height = box
    return [x, y, x + width, y + height]
