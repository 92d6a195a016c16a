"""Annotation formats: the same two images in each of them give the same boxes, in the dialect of the processor."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import vldata
from fixtures.labelled import FORMATS, HEIGHT, OBJECTS, WIDTH, draw, draw_coco, draw_yolo
from vldata.errors import DataError, UsageError
from vldata.records.draft import Draft, Guess, Reject
from vldata.sources import CONVERTERS
from vldata.sources.labelled import Wishes


def convert(name: str, root: Path, out: Path, **settings: Any) -> list[vldata.Record]:
    made = vldata.convert(name, root, out=out, workers=1, **settings)
    assert vldata.validate(out, workers=1).ok
    return [record for dataset in made.names for record in vldata.read(out / dataset)]


def boxes_of(record: vldata.Record) -> list[tuple[str, list[int]]]:
    return [(found["label"], found["bbox_2d"]) for found in json.loads(record.messages[-1].content)]


@pytest.mark.parametrize("processor", ["qwen3-vl", "qwen2.5-vl"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_boxes(name: str, processor: str, tmp_path: Path) -> None:
    records = convert(name, FORMATS[name](tmp_path / "s"), tmp_path / "out", processor=processor, max_pixels=200_000)
    assert len(records) == 2
    for record, things in zip(records, OBJECTS.values(), strict=True):
        with Image.open(tmp_path / "out" / record.images[0]) as image:
            across, down = (1000, 1000) if processor == "qwen3-vl" else image.size
        for (label, found), (wanted, *corners) in zip(boxes_of(record), things, strict=True):
            scaled = [value / side * to for value, side, to in zip(corners, (WIDTH, HEIGHT) * 2, (across, down) * 2, strict=True)]
            assert label == wanted and all(abs(a - b) <= 1 for a, b in zip(found, scaled, strict=True)), (found, scaled)


def test_boxes_are_those_that_pycocotools_reads(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    import contextlib
    import io

    from pycocotools.coco import COCO
    from pycocotools.mask import iou

    records = convert("coco", draw_coco(tmp_path / "s"), tmp_path / "out")
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO(str(tmp_path / "s" / "annotations" / "instances_train2017.json"))
    for record, image_id in zip(records, reference.getImgIds(), strict=True):
        theirs = [annotation["bbox"] for annotation in reference.loadAnns(reference.getAnnIds(imgIds=image_id))]
        ours = []
        for _, (x1, y1, x2, y2) in boxes_of(record):
            sides = (x1 * WIDTH / 1000, y1 * HEIGHT / 1000, x2 * WIDTH / 1000, y2 * HEIGHT / 1000)
            ours.append([sides[0], sides[1], sides[2] - sides[0], sides[3] - sides[1]])
        assert all(iou(ours, theirs, [0] * len(theirs))[n][n] > 0.98 for n in range(len(theirs)))


def test_splits_stay_apart(tmp_path: Path) -> None:
    draw_coco(draw_coco(tmp_path / "s", "train"), "val")
    made = vldata.convert("coco", tmp_path / "s", out=tmp_path / "out", workers=1)
    assert made.names == ("coco_train", "coco_val")
    assert [record.meta["file"][:8] for record in vldata.read(tmp_path / "out" / "coco_val")] == ["val2017/"] * 2


def test_one_record_a_class_with_negatives_in_chinese(tmp_path: Path) -> None:
    records = convert("yolo", draw_yolo(tmp_path / "s"), tmp_path / "out", per="class", negatives=1, language="zh")
    asked = [record.messages[0].content for record in records]
    assert [text.partition("：")[0].partition("。")[0][-3:] for text in asked] == ["box", "cup", "box", "cup"]
    assert all(text.startswith("<image>请找出图中所有的") for text in asked)
    assert [len(boxes_of(record)) for record in records] == [1, 1, 1, 0] and records[-1].messages[-1].content == "[]"


def test_an_image_turned_since_it_was_annotated_is_rejected_by_name(tmp_path: Path) -> None:
    root = draw_coco(tmp_path / "s")
    draw(root / "train2017" / "b.jpg", "b", size=(HEIGHT, WIDTH))
    made = vldata.convert("coco", root, out=tmp_path / "out", workers=1, max_rejects=1.0)
    (reject,) = made[0].rejects
    assert (reject.code, reject.reason.partition(":")[0]) == ("VL211", "the annotation says 640x480, but the image is 480x640")


def test_an_image_made_smaller_since_it_was_annotated_keeps_its_boxes(tmp_path: Path) -> None:
    root = draw_coco(tmp_path / "s")
    draw(root / "train2017" / "a.jpg", "a", size=(WIDTH // 2, HEIGHT // 2))
    records = convert("coco", root, tmp_path / "out")
    assert boxes_of(records[0]) == [("box", [100, 100, 200, 500]), ("cup", [500, 500, 1000, 1000])]


def test_what_is_left_out_or_changed_is_said(tmp_path: Path) -> None:
    root = draw_yolo(tmp_path / "s")
    (root / "labels" / "train" / "b.txt").write_text("1 0.1 0.1 0.2 0.1 0.2 0.3 0.1 0.3\n")  # a polygon
    draw(root / "images" / "train" / "c.jpg", "a")
    said: list[str] = []
    made = vldata.convert("yolo", root, out=tmp_path / "out", workers=1, tell=said.append)
    assert "1 object: polygons written as the boxes around them." in said
    assert "1 image without objects left out; --negatives 1 asks of them too, with [] as the answer." in said
    assert boxes_of(list(vldata.read(tmp_path / "out" / "yolo_train"))[1]) == [("cup", [100, 100, 200, 300])]
    assert len(made) == 1  # val names the folder of train: it is one split, not two
    said.clear()
    table = json.loads((draw_coco(tmp_path / "s") / "annotations" / "instances_train2017.json").read_text())
    table["annotations"][0]["iscrowd"] = 1
    (tmp_path / "s" / "annotations" / "instances_train2017.json").write_text(json.dumps(table))
    made = vldata.convert("coco", tmp_path / "s", out=tmp_path / "coco", workers=1, tell=said.append)
    assert "1 crowd region left out: they are no single objects." in said
    assert any("segmentation" in field.field for field in made[0].unused), made[0].unused


FLAT = {"points": [[1, 1], [1, 9]], "shape_type": "rectangle"}
BAD = {
    "predictions": ("yolo", "labels/train/a.txt", "0 0.5 0.5 0.2 0.2 0.93\n", "the last a confidence: these are predictions, not labels"),
    "pixels": ("yolo", "labels/train/a.txt", "0 320 240 20 20\n", "are no shares between 0 and 1"),
    "class": ("yolo", "labels/train/a.txt", "5 0.5 0.5 0.2 0.2\n", "there is no class 5: 2 are named"),
    "entity": ("voc", "Annotations/a.xml", '<!DOCTYPE a [<!ENTITY x "y">]><annotation/>', "declares a document type"),
    "xml": ("voc", "Annotations/a.xml", "<annotation>", "is not XML"),
    "corners": ("labelme", "train/a.json", json.dumps({"shapes": [{**FLAT, "label": "x"}]}), "no area"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_annotation_costs_its_image_and_says_why(case: str, tmp_path: Path) -> None:
    name, file, content, why = BAD[case]
    root = FORMATS[name](tmp_path / "s")
    (root / file).write_text(content)
    made = vldata.convert(name, root, out=tmp_path / "out", workers=1, max_rejects=1.0)
    rejects = [reject for one in made for reject in one.rejects]
    assert len(rejects) == 1 and why in rejects[0].reason


@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_without_annotations_is_one_clear_line(name: str, tmp_path: Path) -> None:
    draw(tmp_path / "a.jpg", "a")
    with pytest.raises(DataError) as caught:
        vldata.convert(name, tmp_path, out=tmp_path / "out", workers=1)
    assert caught.value.cure


@pytest.mark.parametrize("key", ["images", "categories"])
def test_an_id_that_stands_twice_stops_coco(key: str, tmp_path: Path) -> None:
    """Two files joined without new ids: which image the annotations of id 1 belong to cannot be told."""
    root = draw_coco(tmp_path / "s")
    file = next(root.rglob("*.json"))
    table = json.loads(file.read_text())
    table[key].append({**table[key][0], "file_name": "other.jpg", "name": "other"})
    file.write_text(json.dumps(table))
    with pytest.raises(DataError, match=f"more than once in {key}"):
        convert("coco", root, tmp_path / "out")


def test_labels_that_are_elsewhere_are_no_answer_of_nothing(tmp_path: Path) -> None:
    """A YOLO folder without its labels: every answer would be [] with --negatives 1."""
    root = draw_yolo(tmp_path / "s")
    for file in root.rglob("labels/**/*.txt"):
        file.unlink()
    with pytest.raises(DataError, match="no image has a labelled object"):
        convert("yolo", root, tmp_path / "out", negatives=1)


def test_voc_that_begins_at_zero_counts_from_zero(tmp_path: Path) -> None:
    root = FORMATS["voc"](tmp_path / "s")
    (first, *_) = CONVERTERS["voc"](root)
    assert "from 1" in " ".join(first.said)
    boxes = [thing.values for image in first.images for thing in image.things]
    file = next(root.rglob("*.xml"))
    file.write_text(re.sub(r"<xmin>\d+</", "<xmin>0</", file.read_text(), count=1))
    (first, *_) = CONVERTERS["voc"](root)
    assert "from 0, as 1 box at" in " ".join(first.said)
    moved = [thing.values for image in first.images for thing in image.things]
    assert [values[1] for values in moved] == [values[1] + 1 for values in boxes]  # they are taken as they stand


JUNK = (None, "", [], {}, -1, 0, 1e308, True, "x", [1, 2], {"a": 1}, 2**70, "nan", [None])
WORDS = ("", "x", "-1", "nan", "inf", "1e999", ":", "<a/>", "[", "{}", "9" * 20, "\0")


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, child in inner for place in places(child, (*at, key)))]


def changed(text: str, suffix: str, chance: random.Random) -> str:
    """The file with one value or word put out of place."""
    if suffix != ".json":
        words = re.findall(r"[\w.\-]+|\W", text)
        words[chance.randrange(len(words))] = chance.choice(WORDS)
        return "".join(words)
    table = json.loads(text)
    *path, last = chance.choice(places(table)[1:])
    inner = table
    for key in path:
        inner = inner[key]
    if chance.random() < 0.3:
        del inner[last]
    else:
        inner[last] = chance.choice(JUNK)
    return json.dumps(table)


@pytest.mark.parametrize("name", FORMATS)
def test_a_value_out_of_place_ends_in_a_sentence(name: str, tmp_path: Path) -> None:
    root = FORMATS[name](tmp_path / "s")
    folder = root if root.is_dir() else root.parent
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".json", ".xml", ".txt", ".yaml"})
    chance = random.Random(name)
    refused = 0
    for _ in range(200):
        file = chance.choice(files)
        before = file.read_text()
        file.write_text(changed(before, file.suffix, chance))
        try:
            for source in CONVERTERS[name](root):
                refused += sum(isinstance(draft, Reject) for draft in source.drafts())
        except (DataError, UsageError):
            refused += 1
        finally:
            file.write_text(before)
    assert refused > 20


def test_cocos_own_download_has_persons_once(tmp_path: Path) -> None:
    """`annotations_trainval2017.zip` holds instances and person_keypoints of the same images: persons alone answer nothing."""
    root = draw_coco(tmp_path / "s")
    file = next(root.rglob("instances_*.json"))
    table = json.loads(file.read_text())
    table["annotations"] = table["annotations"][:1]
    file.with_name(file.name.replace("instances_", "person_keypoints_")).write_text(json.dumps(table))
    (source,) = CONVERTERS["coco"](root)
    assert len(source.images) == 2 and "person_keypoints_" in " ".join(source.said) and "left aside" in " ".join(source.said)


def test_an_image_that_is_annotated_twice_is_rejected(tmp_path: Path) -> None:
    root = draw_coco(tmp_path / "s")
    file = next(root.rglob("instances_*.json"))
    table = json.loads(file.read_text())
    table["images"].append({**table["images"][0], "id": 99})
    file.write_text(json.dumps(table))
    (source,) = CONVERTERS["coco"](root)
    drafts = list(source.drafts())
    rejects = [draft for draft in drafts if isinstance(draft, Reject)]
    assert len(rejects) == 2 and "annotated 2 times" in rejects[0].reason
    assert len(drafts) > len(rejects)


def label_studio(root: Path, change: Any) -> list[Any]:
    file = next(root.glob("*.json")) if root.is_dir() else root
    tasks = json.loads(file.read_text())
    change(tasks[0])
    file.write_text(json.dumps(tasks))
    return list(CONVERTERS["label-studio"](root))


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_task_nobody_has_looked_at_is_no_image_of_nothing(cancelled: bool, tmp_path: Path) -> None:
    def undo(task: dict[str, Any]) -> None:
        task["annotations"] = [{**task["annotations"][0], "was_cancelled": True}] if cancelled else []

    (source,) = label_studio(FORMATS["label-studio"](tmp_path / "s"), undo)
    assert len(source.images) == 1 and "Tasks without an annotation left out: 1." in source.said


def test_boxes_on_several_images_of_a_task_are_not_put_on_the_first(tmp_path: Path) -> None:
    def add(task: dict[str, Any]) -> None:
        task["data"] |= {"second": "upload/other.jpg", "caption": "A text. With stops"}

    (source,) = label_studio(FORMATS["label-studio"](tmp_path / "s"), add)
    assert "2 images" in source.images[0].fault


def test_yolo_labels_without_an_image_are_said(tmp_path: Path) -> None:
    root = draw_yolo(tmp_path / "s")
    label = next(path for path in root.rglob("*.txt"))
    (label.parent / "gone.txt").write_text(label.read_text())
    (label.parent / "classes.txt").write_text("a\nb\n")
    said = " ".join(sentence for source in CONVERTERS["yolo"](root) for sentence in source.said)
    assert "1 label file without an image left out, a guess; the first is labels/train/gone.txt." in said


@pytest.mark.parametrize("per", ["image", "class"])
def test_a_crowd_is_not_nothing(per: Any, tmp_path: Path) -> None:
    """An image that shows a crowd of a class is no image without that class."""
    root = draw_coco(tmp_path / "s")
    file = next(root.rglob("instances_*.json"))
    table = json.loads(file.read_text())
    for entry in table["annotations"]:
        if entry["image_id"] == 1:
            entry["iscrowd"] = 1
    crowd = {{7: "box", 9: "cup"}[entry["category_id"]] for entry in table["annotations"] if entry["image_id"] == 1}
    file.write_text(json.dumps(table))
    (source,) = CONVERTERS["coco"](root, wishes=Wishes(per=per, negatives=5))
    of_second = [draft.id.rpartition("/")[2] for draft in source.drafts() if isinstance(draft, Draft) and "/0000001" in draft.id]
    assert crowd and not crowd & set(of_second) and (per == "class" or not of_second)


def test_brushes_and_masks_are_not_nothing(tmp_path: Path) -> None:
    def brush(task: dict[str, Any]) -> None:
        task["annotations"][0]["result"] = [{"type": "brushlabels", "value": {"brushlabels": ["cup"], "format": "rle", "rle": []}}]

    (source,) = label_studio(FORMATS["label-studio"](tmp_path / "s"), brush)
    assert source.images[0].lost == (("cup", "brush"),)
    root = FORMATS["cvat"](tmp_path / "c")
    file = root / "annotations.xml"
    parts = '<skeleton label="cup"><points label="1" points="1,1"/></skeleton><tag label="box"/>'
    file.write_text(file.read_text().replace("</image>", f"{parts}</image>", 1))
    (lost,) = CONVERTERS["cvat"](root)
    assert lost.images[0].lost == (("cup", "skeleton"),) and lost.images[0].unboxed == {"box"} and not lost.images[1].lost


SIZE = {"original_width": WIDTH, "original_height": HEIGHT}
FRAME = {"x": 50, "y": 50, "width": 20, "height": 20}
# one or several results -> (things in thousandths, labels that are lost, what the fault says)
RESULTS = {
    "turned ellipse": (
        [{"type": "ellipselabels", "value": {"x": 50, "y": 50, "radiusX": 10, "radiusY": 30, "rotation": 90, "ellipselabels": ["cup"]}}],
        [("cup", 275, 367, 725, 633)],
        [],
        "",
    ),
    "labels beside a rectangle": (
        [{"id": "r", "type": "rectangle", "value": FRAME}, {"id": "r", "type": "labels", "value": {**FRAME, "labels": ["cup"]}}],
        [("cup", 500, 500, 700, 700)],
        [],
        "",
    ),
    "labels beside a brush": (
        [{"id": "r", "type": "brush", "value": {"rle": [1]}}, {"id": "r", "type": "labels", "value": {"labels": ["cup"]}}],
        [],
        [("cup", "brush")],
        "",
    ),
    "no label": ([{"type": "rectanglelabels", "value": {**FRAME, "rectanglelabels": []}}], [], [("", "rectangle")], ""),
    "a shape alone": ([{"id": "r", "type": "rectangle", "value": FRAME}], [], [("", "rectangle")], ""),
    "turned while annotated": (
        [{"type": "rectanglelabels", "image_rotation": 90, "value": {**FRAME, "rectanglelabels": ["cup"]}}],
        [],
        [],
        "image_rotation is 90",
    ),
}


@pytest.mark.parametrize("case", RESULTS)
def test_results_of_label_studio(case: str, tmp_path: Path) -> None:
    results, things, lost, fault = RESULTS[case]

    def put(task: dict[str, Any]) -> None:
        task["annotations"][0]["result"] = [{**SIZE, **result} for result in results]

    (source,) = label_studio(FORMATS["label-studio"](tmp_path / "s"), put)
    image = source.images[0]
    assert [(thing.label, *(round(value * 1000) for value in thing.values)) for thing in image.things] == things
    assert list(image.lost) == lost and image.fault.startswith(fault) and bool(image.fault) == bool(fault)


def test_a_turned_image_of_label_studio_is_rejected(tmp_path: Path) -> None:
    root = FORMATS["label-studio"](tmp_path / "s")
    file = next(root.glob("*.json")) if root.is_dir() else root
    file.write_text(file.read_text().replace(f'"original_width": {WIDTH}', f'"original_width": {HEIGHT}'))
    file.write_text(file.read_text().replace(f'"original_height": {HEIGHT}', f'"original_height": {WIDTH}'))
    with pytest.raises(DataError, match="none of"):
        vldata.convert("label-studio", root, out=tmp_path / "out", workers=1)


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        ('<mask label="cup" left="64" top="48" width="64" height="48" rle="1"/>', (64, 48, 128, 96)),
        ('<ellipse label="cup" cx="320" cy="240" rx="64" ry="144" rotation="90"/>', (176, 176, 464, 304)),
        (
            '<cuboid label="cup" xtl1="64" ytl1="48" xbl1="64" ybl1="96" xtr1="128" ytr1="48" xbr1="128" ybr1="96" '
            'xtl2="70" ytl2="40" xbl2="70" ybl2="90" xtr2="140" ytr2="40" xbr2="140" ybr2="90"/>',
            (64, 40, 140, 96),
        ),
    ],
)
def test_shapes_of_cvat_have_the_box_around_them(shape: str, box: tuple[int, ...], tmp_path: Path) -> None:
    file = FORMATS["cvat"](tmp_path / "c") / "annotations.xml"
    file.write_text(file.read_text().replace("</image>", f"{shape}</image>", 1))
    (source,) = CONVERTERS["cvat"](tmp_path / "c")
    assert tuple(round(value, 6) for value in source.images[0].things[-1].values) == box


def test_a_label_that_cvat_does_not_list_costs_its_image(tmp_path: Path) -> None:
    file = FORMATS["cvat"](tmp_path / "c") / "annotations.xml"
    file.write_text(file.read_text().replace("</image>", '<box label="x" xtl="1" ytl="1" xbr="9" ybr="9"/></image>', 1))
    assert "'x': the labels of the task do not list it" in CONVERTERS["cvat"](tmp_path / "c")[0].images[0].fault


def voc(root: Path, old: str, new: str) -> Any:
    file = next(FORMATS["voc"](root).rglob("a.xml"))
    file.write_text(re.sub(old, new, file.read_text(), count=1))
    return CONVERTERS["voc"](root)[0]


def test_voc_says_what_it_takes_for_which_image(tmp_path: Path) -> None:
    two = voc(tmp_path / "a", "<filename>.*?</filename>", "<filename>b.jpg</filename>")
    assert "which of them it is about" in two.images[0].fault
    gone = voc(tmp_path / "b", "<filename>.*?</filename>", "<filename>x.jpg</filename>")
    assert any(isinstance(sentence, Guess) and "'x.jpg'" in sentence for sentence in gone.said)
    assert isinstance(next(iter(gone.drafts())), Draft)


def test_voc_leaves_out_what_is_deleted_and_shares_are_no_pixels(tmp_path: Path) -> None:
    gone = voc(tmp_path / "a", "<object>", "<object><deleted>1</deleted><odd>1</odd>")
    assert "1 object marked as deleted left out." in gone.said
    share = voc(
        tmp_path / "b", r"<bndbox>[\s\S]*?</bndbox>", "<bndbox><xmin>.1</xmin><ymin>.1</ymin><xmax>.5</xmax><ymax>.6</ymax></bndbox>"
    )
    assert "look like shares" in share.images[0].fault


def test_labelme_joins_groups_and_leaves_out_what_is_ignored(tmp_path: Path) -> None:
    file = next(FORMATS["labelme"](tmp_path).rglob("a.json"))
    table = json.loads(file.read_text())
    part = {"label": "cup", "shape_type": "rectangle", "group_id": 1, "flags": {"crowd": True}}
    table["shapes"] = [{**part, "points": [[1, 2], [9, 9]]}, {**part, "points": [[20, 1], [30, 5]]}]
    table["shapes"] += [{"label": "__ignore__", "shape_type": "rectangle", "points": [[1, 1], [2, 3]]}]
    file.write_text(json.dumps(table))
    source = CONVERTERS["labelme"](tmp_path)[0]
    image = source.images[0]
    assert [thing.values for thing in image.things] == [(1, 1, 30, 9)] and image.unboxed == {""}
    assert ("shapes[].flags", "left out") in image.unused and "__ignore__" not in source.classes


def test_points_are_asked_for_by_an_option(tmp_path: Path) -> None:
    file = next(FORMATS["labelme"](tmp_path).rglob("a.json"))
    table = json.loads(file.read_text())
    table["shapes"] = [{"label": "tip", "shape_type": "point", "points": [[WIDTH / 2, HEIGHT / 4]]}]
    file.write_text(json.dumps(table))
    (boxes,) = CONVERTERS["labelme"](tmp_path)
    assert boxes.images[0].lost == (("tip", "point"),) and any("Points left out: 1" in sentence for sentence in boxes.said)
    (record, *_) = convert("labelme", tmp_path, tmp_path / "out", shapes="points", max_rejects=1.0)
    assert record.messages[-1].content == '[{"point_2d": [500, 250], "label": "tip"}]'
    assert "Point to every tip" in record.messages[0].content and record.meta["task"] == "pointing"


def coco(root: Path, change: Any) -> list[Any]:
    file = next(draw_coco(root).rglob("instances_*.json"))
    table = json.loads(file.read_text())
    change(table)
    file.write_text(json.dumps(table))
    return list(CONVERTERS["coco"](root, wishes=Wishes(per="class", negatives=2)))


def shares(table: dict[str, Any]) -> None:
    for entry in table["annotations"]:
        entry["bbox"] = [0.1, 0.1, 0.5, 0.5]


def corners(table: dict[str, Any]) -> None:
    for entry in table["annotations"]:
        x, y, width, height = entry["bbox"]
        entry |= {"bbox": [x, y, x + width, y + height], "area": width * height}


def by_address(table: dict[str, Any]) -> None:
    for image in table["images"]:
        image["coco_url"] = f"http://images.cocodataset.org/train2017/{image.pop('file_name')}"


def by_polygon(table: dict[str, Any]) -> None:
    for entry in table["annotations"]:
        x, y, width, height = entry.pop("bbox")
        entry["segmentation"] = [[x, y, x + width, y, x + width, y + height, x, y + height]]


def test_coco_boxes_of_another_kind_are_refused(tmp_path: Path) -> None:
    (source,) = coco(tmp_path / "a", shares)
    assert all("look like shares" in image.fault for image in source.images)
    with pytest.raises(DataError, match="look like two corners"):
        coco(tmp_path / "b", corners)


@pytest.mark.parametrize("change", [by_address, by_polygon])
def test_coco_by_addresses_and_by_polygons_is_the_same(change: Any, tmp_path: Path) -> None:
    (usual,), (other,) = coco(tmp_path / "a", lambda table: None), coco(tmp_path / "b", change)
    assert [image.things for image in usual.images] == [image.things for image in other.images]
    assert all(isinstance(draft, Draft) for draft in other.drafts())


def test_what_lvis_did_not_look_for_is_not_nothing(tmp_path: Path) -> None:
    """Image 1 of the fixture shows some classes; without neg_category_ids none of the others is asked for."""

    def lvis(table: dict[str, Any]) -> None:
        first, second = table["images"]
        shown = {entry["category_id"] for entry in table["annotations"] if entry["image_id"] == second["id"]}
        first |= {"neg_category_ids": [], "not_exhaustive_category_ids": [7], "odd": 1}
        second |= {"neg_category_ids": sorted({7, 9} - shown)}

    (source,) = coco(tmp_path, lvis)
    asked = [draft.id.rpartition("/")[2] for draft in source.drafts() if isinstance(draft, Draft) and "/0000000" in draft.id]
    assert asked == ["cup"] and source.images[0].lost == (("box", "class not marked everywhere"),)
    assert ("images[].odd", "left out") in source.images[0].unused


def test_coco_as_cvat_writes_it(tmp_path: Path) -> None:
    root = draw_coco(tmp_path)
    next(root.rglob("instances_*.json")).rename(root / "annotations" / "instances_default.json")
    (root / "images").mkdir()
    (root / "train2017").rename(root / "images" / "default")
    (source,) = CONVERTERS["coco"](root)
    assert all(isinstance(draft, Draft) for draft in source.drafts())


@pytest.mark.parametrize(("name", "text"), [("coco", '{"images": [NaN'), ("coco", ""), ("label-studio", "")])
def test_a_damaged_file_alone_is_told_as_what_it_is(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match="JSON"):
        CONVERTERS[name](tmp_path)


def test_key_points_of_coco_are_asked_for_as_points(tmp_path: Path) -> None:
    """Hidden ones count, those that are not labelled do not; a person without any keeps its joints from being asked for."""
    root = draw_coco(tmp_path)
    file = next(root.rglob("instances_*.json"))
    table = json.loads(file.read_text())
    table["categories"][0] |= {"keypoints": ["nose", "tail"]}
    joints, first = table["categories"][0]["id"], table["images"][0]["id"]
    entry = {"bbox": [10, 10, 99, 99], "image_id": first, "category_id": joints, "iscrowd": 0}
    table["annotations"] = [
        {**entry, "id": 1, "keypoints": [64, 48, 2, 0, 0, 0]},
        {**entry, "id": 2, "keypoints": [128, 96, 1, 320, 240, 2]},
    ]
    table["annotations"] += [{**entry, "id": 3, "image_id": table["images"][1]["id"], "keypoints": [0] * 6}]
    file.write_text(json.dumps(table))
    made = vldata.convert("coco", root, out=tmp_path / "out", workers=1, shapes="points", max_rejects=1.0)
    (record,) = vldata.read(tmp_path / "out" / made.names[0])
    assert [(found["label"], found["point_2d"]) for found in json.loads(record.messages[-1].content)] == [
        ("nose", [100, 100]),
        ("nose", [200, 200]),
        ("tail", [500, 500]),
    ]
    assert "not marked" in made[0].rejects[0].reason


def test_a_class_that_only_stands_above_others_is_not_asked_for(tmp_path: Path) -> None:
    root = draw_coco(tmp_path / "s")
    file = root / "annotations" / "instances_train2017.json"
    table = json.loads(file.read_text())
    table["categories"] = [
        {"id": 0, "name": "things", "supercategory": "none"},
        *({**one, "supercategory": "things"} for one in table["categories"]),
    ]
    file.write_text(json.dumps(table))  # as Roboflow writes it
    (source,) = CONVERTERS["coco"](root)
    assert source.classes == ("box", "cup") and any("stands above other classes and has no object: things" in said for said in source.said)
    table["annotations"][0]["category_id"] = 0  # an object of it: then it is a class like any other
    file.write_text(json.dumps(table))
    (source,) = CONVERTERS["coco"](root)
    assert "things" in source.classes


def _changed(name: str, file: str, change: Any, root: Path) -> Path:
    FORMATS[name](root)
    path = root / file
    table = json.loads(path.read_text())
    change(table)
    path.write_text(json.dumps(table))
    return root


def _in_voc(root: Path, words: str) -> Path:
    FORMATS["voc"](root)
    file = root / "Annotations" / "a.xml"
    file.write_text(file.read_text().replace("<difficult>0</difficult>", words, 1))
    return root


def _in_cvat(root: Path, words: str) -> Path:
    FORMATS["cvat"](root)
    file = root / "annotations.xml"
    file.write_text(file.read_text().replace("<box ", f"<box {words} ", 1))
    return root


_COCO = "annotations/instances_train2017.json"
_CHANGING: dict[str, tuple[str, Any]] = {
    "coco score": ("coco", lambda root: _changed("coco", _COCO, lambda t: t["annotations"][0].update(score=0.4), root)),
    "coco weight": ("coco", lambda root: _changed("coco", _COCO, lambda t: t["images"][0].update(weight=0.5), root)),
    "labelme score": ("labelme", lambda root: _changed("labelme", "train/a.json", lambda t: t["shapes"][0].update(score=0.9), root)),
    "label-studio weight": ("label-studio", lambda root: _changed("label-studio", "export.json", _weigh, root)),
    "label-studio score": ("label-studio", lambda root: _changed("label-studio", "export.json", _score, root)),
    "voc weight": ("voc", lambda root: _in_voc(root, "<weight>0.5</weight>")),
    "cvat score": ("cvat", lambda root: _in_cvat(root, 'score="0.3"')),
}


def _weigh(table: Any) -> None:
    table[0]["data"]["weight"] = 0.5


def _score(table: Any) -> None:
    table[0]["annotations"][0]["result"][0]["score"] = 0.3


@pytest.mark.parametrize("case", _CHANGING)
def test_a_field_that_changes_what_is_learned_costs_its_image_unless_it_is_ignored(case: str, tmp_path: Path) -> None:
    name, make = _CHANGING[case]
    field = case.split()[1]
    root = make(tmp_path / "s")
    (source,) = CONVERTERS[name](root)
    made = list(source.drafts())
    (reject,) = [draft for draft in made if isinstance(draft, Reject)]
    assert len(made) == 2 and reject.code == "VL215" and f"--ignore {field} leaves it out" in reject.reason
    (source,) = CONVERTERS[name](root, wishes=Wishes(ignore=(field,)))
    made = list(source.drafts())
    assert not any(isinstance(draft, Reject) for draft in made)
    assert any("(--ignore)" in fate and path.endswith(field) for draft in made for path, fate in draft.unused)


def test_a_weight_of_a_class_stops_the_file_and_a_weight_of_one_is_none(tmp_path: Path) -> None:
    root = _changed("coco", _COCO, lambda table: table["categories"][0].update(weight=0.1), tmp_path / "s")
    with pytest.raises(DataError, match=r"'categories\[\].weight' is 0.1") as caught:
        CONVERTERS["coco"](root)
    assert "--ignore weight" in str(caught.value.cure)
    assert CONVERTERS["coco"](root, wishes=Wishes(ignore=("weight",)))
    root = _changed("coco", _COCO, lambda table: table["annotations"][0].update(weight=1.0), tmp_path / "t")
    (source,) = CONVERTERS["coco"](root)
    assert not any(isinstance(draft, Reject) for draft in source.drafts())


def test_a_region_to_ignore_is_no_object_and_not_nothing(tmp_path: Path) -> None:
    root = _changed("coco", _COCO, lambda table: table["annotations"][0].update(ignore=1), tmp_path / "s")
    (source,) = CONVERTERS["coco"](root, wishes=Wishes(per="class", negatives=2))
    asked = [draft.turns[0].parts[-1] for draft in source.drafts() if isinstance(draft, Draft) and draft.where.endswith("[0]")]
    assert len(asked) == 1 and "cup" in str(asked[0])  # the box is neither an object nor absent
    assert any("1 region marked `ignore` left out" in said for said in source.said)


@pytest.mark.parametrize("name", ["coco", "voc", "coco drawn"])
def test_a_turned_box_of_cvat_has_the_box_around_it(name: str, tmp_path: Path) -> None:
    """cvat-ai/cvat#4745: COCO and VOC exports hold the upright box with its angle beside it."""
    if name == "voc":
        words = "<attributes><attribute><name>rotation</name><value>90.0</value></attribute></attributes>"
        root, name = _in_voc(tmp_path / "s", words), "voc"
    else:
        drawn = [[0, 112, 192, 112, 192, 176, 0, 176]] if name == "coco drawn" else []
        change = {"attributes": {"occluded": False, "rotation": 90.0}, "segmentation": drawn}
        root, name = _changed("coco", _COCO, lambda table: table["annotations"][0].update(change), tmp_path / "s"), "coco"
    (source,) = CONVERTERS[name](root)
    assert source.images[0].things[0].values == pytest.approx((0, 112, 192, 176))  # 64 x 192 about 96, 144
    assert source.images[0].things[1].values == pytest.approx((320, 240, 640, 480))
    assert any("1 turned box" in said for said in source.said)


