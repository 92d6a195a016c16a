"""Annotation formats and cards held to the libraries that own them: `make oracles`, in a venv of its own.

Twenty images with random objects are read by supervision (COCO, YOLO, Pascal VOC, LabelMe), pycocotools and label-studio-sdk, and by us:
every box is the same within a pixel, in the same order.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fixtures.labelled as drawn
import vldata

Boxes = dict[str, list[tuple[str, list[float]]]]  # by the stem of the image: label and corners in pixels
sv = pytest.importorskip("supervision", reason="make oracles installs it")


@pytest.fixture(autouse=True)
def objects(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Random objects for the fixtures to draw, whole pixels apart from each other."""
    dice = random.Random(7)
    found: dict[str, Any] = {}
    for number in range(20):
        things = []
        for _ in range(dice.randint(1, 6)):
            left, top = dice.randrange(drawn.WIDTH - 40), dice.randrange(drawn.HEIGHT - 40)
            right, bottom = left + dice.randint(8, drawn.WIDTH - left), top + dice.randint(8, drawn.HEIGHT - top)
            things.append((dice.choice(["box", "cup"]), left, top, min(right, drawn.WIDTH), min(bottom, drawn.HEIGHT)))
        found[f"i{number:02}"] = things
    found["i00"][0] = ("box", 0, 0, 64, 64)  # VOC: the first pixel is taken, so that it counts from 1
    monkeypatch.setattr(drawn, "OBJECTS", found)
    return found


def ours(name: str, root: Path, out: Path) -> Boxes:
    """Our boxes, from the scale of 0 to 1000 back to pixels."""
    made = vldata.convert(name, root, out=out, workers=1)
    assert vldata.validate(out, workers=1).ok and made.rejected == 0
    found: Boxes = {}
    for dataset in made.names:
        for record in vldata.read(out / dataset):
            sides = (drawn.WIDTH, drawn.HEIGHT) * 2
            found[Path(record.meta["file"]).stem] = [
                (one["label"], [value * side / 1000 for value, side in zip(one["bbox_2d"], sides, strict=True)])
                for one in json.loads(record.messages[-1].content)
            ]
    return found


def same(one: Boxes, other: Boxes) -> None:
    """Hold two readings to each other, within a pixel at every corner."""
    assert one.keys() == other.keys() and sum(map(len, one.values())) > 50
    for stem, boxes in one.items():
        assert [label for label, _ in boxes] == [label for label, _ in other[stem]], stem
        for (_, mine), (_, theirs) in zip(boxes, other[stem], strict=True):
            assert all(abs(a - b) <= 1 for a, b in zip(mine, theirs, strict=True)), (stem, mine, theirs)


def by_supervision(dataset: Any) -> Boxes:
    """The boxes of a dataset of supervision."""
    return {
        Path(path).stem: [(dataset.classes[int(kind)], box.tolist()) for kind, box in zip(found.class_id, found.xyxy, strict=True)]
        for path, _, found in dataset
    }


READERS: dict[str, Callable[[Path], Any]] = {
    "coco": lambda root: sv.DetectionDataset.from_coco(str(root / "train2017"), str(root / "annotations" / "instances_train2017.json")),
    "yolo": lambda root: sv.DetectionDataset.from_yolo(
        str(root / "images" / "train"), str(root / "labels" / "train"), str(root / "data.yaml")
    ),
    "voc": lambda root: sv.DetectionDataset.from_pascal_voc(str(root / "JPEGImages"), str(root / "Annotations")),
    "labelme": lambda root: sv.DetectionDataset.from_labelme(str(root / "train"), str(root / "train")),
}


@pytest.mark.parametrize("name", READERS)
def test_boxes_are_those_of_supervision(name: str, tmp_path: Path) -> None:
    root = drawn.FORMATS[name](tmp_path / "s")
    same(ours(name, root, tmp_path / "p"), by_supervision(READERS[name](root)))


def test_boxes_are_those_of_pycocotools(tmp_path: Path) -> None:
    from pycocotools.coco import COCO
    from pycocotools.mask import iou

    root = drawn.draw_coco(tmp_path / "s")
    mine = ours("coco", root, tmp_path / "p")
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO(str(root / "annotations" / "instances_train2017.json"))
    names = {key: value["name"] for key, value in reference.cats.items()}
    theirs: Boxes = {}
    for key, image in reference.imgs.items():
        entries = reference.loadAnns(reference.getAnnIds(imgIds=key))
        theirs[Path(image["file_name"]).stem] = [
            (names[one["category_id"]], [*one["bbox"][:2], one["bbox"][0] + one["bbox"][2], one["bbox"][1] + one["bbox"][3]])
            for one in entries
        ]
    same(mine, theirs)
    for stem, boxes in mine.items():  # and their own measure, of boxes snapped to the pixel
        sides = [[x1, y1, x2 - x1, y2 - y1] for _, (x1, y1, x2, y2) in ((label, map(round, box)) for label, box in boxes)]
        exact = [[x1, y1, x2 - x1, y2 - y1] for _, (x1, y1, x2, y2) in theirs[stem]]
        assert all(value == 1 for value in iou(sides, exact, [0] * len(exact)).diagonal())


def test_boxes_are_those_of_label_studio(tmp_path: Path) -> None:
    from label_studio_sdk.converter import Converter

    root = drawn.draw_label_studio(tmp_path / "s")
    tasks = json.loads((root / "export.json").read_text())
    for task in tasks:
        for number, result in enumerate(task["annotations"][0]["result"]):
            result |= {"id": f"r{number}", "from_name": "label", "to_name": "image", "image_rotation": 0}
    (root / "export.json").write_text(json.dumps(tasks))
    config = (
        '<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image"><Label value="box"/><Label value="cup"/>'
        "</RectangleLabels></View>"
    )
    converter = Converter(config=config, project_dir=None, download_resources=False)
    converter.convert_to_coco(str(root / "export.json"), str(tmp_path / "c"), output_image_dir=str(tmp_path / "c" / "images"), is_dir=False)
    table = json.loads((tmp_path / "c" / "result.json").read_text())
    names = {one["id"]: one["name"] for one in table["categories"]}
    stems = {one["id"]: Path(one["file_name"]).stem for one in table["images"]}
    theirs: Boxes = {stem: [] for stem in stems.values()}
    for one in table["annotations"]:
        x, y, width, height = one["bbox"]
        theirs[stems[one["image_id"]]].append((names[one["category_id"]], [x, y, x + width, y + height]))
    same(ours("label-studio", root, tmp_path / "p"), theirs)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of rdflib, under mlcroissant
def test_the_card_is_valid_croissant(tmp_path: Path) -> None:
    croissant = pytest.importorskip("mlcroissant", reason="make oracles installs it")
    vldata.convert("coco", drawn.draw_coco(tmp_path / "s"), out=tmp_path / "p", workers=1)
    vldata.card(tmp_path / "p" / "coco_train", license="cc-by-4.0", out=tmp_path / "p")
    dataset = croissant.Dataset(jsonld=str(tmp_path / "p" / "croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    assert len(list(dataset.records(dataset.metadata.record_sets[0].name))) == 20
