"""Mistakes of published walks through merging, four bits and detection: what their way gives, and what ours does with the same input."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest
from PIL import Image

from tests.tutorials.conftest import Run
from vleval.metrics.boxes import parse_boxes

OBJECT = '{"bbox_2d": [100, 100, 500, 500], "label": "cat"}'


def read_by_the_walk(text: str) -> list[dict]:
    """As the walk reads answers: a fence at both ends or none, then all or nothing, under two names alone."""
    if text.startswith("```json") and text.endswith("```"):
        text = text[7:-3]
    try:
        found = json.loads(text)
    except ValueError:
        return []
    return [item for item in found if isinstance(item, dict) and "bbox" in item and "category" in item]


def clamped_by_the_walk(box: tuple[int, int, int, int], width: int, height: int) -> tuple[int, int, int, int]:
    x1, y1, x2, y2 = (int(value / 1000 * size) for value, size in zip(box, (width, height) * 2, strict=True))
    x1, y1 = min(x1, width - 1), min(y1, height - 1)
    return x1, y1, max(x1 + 1, min(x2, width - 1)), max(y1 + 1, min(y2, height - 1))


@pytest.mark.parametrize(
    "text",
    [
        f"Here:\n```json\n[{OBJECT}]\n```\nThat is all.",
        f"[{OBJECT}, {{'bbox_2d'",
        f"[{OBJECT}]",
        f'{{"objects": [{OBJECT}]}}',
        f"[{OBJECT}]".replace('"', "'"),
        f'[{OBJECT}, {{"bbox": null, "category": "dog"}}]',
    ],
)
def test_a_complete_object_survives_its_surroundings(text: str) -> None:
    assert not any(item["bbox"] for item in read_by_the_walk(text))
    assert [(box.label, box.x1, box.y2) for box in parse_boxes(text).boxes] == [("cat", 100.0, 500.0)]


def asked(run: Run, rows: dict[str, str], options: str = "") -> dict:
    """Images of 640x480 with these answers; the document of `vleval detect`."""
    Path("images").mkdir()
    for name in rows:
        if not Path("images", name).exists():
            Image.new("RGB", (640, 480), "white").save(Path("images", name))
    lines = [json.dumps({"id": name, "image": name, "prediction": text}) for name, text in rows.items()]
    Path("answers.jsonl").write_text("\n".join(lines) + "\n")
    ran = run(f"vleval detect answers.jsonl --image-root images --out drawn --json {options or '--coord-space 0-1000'}")
    return json.loads(ran.out) if ran.out.startswith("{") else {"code": ran.code, "said": ran.err}


def test_boxes_stay_in_their_image_and_without_area_there_is_none(run: Run) -> None:
    corner, whole = (1000, 1000, 1000, 1000), (0, 0, 1000, 1000)
    assert clamped_by_the_walk(corner, 640, 480)[2] == 640 and clamped_by_the_walk(whole, 640, 480)[2:] == (639, 479)
    text = json.dumps([{"bbox_2d": corner, "label": "cat"}, {"bbox_2d": whole, "label": "cat"}])
    (drawn,) = asked(run, {"a.png": text})["drawn"]
    assert drawn["no_area"] == 1
    assert [(box["x1"], box["y1"], box["x2"], box["y2"]) for box in drawn["boxes"]] == [(0, 0, 640, 480)]


def test_the_space_of_a_file_is_told_from_all_of_it_and_said(run: Run) -> None:
    pixels, thousandths = '[{"bbox_2d": [600, 440, 639, 479], "label": "cat"}]', '[{"bbox_2d": [100, 100, 900, 990], "label": "cat"}]'
    assert "code" not in asked(run, {"a.png": pixels, "b.png": thousandths}, "--coord-space auto")
    ran = run("vleval detect answers.jsonl --image-root images --out drawn --coord-space auto")
    assert "Boxes are read as 0-1000: 'b.png' has values beyond its picture and none is above 1000." in ran.err


def test_a_turned_photograph_is_boxed_upright(run: Run) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Path("images").mkdir()
    Image.new("RGB", (640, 480)).save("images/a.jpg", exif=exif)
    with Image.open("images/a.jpg") as image:
        assert image.size == (640, 480)  # theirs: the frame that nobody sees
    Path("answers.jsonl").write_text(json.dumps({"id": "a.jpg", "image": "a.jpg", "prediction": f"[{OBJECT}]"}) + "\n")
    (drawn,) = json.loads(run("vleval detect answers.jsonl --image-root images --out drawn --coord-space 0-1000 --json").out)["drawn"]
    assert (drawn["width"], drawn["height"]) == (480, 640) and drawn["boxes"][0]["x2"] == 240


def test_images_of_one_stem_and_of_any_script_have_a_file_each(run: Run) -> None:
    rows = dict.fromkeys(("a.jpg", "a.png", "图片.png"), f"[{OBJECT}]")
    assert len({Path(name).stem + "_simple_viz.jpg" for name in rows}) == 2  # theirs
    asked(run, rows)
    assert len([path for path in Path("drawn").iterdir() if path.suffix == ".png"]) == 3


def test_an_image_that_cannot_be_read_ends_in_an_error(run: Run) -> None:
    Path("images").mkdir()
    Path("images/a.jpg").write_bytes(b"\xff\xd8\xff torn")
    Path("answers.jsonl").write_text(json.dumps({"id": "a.jpg", "image": "a.jpg", "prediction": f"[{OBJECT}]"}) + "\n")
    ran = run("vleval detect answers.jsonl --image-root images --out drawn --coord-space 0-1000")
    assert ran.code == 1 and "a.jpg" in ran.err


def test_precision_and_recall_are_computed(run: Run) -> None:
    row = {"id": "1", "prediction": f"[{OBJECT}]", "references": [f'[{OBJECT}, {{"bbox_2d": [600, 600, 900, 900], "label": "cat"}}]']}
    Path("answers.jsonl").write_text(json.dumps(row) + "\n")
    ran = run("vleval score answers.jsonl --metric detection_f1")
    assert "precision 1.0000, recall 0.5000" in ran.out


def test_a_bare_model_cannot_answer(tiny_model: Path) -> None:
    transformers = pytest.importorskip("transformers")
    assert not transformers.AutoModel.from_pretrained(tiny_model).can_generate()  # what they fall back to
    assert transformers.AutoModelForImageTextToText.from_pretrained(tiny_model).can_generate()


def test_vision_and_head_stay_in_16_bits_and_computing_in_those_of_the_training(tiny_model: Path) -> None:
    from vltrain.adapters import keep_wide
    from vltrain.quantizing import quantize

    from vldata.models.families_of import folder_family

    assert inspect.signature(quantize).parameters["compute"].default == "bf16"
    wide = keep_wide(folder_family(tiny_model))
    assert any("visual" in name for name in wide) and "lm_head" in wide
