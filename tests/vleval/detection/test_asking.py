"""`vleval detect --model`: a folder of images, a dataset with labels, labels to correct, and what is refused."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from fixtures.labelled import draw_coco
from tests.vleval.inference.server import FakeServer, http, serve
from vldata.api.convert import convert
from vldata.datasets.dataset import Dataset
from vldata.sources import coco, labelstudio
from vleval.detection.inputs import pair_up
from vleval.rows import Row

BOX = '[{"bbox_2d": [100, 100, 500, 500], "label": "car", "colour": "red"}, {"bbox_2d": [5, 5, 5, 9], "label": "car"}]'


def answers(*texts):
    """A server that answers the n-th question with the n-th text."""
    said = []

    def reply(_attempt, body):
        shown = sum(part["type"] == "image_url" for part in body["messages"][-1]["content"])
        said.append(body)
        content = texts[(len(said) - 1) % len(texts)]
        usage = {"prompt_tokens": 30 + 300 * shown, "completion_tokens": 9, "total_tokens": 0}
        return http(
            200, json.dumps({"model": "tiny", "choices": [{"message": {"content": content}, "finish_reason": "stop"}], "usage": usage})
        )

    return FakeServer(reply)


@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "photos"
    (root / "more").mkdir(parents=True)
    Image.new("RGB", (1920, 1080), (90, 120, 90)).save(root / "one.jpg")
    Image.new("RGB", (640, 480), (90, 90, 120)).save(root / "more" / "two.png")
    (root / ".hidden.jpg").write_bytes(b"x")
    (root / "notes.txt").write_text("x")
    return root


def test_images_become_questions(photos, tmp_path):
    convert("images", photos, classes="car，person", attributes="colour", language="zh", out=tmp_path / "p", workers=1)
    records = list(Dataset(tmp_path / "p" / "unlabelled"))
    assert [record.id for record in records] == ["more/two.png", "one.jpg"]
    assert records[0].messages[-1].role == "user" and records[0].solution == "" and records[0].references == ()
    assert "car、person" in records[0].messages[0].content and '"colour": ...' in records[0].messages[0].content


def test_a_folder_is_asked_drawn_and_written_as_labels(photos, tmp_path, vleval):
    with serve(answers("I see nothing.", BOX)) as server:
        args = (photos, "--model", "tiny", "--base-url", server.url, "--classes", "car", "--out", tmp_path / "d", "--concurrency", "1")
        ran = vleval("detect", *args, "--allow-blind", "--to", "coco", "--json")
        asked = len(server.bodies)
        again = vleval("detect", *args, "--allow-blind", "--to", "label-studio")
        assert ran.code == again.code == 0 and len(server.bodies) == asked
    found = json.loads(ran.out)
    assert found["schema"] == "vlkit.detection/1" and found["parsing"] == {"answers": 2, "read": 1, "rate": 0.5}
    boxed = next(one for one in found["drawn"] if one["boxes"])
    assert boxed["no_area"] == 1 and (tmp_path / "d" / boxed["output"]).is_file()
    table = json.loads((tmp_path / "d" / "coco.json").read_text())
    sizes = {image["file_name"]: (image["width"], image["height"]) for image in table["images"]}
    assert sizes == {"one.jpg": (1920, 1080), "more/two.png": (640, 480)}
    (entry,) = table["annotations"]
    width, height = sizes[boxed["id"]]
    assert entry["bbox"] == [0.1 * width, 0.1 * height, 0.4 * width, 0.4 * height] and entry["attributes"] == {"colour": "red"}
    tasks = json.loads((tmp_path / "d" / "label-studio.json").read_text())
    (region,) = [region for task in tasks for region in task["predictions"][0]["result"]]
    assert region["value"]["rectanglelabels"] == ["car"] and region["value"]["width"] == pytest.approx(40)


def test_labels_are_read_back_by_their_own_converters(photos, tmp_path, vleval):
    with serve(answers(BOX)) as server:
        for kind in ("coco", "label-studio"):
            args = ("--model", "tiny", "--base-url", server.url, "--allow-blind", "--classes", "car", "--out", tmp_path / "d", "--to", kind)
            assert vleval("detect", photos, *args).code == 0
    (photos / "labels.json").write_bytes((tmp_path / "d" / "coco.json").read_bytes())
    (source,) = coco.open_source(photos)
    assert [image.things[0].label for image in source.images] == ["car", "car"]
    assert source.images[1].things[0].values == (192.0, 108.0, 960.0, 540.0)
    tasks = json.loads((tmp_path / "d" / "label-studio.json").read_text())
    (photos / "labels.json").write_text(json.dumps([{"data": task["data"], "annotations": task["predictions"]} for task in tasks]))
    (source,) = labelstudio.open_source(photos)
    assert [image.names[0] for image in source.images] == ["more/two.png", "one.jpg"]
    assert source.images[0].things[0].values == pytest.approx((0.1, 0.1, 0.5, 0.5))


def test_the_coco_file_is_one_for_pycocotools(photos, tmp_path, vleval):
    tools = pytest.importorskip("pycocotools.coco")
    with serve(answers(BOX)) as server:
        args = ("--model", "tiny", "--base-url", server.url, "--allow-blind", "--classes", "car", "--out", tmp_path / "d", "--to", "coco")
        assert vleval("detect", photos, *args).code == 0
    table = tools.COCO(str(tmp_path / "d" / "coco.json"))
    assert [table.anns[number]["area"] for number in table.getAnnIds()] == pytest.approx([256 * 192, 768 * 432])


def test_a_dataset_with_labels_is_scored(tmp_path, vleval):
    draw_coco(tmp_path / "coco")
    made = convert("coco", tmp_path / "coco", out=tmp_path / "p", workers=1)
    data = tmp_path / "p" / made.names[0]
    truth = {record.messages[0].content: record.messages[-1].content for record in Dataset(data)}
    count = len(list(Dataset(data)))
    texts = [record.messages[-1].content for record in Dataset(data)]
    assert truth and count
    with serve(answers(texts[0])) as server:
        args = ("--data", data, "--model", "tiny", "--base-url", server.url, "--allow-blind", "--out", tmp_path / "d")
        ran = vleval("detect", *args)
        assert vleval("detect", *args, "--prompt", "x").code == 2
    assert ran.code == 0 and "detection_f1 = " in ran.out and "recall = " in ran.out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "no predictions to draw"),
        (("{photos}",), "the model to ask about its images"),
        (("--model", "m"), "what is to be looked at?"),
        (("{photos}", "--model", "m"), "what is to be asked of the images?"),
        (("{photos}", "--model", "m", "--prompt", "x", "--attributes", "a"), "--attributes are fields of boxes"),
        (("{photos}", "--data", "x/y", "--model", "m"), "two things to look at"),
    ],
)
def test_what_cannot_be_asked_is_named(args, words, photos, tmp_path, vleval):
    ran = vleval("detect", *[arg.format(photos=photos) for arg in args], "--out", tmp_path / "d")
    assert ran.code == 2 and words in ran.err and "Traceback" not in ran.err


def test_an_id_that_leads_out_names_no_file(tmp_path):
    digest = "a" * 64
    (tmp_path / "images").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "images" / f"{digest}.png")
    image = f"images/{digest}.png"
    rows = [Row(id=name, prediction="[]", references=(), images=(image,)) for name in ("../../x.png", "/x.png", "a/../b.png", "good/x.png")]
    tasks, _ = pair_up(rows, tmp_path, whole_folder=False)
    assert sorted(task.name for task in tasks) == ["good/x.png", image, image, image]
