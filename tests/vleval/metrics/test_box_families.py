"""Each family's spelling and axis order, and the space that a whole file counts in."""

from __future__ import annotations

import json
import random

import pytest

from vldata.errors import DataError
from vleval.metrics.boxes import parse_boxes
from vleval.metrics.options import MetricOptions
from vleval.profiles import resolve
from vleval.rows import Row

CAT = ("cat", 250, 250, 500, 750)
SPELLINGS = {
    "<|object_ref_start|>cat<|object_ref_end|><|box_start|>(250,250),(500,750)<|box_end|>": CAT,  # Qwen2-VL
    "cat(250,250),(500,750)": CAT,  # the same after a server took the tokens off
    "<ref>cat</ref><box>(250,250),(500,750)</box>": CAT,  # Qwen-VL
    "<ref>cat</ref><box>[[250, 250, 500, 750]]</box>": CAT,  # InternVL
    "<ref>cat</ref><box>250 250 500 750</box>": CAT,  # MiniCPM-V
    "<|begin_of_box|>[[250, 250, 500, 750]]<|end_of_box|>": ("", *CAT[1:]),  # GLM-V
    "a cat [[250,250,500,750]]": ("a cat", *CAT[1:]),  # CogVLM
    '```json\n[{"box_2d": [250, 250, 750, 500], "label": "cat"}]\n```': CAT,  # Gemini, y first
    "<loc0256><loc0256><loc0768><loc0512> cat": CAT,  # PaliGemma, y first, of 1024
    "<|ref|>cat<|/ref|><|det|>[[249.75, 249.75, 499.5, 749.25]]<|/det|>": CAT,  # DeepSeek-VL2, of 999
    "cat<loc_250><loc_250><loc_500><loc_749>": ("cat", 250.25, 250.25, 500.5, 749.75),  # Florence-2, of 999
    "<phrase>cat</phrase><object><patch_index_0000><patch_index_1023></object>": ("cat", 15.625, 15.625, 984.375, 984.375),  # Kosmos-2
}


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_familys_box_is_read_in_its_order_and_scale(text):
    parsed = parse_boxes(f"Here it is: {text}" if text[0] in "<`" else text)
    (box,) = parsed.boxes
    label, *corners = SPELLINGS[text]
    assert box.label == label
    assert (box.x1, box.y1, box.x2, box.y2) == pytest.approx(corners, abs=0.01)
    assert (parsed.dropped, parsed.space) == (0, "0-1000")


def test_several_boxes_of_one_text():
    assert len(parse_boxes("<ref>cat</ref><box>[[1,2,3,4],[5,6,7,8]]</box><ref>dog</ref><box>[[1,2,3,4]]</box>").boxes) == 3
    assert [box.label for box in parse_boxes("cat(1,2),(3,4), dog(5,6),(7,8)").boxes] == ["cat", "dog"]
    assert len(parse_boxes("cat[[001,002,003,004;005,006,007,008]]").boxes) == 2
    cut = parse_boxes("<|box_start|>(1,2),(3,4)<|box_end|><|box_start|>(5,")
    assert (len(cut.boxes), cut.dropped) == (1, 1)


def test_points_are_no_boxes():
    for text in ('<point x="52.3" y="33.2" alt="cat">cat</point>', '<points x1="1" y1="2" x2="3" y2="4" alt="cats">cats</points>'):
        assert parse_boxes(text).boxes == ()
        assert parse_boxes(text).points


@pytest.mark.parametrize(("order", "numbers"), [("xyxy", [1, 2, 4, 6]), ("xywh", [1, 2, 3, 4]), ("yxyx", [2, 1, 6, 4]), ("", [1, 2, 4, 6])])
def test_the_order_of_four_numbers_can_be_told(order, numbers):
    for text in (str(numbers), json.dumps([{"bbox": numbers, "label": "x"}])):
        (box,) = parse_boxes(text, order).boxes
        assert (box.x1, box.y1, box.x2, box.y2) == (1, 2, 4, 6)


def listed(*corners, label="cat"):
    return json.dumps([{"bbox_2d": list(corners), "label": label}])


def row(name, answer, reference, size=(400, 200)):
    return Row(id=name, prediction=answer, references=(reference,), width=size[0], height=size[1])


def f1(rows, **options):
    return resolve("vlkit", "detection_f1", MetricOptions(**options)).score(rows)


def test_values_outside_the_space_are_counted_aloud():
    rows = [row(str(n), listed(250, 250, 500, 750), listed(100, 50, 200, 150)) for n in range(3)]
    told = f1(rows, coord_space="pixels")
    assert told.notes[0] == "3 of 3 answers have values outside the space 'pixels' that was told, as '0'. They fit 0-1000."
    assert f1(rows, coord_space="0-1000", reference_space="pixels").values.tolist() == [1, 1, 1]


def test_auto_finds_the_space_over_the_whole_file_and_says_why():
    rows = [row("a", listed(10, 10, 20, 20), listed(4, 2, 8, 4)), row("b", listed(250, 250, 500, 750), listed(100, 50, 200, 150))]
    found = f1(rows, coord_space="auto", reference_space="pixels")
    assert found.values.tolist() == [1, 1]
    assert found.notes[0] == "Boxes of the answers are read as 0-1000: 'b' has values beyond its picture and none is above 1000."
    shares = [row("a", "[0.25, 0.25, 0.5, 0.75]", listed(100, 50, 200, 150, label=""))]
    assert f1(shares, coord_space="auto", reference_space="pixels").values.tolist() == [1]
    with pytest.raises(DataError, match="fit both 0-1000 and pixels"):
        f1(rows[:1], coord_space="auto", reference_space="pixels")


