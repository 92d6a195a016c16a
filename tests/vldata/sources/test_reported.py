"""Everyday inputs after public reports, each of which could be read into something else than its author meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
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


@pytest.mark.parametrize(
    "names", ["filename,width,height,class,xmin,ymin,xmax,ymax", "image,w,h,label,x1,y1,x2,y2", "image,z,zz,text,X,Y,Width,Height"]
)
def test_a_table_of_boxes_is_no_table_of_classes(names: str, tmp_path: Path) -> None:
    """Roboflow's and TensorFlow's CSV: a row an object, so that one image had two classes as its answers."""
    Image.new("RGB", (640, 480)).save(tmp_path / "a.jpg")
    file = tmp_path / "rows.csv"
    file.write_text(f"{names}\na.jpg,640,480,car,1,2,30,40\na.jpg,640,480,bus,100.5,200,300,400\n")
    with pytest.raises(vldata.DataError, match="are a box, of which the text may speak") as caught:
        vldata.convert("jsonl", file, out=tmp_path / "out", workers=1)
    field = names.split(",")[4]
    assert f"--ignore {field} leaves them out" in str(caught.value)
    assert vldata.convert("jsonl", file, out=tmp_path / "out", workers=1, ignore=(field,))[0].counts.written == 2


@pytest.mark.parametrize("names", ["choice_a,choice_b,choice_c", "option1,option2,option3", "Option A,Option B,Option C"])
def test_choices_in_columns_stand_in_the_question(names: str, tmp_path: Path) -> None:
    """SEED-Bench and sheets made by hand: the question lost its choices, and the answer was a letter alone."""
    row = {"image": "a.jpg", "question": "Which?", "answer": "B", **dict(zip(names.split(","), ("red", "blue", "green"), strict=True))}
    _, (record,) = converted(tmp_path, row, name="jsonl")
    assert "A. red\nB. blue\nC. green" in record.messages[0].content and record.references == ("B", "blue")
    (tmp_path / "talks").mkdir()
    made, _ = converted(tmp_path / "talks", talk("<image>Which?", "B", images=["a.jpg"], **{name: "x" for name in names.split(",")}), GOOD)
    assert made.reject_counts == {"VL215": 1}
