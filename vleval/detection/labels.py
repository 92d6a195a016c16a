"""Boxes that a model named as labels to correct: a COCO file, or tasks of Label Studio with predictions.

Boxes are written for the image as it was before a dataset resized it, where the dataset tells that size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import msgspec

from vldata.files.durable import write_atomic
from vleval.metrics.boxes import LabelledBox

if TYPE_CHECKING:
    from vleval.detection.run import Drawn

LabelFormat = Literal["none", "coco", "label-studio"]
NO_LABEL = "object"
"""What a box without a label is called: both formats want one."""


class Original(msgspec.Struct, frozen=True):
    """An image before it was resized: its name below the source's folder, width and height in pixels."""

    name: str
    width: int
    height: int


def write_labels(kind: LabelFormat, drawn: Sequence[Drawn], originals: Mapping[str, Original], out: Path) -> Path:
    """Write the boxes of every image and return the file.

    Args:
        kind: coco or label-studio.
        drawn: images with their boxes in pixels of the image that was drawn.
        originals: by the path of the image that was drawn; one that is not there is the original itself.
        out: the folder.
    """
    images = [(one, originals.get(one.path) or Original(one.image, one.width, one.height)) for one in drawn]
    path = out / f"{kind}.json"
    write_atomic(path, msgspec.json.format(msgspec.json.encode(_WRITE[kind](images)), indent=1) + b"\n")
    return path


def _scaled(box: LabelledBox, drawn: Drawn, image: Original) -> tuple[float, float, float, float]:
    across, down = image.width / drawn.width, image.height / drawn.height
    return box.x1 * across, box.y1 * down, box.x2 * across, box.y2 * down


def _coco(images: Sequence[tuple[Drawn, Original]]) -> Any:
    labels = dict.fromkeys(box.label or NO_LABEL for drawn, _ in images for box in drawn.boxes)
    numbers = {label: number for number, label in enumerate(sorted(labels), start=1)}
    annotations: list[dict[str, Any]] = []
    for number, (drawn, image) in enumerate(images, start=1):
        for box in drawn.boxes:
            x1, y1, x2, y2 = (round(side, 2) for side in _scaled(box, drawn, image))
            entry: dict[str, Any] = {
                "id": len(annotations) + 1,
                "image_id": number,
                "category_id": numbers[box.label or NO_LABEL],
                "iscrowd": 0,
            }
            entry |= {"bbox": [x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)], "area": round((x2 - x1) * (y2 - y1), 2), "segmentation": []}
            entry |= {"score": box.score} if box.score is not None else {}
            annotations.append(entry | ({"attributes": box.extra} if box.extra else {}))
    return {
        "images": [
            {"id": number, "file_name": image.name, "width": image.width, "height": image.height}
            for number, (_, image) in enumerate(images, start=1)
        ],
        "annotations": annotations,
        "categories": [{"id": number, "name": label} for label, number in numbers.items()],
    }


def _label_studio(images: Sequence[tuple[Drawn, Original]]) -> Any:
    return [
        {
            "data": {"image": f"/data/local-files/?d={quote(image.name)}"},
            "predictions": [{"model_version": "vleval detect", "result": [_region(box, drawn, image) for box in drawn.boxes]}],
        }
        for drawn, image in images
    ]


def _region(box: LabelledBox, drawn: Drawn, image: Original) -> dict[str, Any]:
    x1, y1, x2, y2 = 100 * box.x1 / drawn.width, 100 * box.y1 / drawn.height, 100 * box.x2 / drawn.width, 100 * box.y2 / drawn.height
    value = {"x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1, "rotation": 0, "rectanglelabels": [box.label or NO_LABEL]}
    region = {"type": "rectanglelabels", "from_name": "label", "to_name": "image", "image_rotation": 0, "value": value}
    region |= {"original_width": image.width, "original_height": image.height}
    region |= {"score": box.score} if box.score is not None else {}
    return region | ({"meta": {"text": [f"{key}: {text}" for key, text in box.extra.items()]}} if box.extra else {})


_WRITE: dict[str, Callable[[Sequence[tuple[Drawn, Original]]], Any]] = {"coco": _coco, "label-studio": _label_studio}