def test_a_mixture_of_spaces_is_refused():
    unit = row("u", "[0.25, 0.25, 0.5, 0.75]", "[0.25, 0.25, 0.5, 0.75]")
    tokens = row("t", "<|box_start|>(250,250),(500,750)<|box_end|>", "[0.25, 0.25, 0.5, 0.75]")
    with pytest.raises(DataError, match="mix coordinate spaces: 1 of 2 have no value above 1"):
        f1([unit, tokens], coord_space="auto", reference_space="0-1")
    with pytest.raises(DataError, match="mix coordinate spaces"):
        f1([unit, tokens])
    with pytest.raises(DataError, match="those of the references have no value above 1"):
        f1([tokens])
    told = f1([unit, tokens], coord_space="0-1000", reference_space="0-1")
    assert told.values.tolist() == [0, 1]
    assert told.notes[0].startswith("1 of 2 answers have no value above 1, as 'u': they look like 0-1")


def test_area_figures_are_those_of_pycocotools_in_pixels():
    pytest.importorskip("pycocotools", reason="extra [detection]")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    rng, width, height = random.Random(3), 640, 480
    rows, truth, given = [], [], []
    for number in range(25):
        wanted, told = [], []
        for _ in range(4):
            left, top = rng.randint(0, 700), rng.randint(0, 700)
            box = [left, top, left + rng.randint(10, 250), top + rng.randint(10, 250)]
            near = [min(max(side + rng.randint(-8, 8), 0), 1000) for side in box]
            for corners, kept, listed_as in ((box, truth, wanted), (near, given, told)):
                x, y, x2, y2 = (side * size / 1000 for side, size in zip(corners, (width, height) * 2, strict=True))
                of = {"id": len(kept) + 1, "image_id": number, "category_id": 1, "iscrowd": 0, "score": 1.0}
                kept.append(of | {"bbox": [x, y, x2 - x, y2 - y], "area": (x2 - x) * (y2 - y)})
                listed_as.append({"bbox": corners, "label": "x"})
        rows.append(Row(id=str(number), prediction=json.dumps(told), references=(json.dumps(wanted),), width=width, height=height))
    known = COCO()
    known.dataset = {"images": [{"id": n} for n in range(25)], "annotations": truth, "categories": [{"id": 1}]}
    known.createIndex()
    judged = COCOeval(known, known.loadRes(given), "bbox")
    judged.evaluate()
    judged.accumulate()
    judged.summarize()
    parts = resolve("vlkit", "coco_ap", MetricOptions(coord_space="0-1000")).score(rows).parts
    names = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")
    assert [parts[name] for name in names] == pytest.approx(list(judged.stats[:6]))


def test_areas_of_coco_belong_in_pixels():
    pytest.importorskip("pycocotools", reason="extra [detection]")
    rows = [row("a", listed(0, 0, 100, 100), listed(0, 0, 100, 100), size=(100, 100))]  # 10 x 10 pixels: small
    found = resolve("vlkit", "coco_ap", MetricOptions(coord_space="0-1000")).score(rows)
    assert set(found.parts) & {"ap_small", "ap_medium", "ap_large"} == {"ap_small"}
    untold = resolve("vlkit", "coco_ap").score(rows)
    assert any("told by areas in pixels" in note for note in untold.notes)


def test_coco_results_meet_coco_annotations(tmp_path):
    from vleval import score
    from vleval.settings import Scoring

    (tmp_path / "results.json").write_text(
        json.dumps(
            [
                {"image_id": 7, "category_id": 3, "bbox": [10, 20, 30, 40], "score": 0.9},
                {"image_id": 8, "category_id": 3, "bbox": [0, 0, 5, 5]},
            ]
        )
    )
    truth = {
        "images": [{"id": 7, "file_name": "a.jpg", "width": 100, "height": 80}, {"id": 8, "file_name": "b.jpg", "width": 10, "height": 10}],
        "categories": [{"id": 3, "name": "cat"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 3, "bbox": [10, 20, 30, 40], "iscrowd": 0},
            {"id": 2, "image_id": 8, "category_id": 3, "bbox": [5, 5, 5, 5], "iscrowd": 0},
        ],
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    result = score(tmp_path / "results.json", tmp_path / "truth.json", scoring=Scoring(metrics=("detection_f1",), extras=False))
    assert [record["detection_f1.tp"] for record in result.per_record()] == [1, 0]
    assert '"label": "cat"' in (result.rows[0].prediction or "")


def test_boxes_that_may_mean_something_else_are_told():
    rows = [row(str(n), listed(300, 50, 80, 60), listed(300, 50, 380, 110)) for n in range(3)]
    assert f1(rows).notes[0].startswith("3 boxes of the answers have a second corner that is not below and right of the first, as in '0'")
    assert f1(rows, box_order="xywh").values.tolist() == [1, 1, 1]
    bare = f1([row(str(n), "[100, 50, 200, 150]", listed(100, 50, 200, 150)) for n in range(3)])
    assert bare.notes[0].startswith("3 boxes of the answers have no label and match no class")
    percent = f1([row(str(n), listed(25, 25, 50, 75), listed(100, 50, 200, 150)) for n in range(3)])
    assert percent.notes[0].startswith("No value of the answers is above 100")


def test_a_field_may_be_a_label_with_its_box():
    (box,) = parse_boxes('{"cat": [1, 2, 3, 4]}').boxes
    assert (box.label, box.x2) == ("cat", 3)
    assert [box.label for box in parse_boxes('{"boxes": [1, 2, 3, 4]}').boxes] == [""]


def test_sets_without_objects_are_no_sets_without_answers():
    from vleval import Scoring, score

    rows = [{"id": str(n), "prediction": "[]", "references": ["[]"]} for n in range(2)]
    assert score(rows, scoring=Scoring(metrics=("detection_f1",), extras=False)).metrics["detection_f1"].value == 1.0
