"""Official layouts: what each becomes, what is said of it, and damaged or ambiguous folders."""

from __future__ import annotations

import gzip
import json
import random

import pytest

from fixtures.official import DRAWERS, draw_gqa, draw_screenspot, draw_textvqa, draw_vqav2
from vldata.api.convert import convert
from vldata.api.validate import validate
from vldata.datasets.dataset import Dataset
from vldata.errors import DataError, UsageError, VlkitError
from vldata.records.draft import Draft, Reject
from vldata.sources.compressed import open_bytes
from vldata.sources.layouts.forms import form_fields
from vldata.sources.official import LAYOUTS, open_source

EXPECTED = {
    "vqav2": ("vqav2_train", "blue", ("blue",) * 8 + ("navy", "dark blue")),
    "gqa": ("gqa_train", "yes", ("yes",)),
    "textvqa": ("textvqa_train", "nokia", ("nokia",) * 8 + ("nokia phone", "toshiba")),
    "infovqa": ("infographicvqa_train", "linkedin", ("linkedin", "LinkedIn")),
    "coco-captions": ("coco_captions_train", "A blue field, seen 0 times.", tuple(f"A blue field, seen {n} times." for n in range(5))),
    "scienceqa": ("scienceqa_train", "B", ("B", "Oslo")),
    "ai2d": ("ai2d", "B", ("B", "sun")),
    "sroie": ("sroie", '{"company": "SHOP", "date": "25/12/2018", "address": "1 ROAD", "total": "9.00"}', None),
    "funsd": ("funsd_train", '{"COMPOUND": "acid"}', None),
    "screenspot": ("screenspot", '{"point_2d": [255, 505]}', None),
}


@pytest.mark.parametrize("name", DRAWERS)
def test_each_layout_is_found_read_and_valid(name, tmp_path):
    made = convert("official", DRAWERS[name](tmp_path / name), out=tmp_path / "p", workers=1)
    dataset, answer, references = EXPECTED[name]
    assert dataset in made.names and made.rejected == 0
    record = next(iter(Dataset(tmp_path / "p" / dataset)))
    assert record.messages[-1].content == answer
    assert record.references == (references or (answer,))
    assert len(record.images) == 1 and record.meta["source"] in (name, dataset.partition("_")[0])
    assert validate(tmp_path / "p", workers=1).ok


def test_a_split_is_a_dataset_and_one_without_annotations_is_said(tmp_path):
    said = []
    made = convert("official", draw_vqav2(tmp_path / "v"), out=tmp_path / "p", workers=1, tell=said.append)
    assert sorted(made.names) == ["vqav2_train", "vqav2_val"]
    assert any("left out: v2_OpenEnded_mscoco_test2015_questions.json" in text for text in said)
    (only,) = open_source(tmp_path / "v", split="val")
    assert only.name == "vqav2_val"
    with pytest.raises(UsageError, match="--split 'test' is not there"):
        open_source(tmp_path / "v", split="test")


def test_numbered_files_of_one_split_are_one(tmp_path):
    draw_gqa(tmp_path)
    text = (tmp_path / "train_balanced_questions.json").read_text()
    (tmp_path / "train_balanced_questions.json").unlink()
    for number in range(2):
        (tmp_path / f"train_all_questions_{number}.json").write_text(text.replace("02930152", f"{number}"))
    (source,) = open_source(tmp_path)
    assert [draft.id for draft in source.drafts()] == ["gqa/train/0", "gqa/train/1"]
    (tmp_path / "train_balanced_questions.json").write_text(text)
    with pytest.raises(DataError, match="several files are of the split 'train'"):
        open_source(tmp_path)


