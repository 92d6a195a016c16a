"""Everyday inputs after public reports, each of which could be read into something else than its author meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

import vldata
from vldata.conversion import Conversion

Row = dict[str, Any]


def converted(tmp_path: Path, *rows: Row, name: str = "sharegpt", **settings: Any) -> tuple[Conversion, list[vldata.Record]]:
    for number, name_of in enumerate("abc"):
        Image.new("RGB", (1280, 960), (80 * number, 90, 160)).save(tmp_path / f"{name_of}.jpg")
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (made,) = vldata.convert(name, tmp_path / "rows.jsonl", out=tmp_path / "out", workers=1, max_rejects=1.0, **settings)
    return made, list(vldata.read(tmp_path / "out" / made.names[0]))


def talk(question: Any, answer: Any, **more: Any) -> Row:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}], **more}


GOOD = talk("<image>What?", "A box.", images=["a.jpg"])


def test_parts_take_the_image_of_their_index(tmp_path: Path) -> None:
    """llava-instruct-mix-vsft: `index` says which image of the row a part shows."""
    parts = [{"type": "image", "text": None, "index": place} for place in (1, 0, 1)]
    row = talk([*parts, {"type": "text", "text": "Same?", "index": None}], [{"type": "text", "text": "No."}], images=["a.jpg", "b.jpg"])
    one = talk([{"type": "image", "index": 0}, {"type": "text", "text": "What?"}], "A box.", images=["a.jpg"])
    beyond = talk([{"type": "image", "index": 1}, {"type": "text", "text": "What?"}], "A box.", images=["a.jpg"])
    unshown = talk([{"type": "image", "index": 0}, {"type": "text", "text": "What?"}], "A box.", images=["a.jpg", "b.jpg"])
    made, (record, first) = converted(tmp_path, row, one, beyond, unshown)
    (a,), (b, again, last) = first.images, record.images
    assert again == a and b == last != a
    assert [reject.code for reject in made.rejects] == ["VL006", "VL006"]


def test_shares_among_objects_are_no_pixels(tmp_path: Path) -> None:
    """ms-swift counts `bbox` in pixels unless `bbox_type` says norm1: shares without it were the box [0, 0, 0, 0]."""
    boxes = [[0.1, 0.2, 0.3, 0.4], [0.5, 0.25]]
    rows = [talk("<image>Find it.", "<bbox>", images=["a.jpg"], objects={"ref": [], "bbox": [box]}) for box in boxes]
    told = talk("<image>Find it.", "<bbox>", images=["a.jpg"], objects={"ref": [], "bbox": [boxes[0]], "bbox_type": "norm1"})
    corner = talk("<image>Click.", "<bbox>", images=["a.jpg"], objects={"ref": [], "bbox": [[0, 1]]})
    made, records = converted(tmp_path, *rows, told, corner)
    assert [reject.code for reject in made.rejects] == ["VL211", "VL211"] and "norm1" in made.rejects[0].reason
    assert records[0].messages[1].content == "[100, 200, 300, 400]"


def test_pixels_of_a_resized_image_are_no_pixels_of_its_file(tmp_path: Path) -> None:
    """Qwen2.5-VL: parts with `resized_height` and boxes in the pixels of that size."""
    image = {"type": "image", "image": "a.jpg", "resized_height": 420, "resized_width": 560}
    rows = [talk([image, {"type": "text", "text": "Where?"}], answer) for answer in ('[{"bbox_2d": [10, 20, 400, 200]}]', "There.")]
    made, (record,) = converted(tmp_path, *rows, text_boxes="pixels")
    assert made.reject_counts == {"VL211": 1} and "resized_height" in made.rejects[0].reason
    assert record.messages[1].content == "There."