def test_an_object_that_stands_twice_is_said_once(tmp_path: Path) -> None:
    root = draw_yolo(tmp_path / "s")
    label = root / "labels" / "train" / "a.txt"
    label.write_text(label.read_text() * 2)
    (source,) = CONVERTERS["yolo"](root)
    assert len(source.images[0].things) == 2 and any("2 objects of the same class and place" in said for said in source.said)


def test_a_background_is_no_class_to_look_for(tmp_path: Path) -> None:
    root = _changed("coco", _COCO, lambda table: table["categories"].insert(0, {"id": 0, "name": "background"}), tmp_path / "s")
    (source,) = CONVERTERS["coco"](root, wishes=Wishes(per="class", negatives=2))
    assert source.classes == ("box", "cup") and any("stands for no class and has no object: background" in said for said in source.said)
    assert not any("background" in str(draft.turns) for draft in source.drafts() if isinstance(draft, Draft))


def test_shares_in_a_format_of_pixels_are_an_annotation_that_is_not_understood(tmp_path: Path) -> None:
    root = _changed("coco", _COCO, lambda table: table["annotations"][0].update(bbox=[0.1, 0.1, 0.2, 0.2], area=0.04), tmp_path / "s")
    (source,) = CONVERTERS["coco"](root)
    (reject,) = [draft for draft in source.drafts() if isinstance(draft, Reject)]
    assert reject.code == "VL201" and "lies in the first pixel" in reject.reason