def test_a_compressed_file_is_read(tmp_path):
    draw_textvqa(tmp_path)
    path = tmp_path / "TextVQA_0.5.1_train.json"
    (tmp_path / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    (source,) = open_source(tmp_path)
    assert [type(draft) for draft in source.drafts()] == [Draft]


def test_fields_without_a_place_are_told_and_what_changes_meaning_is_refused(tmp_path):
    draw_textvqa(tmp_path)
    path = tmp_path / "TextVQA_0.5.1_train.json"
    table = json.loads(path.read_text())
    (draft,) = open_source(tmp_path)[0].drafts()
    assert draft.unused == (("image_classes", "left out"),)
    table["data"][0]["weight"] = 0
    path.write_text(json.dumps(table))
    (reject,) = open_source(tmp_path)[0].drafts()
    assert isinstance(reject, Reject) and reject.code == "VL215" and "'weight' is known to change" in reject.reason
    (draft,) = open_source(tmp_path, ignore=("weight",))[0].drafts()
    assert ("weight", "left out") in draft.unused


@pytest.mark.parametrize("name", ["gqa", "coco-captions", "scienceqa", "ai2d", "screenspot", "vqav2"])
def test_a_weight_costs_its_question_in_every_layout(name, tmp_path):
    root = DRAWERS[name](tmp_path / "s")
    for file in sorted(path for path in root.rglob("*.json") if path.name != "pid_splits.json"):
        file.write_text(
            file.read_text().replace('"question":', '"weight": 0.5, "question":').replace('"caption":', '"weight": 0.5, "caption":')
        )
        file.write_text(file.read_text().replace('"abcLabel":', '"weight": 0.5, "abcLabel":').replace('"bbox":', '"weight": 0.5, "bbox":'))
    for ignore in ((), ("weight",)):
        made = [draft for source in open_source(root, ignore=ignore) for draft in source.drafts()]
        assert made and any(isinstance(draft, Reject) and draft.code == "VL215" for draft in made) == (not ignore)


def test_a_folder_of_no_or_two_layouts_is_named(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(DataError, match="no official layout was found"):
        open_source(tmp_path)
    draw_gqa(tmp_path)
    draw_screenspot(tmp_path)
    with pytest.raises(DataError, match="several layouts: gqa, screenspot"):
        open_source(tmp_path)
    assert [source.layout for source in open_source(tmp_path, layout="gqa")] == ["gqa"]
    with pytest.raises(DataError, match="not laid out as ai2d"):
        open_source(tmp_path, layout="ai2d")
    with pytest.raises(UsageError, match=r"--prompt has no \{question\}"):
        open_source(tmp_path, layout="gqa", prompt="What?")


@pytest.mark.parametrize("converter", ["jsonl", "sharegpt", "coco", "chartqa", "yolo"])
def test_other_converters_point_here(converter, tmp_path):
    draw_vqav2(tmp_path / "v")
    with pytest.raises(VlkitError, match=r"laid out as VQAv2.*vldata convert official"):
        convert(converter, tmp_path / "v", out=tmp_path / "p", workers=1)


@pytest.mark.parametrize("name", DRAWERS)
def test_damaged_files_end_in_sentences(name, tmp_path):
    """Values out of place are rejected or refused, never a traceback."""
    root = DRAWERS[name](tmp_path / name)
    dice = random.Random(f"{name}3")
    files = [path for path in root.rglob("*") if path.suffix in (".json", ".txt") and path.read_bytes()[:1] in b"{["]
    for _ in range(60):
        path = dice.choice(files)
        whole = path.read_bytes()
        table = json.loads(whole)
        holder = _some_place(table, dice)
        if holder is None:
            continue
        holder[0][holder[1]] = dice.choice((None, 3, "x", [], {}, [1], {"a": 1}, True, -1.5, "../../x"))
        path.write_text(json.dumps(table) if dice.random() < 0.9 else json.dumps(table)[:-3])
        try:
            for source in open_source(root):
                assert all(isinstance(item, (Draft, Reject)) for item in source.drafts())
        except VlkitError as error:
            assert str(error)
        path.write_bytes(whole)


def _some_place(value, dice):
    places = []

    def walk(node):
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, child in items:
            places.append((node, key))
            walk(child)

    walk(value)
    return dice.choice(places) if places else None


def test_every_layout_is_drawn_and_named():
    assert {"data-list" if name in ("textvqa", "infovqa") else name for name in DRAWERS} == set(LAYOUTS)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_compressed_rows_are_read_and_cut_ones_refused(suffix, tmp_path):
    import bz2
    import lzma

    import zstandard

    pack = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstandard.ZstdCompressor().compress}[suffix]
    rows = "".join(
        json.dumps({"conversations": [{"from": "human", "value": f"say {n}"}, {"from": "gpt", "value": f"{n}"}]}) + "\n" for n in range(400)
    )
    path = tmp_path / f"talk.jsonl{suffix}"
    path.write_bytes(pack(rows.encode()))
    made = convert("sharegpt", path, out=tmp_path / "p", workers=1)
    assert made.names == ("talk",) and made[0].counts.written == 400
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(VlkitError, match="damaged or cut off"):
        convert("sharegpt", path, out=tmp_path / "q", workers=1)


def test_what_unpacks_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("vldata.sources.compressed._FREE_BYTES", 1_000)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b" " * 10_000_000))
    with open_bytes(path) as handle, pytest.raises(OSError, match="far more than text does"):
        handle.read()


def _change(path, change):
    table = json.loads(path.read_text())
    change(table)
    path.write_text(json.dumps(table))


@pytest.mark.parametrize(
    ("entry", "box", "fault"),
    [
        ({"bbox": [128, 72, 64, 36]}, (128, 72, 192, 108), ""),
        ({"bbox": [128, 72, 192, 108], "img_size": [1280, 720]}, (128, 72, 192, 108), ""),
        ({"bbox": [128, 72, 64, 36], "img_size": [1280, 720]}, None, "no two corners"),
        ({"bbox": [0.1, 0.1, 0.2, 0.2]}, None, "looks like shares"),
        ({"bbox": [True, 1, 2, 3]}, None, "no list of four numbers"),
    ],
)
def test_boxes_of_screenspot_and_its_pro_are_told_apart(entry, box, fault, tmp_path):
    root = draw_screenspot(tmp_path)
    _change(next(root.glob("screenspot_*.json")), lambda rows: rows[0].update(entry))
    question = next(iter(open_source(root)[0].part.questions()))
    assert question.box == box and fault in question.fault and bool(question.fault) == bool(fault)


def test_a_row_of_another_split_than_its_file_is_refused(tmp_path):
    root = draw_textvqa(tmp_path)
    _change(root / "TextVQA_0.5.1_train.json", lambda table: table["data"][0].update(data_split="val"))
    (reject,) = open_source(root)[0].drafts()
    assert isinstance(reject, Reject) and "data_split says 'val'" in reject.reason


def test_questions_of_a_test_set_alone_are_named(tmp_path):
    root = draw_vqav2(tmp_path)
    for path in root.rglob("*nnotations*.json"):
        path.unlink()
    with pytest.raises(DataError, match="questions without their annotations"):
        open_source(root)


def test_links_of_a_form_count_either_way_round():
    fields = [{"id": 1, "text": "Date:", "label": "question", "linking": [[2, 1]]}, {"id": 2, "text": "May", "label": "answer"}]
    assert form_fields(fields) == {"Date:": "May"}
