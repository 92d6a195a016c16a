"""Files as people have them: encodings, workbooks, archives, folders by class, splits by name, paths of other machines."""

from __future__ import annotations

import datetime
import json
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from fixtures.shapes import shape_bytes, write_shapes
from vldata.conversion import Conversion, convert
from vldata.errors import DataError, UsageError
from vldata.output.options import ConvertOptions
from vldata.records.draft import Draft, Guess, Reject
from vldata.records.record import Record, iter_records
from vldata.sources import jsonl, sharegpt
from vldata.sources.faults import RowFault
from vldata.sources.splitnames import group_files
from vldata.sources.tablerows import iter_excel

PAIR = {"image": "images/circle.png", "text": "A circle."}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_shapes(tmp_path / "src" / "images")
    return tmp_path / "src"


def lines(file: Path, *rows: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def run(source: Path, opener: Any = jsonl, **options: Any) -> tuple[Conversion, list[Record]]:
    (opened,) = opener.open_source(source, **options)
    out = source.parent / "out"
    shutil.rmtree(out, ignore_errors=True)
    result = convert(opened, ConvertOptions(out=out, workers=1))
    return result, [record for _, record in iter_records(out / f"{opened.name}.jsonl")]


# --- text files and workbooks -----------------------------------------------------------------------------------------------------------

TEXTS = {
    "shift_jis": "赤い円と青い四角があり、背景は白です。右には何もありません",
    "euc_kr": "빨간 원과 파란 사각형이 있고 배경은 하얀색입니다",
    "big5": "一個紅色的圓形，右邊是藍色的方塊，背景為白色",
}


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "shift_jis", "utf-16", "utf-8-sig", "euc_kr"])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_encodings_are_told_and_said(folder: Path, encoding: str, suffix: str) -> None:
    text = TEXTS.get(encoding, "一个红色的圆形，右边是蓝色的方块，背景为白色")
    row = f"images/circle.png,{text}\n"
    body = f"image,text\n{row}" if suffix == ".csv" else json.dumps({"image": "images/circle.png", "text": text}, ensure_ascii=False) + "\n"
    file = folder / f"rows{suffix}"
    file.write_bytes(body.encode(encoding))
    (source,) = jsonl.open_source(file)
    (draft,) = source.drafts()
    assert draft.turns[1].parts == (text,)  # type: ignore[union-attr]
    assert encoding == "utf-8-sig" or "read as" in " ".join(source.said)
    (source,) = jsonl.open_source(file, encoding=encoding)
    assert next(iter(source.drafts())).turns[1].parts == (text,)  # type: ignore[union-attr]


SHORT = {
    "shift_jis": ["これは赤い箱です。机の上にあります。", "領収書の合計金額はいくらですか", "カタカナとひらがな"],
    "euc_jp": ["これは赤い箱です。机の上にあります。", "領収書の合計金額はいくらですか"],
    "gbk": ["一个红色的盒子在桌子上", "请问这张图片里有什么", "发票金额是多少元"],
    "big5": ["一個紅色的盒子在桌子上", "請問這張收據的總金額是多少"],
    "cp949": ["이것은 빨간 상자입니다", "영수증의 총 금액은 얼마입니까"],
    "cp1251": ["Красная коробка на столе"],
    "cp1252": ["À côté de la boîte rouge il y a un reçu déjà payé"],
}


@pytest.mark.parametrize(("encoding", "text"), [(name, text) for name, texts in SHORT.items() for text in texts])
def test_one_short_text_tells_its_encoding(folder: Path, encoding: str, text: str) -> None:
    file = folder / "short.csv"
    file.write_bytes(f"image,text\nimages/circle.png,{text}\n".encode(encoding))
    (source,) = jsonl.open_source(file)
    (draft,) = source.drafts()
    assert isinstance(draft, Draft) and draft.references == (text,)
    odd = next(place for place, char in enumerate(text) if ord(char) > 127)
    assert any(isinstance(said, Guess) and text[odd : odd + 8] in said for said in source.said)


def test_an_encoding_that_is_none(folder: Path) -> None:
    with pytest.raises(UsageError, match="--encoding 'klingon' is not known"):
        jsonl.open_source(lines(folder / "rows.jsonl", PAIR), encoding="klingon")


def test_a_workbook(folder: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (
        ("文件名", "描述", "year"),
        ("images/circle.png", "一个圆", 2024.0),
        (None, None, None),
        ("images/square.png", "方块"),
    ):
        book.active.append(row)
    book.save(folder / "rows.xlsx")
    result, records = run(folder / "rows.xlsx")
    assert [record.messages[1].content for record in records] == ["一个圆", "方块"]
    assert [(field.field, field.rows) for field in result.unused] == [("year", 1)]
    (folder / "rows.xlsx").write_bytes(b"PK\3\4 nothing")
    with pytest.raises(DataError, match="is a damaged zip archive"):
        jsonl.open_source(folder / "rows.xlsx")


def test_what_a_workbook_holds_beside_texts_is_said(folder: Path) -> None:
    """Dates, failed formulas, pictures drawn in it, and cells merged over rows, of which only the first has the value."""
    book = openpyxl.Workbook()
    for row in (
        ("image", "text"),
        ("images/circle.png", datetime.date(2024, 1, 2)),
        ("images/square.png", "#N/A"),
        ("images/circle.png", "x"),
    ):
        book.active.append(row)
    book.active.add_image(openpyxl.drawing.image.Image(str(folder / "images" / "circle.png")), "D2")
    book.save(folder / "rows.xlsx")
    rows = dict(iter_excel(folder / "rows.xlsx"))
    assert [rows[f"rows.xlsx:{number}"]["text"] for number in (2, 4)] == ["2024-01-02", "x"]
    assert rows["rows.xlsx:3"] == RowFault("VL201", "'text' is #N/A, an error of the workbook; correct or clear the cell.")
    (source,) = jsonl.open_source(folder / "rows.xlsx")
    said = [line for line in source.said if isinstance(line, Guess)]
    assert ["the workbook itself (1)" in said[0], "cells that are dates" in said[1]] == [True, True]
    book.active.merge_cells("A3:A4")
    book.save(folder / "rows.xlsx")
    with pytest.raises(DataError, match="the cells A3:A4 are merged"):
        jsonl.open_source(folder / "rows.xlsx")


def test_tables_without_a_header_and_with_other_signs(folder: Path) -> None:
    (folder / "list.txt").write_text('images/circle.png\tTOTAL "5"\nimages/square.png\tTOTAL 6\n')
    _, records = run(folder / "list.txt", form="ocr")
    assert [record.messages[1].content for record in records] == ['TOTAL "5"', "TOTAL 6"]
    (folder / "rows.csv").write_text("image;text\nimages/circle.png;a, b\n")
    assert run(folder / "rows.csv")[1][0].messages[1].content == "a, b"


def test_lists_in_cells(folder: Path) -> None:
    two = ("images/circle.png", "images/square.png")
    cells = [f'"{[*two]}"', f'"{two[0]},{two[1]}"', f"{two[0]};{two[1]}"]
    (folder / "rows.csv").write_text("image,question,answer\n" + "".join(f"{cell},What?,x\n" for cell in cells))
    _, records = run(folder / "rows.csv")
    assert [len(record.images) for record in records] == [2, 2, 2]


# --- where images are -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["stored.zip", "packed.zip", "plain.tar", "packed.tar.gz"])
@pytest.mark.parametrize("named", [True, False])
def test_archives_as_image_roots(folder: Path, kind: str, named: bool) -> None:
    place = folder / kind
    if kind.endswith(".zip"):
        with zipfile.ZipFile(place, "w", zipfile.ZIP_STORED if kind.startswith("stored") else zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("images/circle.png", shape_bytes("circle"))
    else:
        with tarfile.open(place, "w:gz" if kind.endswith("gz") else "w") as tar:
            tar.add(folder / "images" / "circle.png", "images/circle.png")
    shutil.rmtree(folder / "images")
    file = lines(folder / "rows.jsonl", PAIR)
    result, records = run(file, **({"image_root": place} if named else {}))
    assert len(records[0].images) == 1 and result.counts.pictures == 1
    line = json.loads((folder / "out" / "rows.media.jsonl").read_text())
    assert line["source"] == f"{kind}/images/circle.png"


def test_paths_of_other_machines(folder: Path) -> None:
    assert len(run(lines(folder / "a.jsonl", {**PAIR, "image": "images\\circle.png"}))[1][0].images) == 1
    file = lines(folder / "b.jsonl", {**PAIR, "image": "D:\\work\\images\\circle.png"})
    with pytest.raises(DataError, match=r"--replace-prefix 'D:\\work\\='"):
        run(file)
    assert len(run(file, replace_prefix="D:\\work\\=")[1][0].images) == 1
    file = lines(folder / "c.jsonl", {**PAIR, "image": "/home/li/data/circle.png"})
    assert len(run(file, replace_prefix="/home/li/data/=images/")[1][0].images) == 1
    with pytest.raises(UsageError, match="is not OLD=NEW"):
        jsonl.open_source(file, replace_prefix="nothing")
    with pytest.raises(DataError, match="climbs"):
        run(lines(folder / "d.jsonl", {**PAIR, "image": "..\\..\\secret.png"}))


# --- folders ----------------------------------------------------------------------------------------------------------------------------


def test_splits_are_never_merged(folder: Path) -> None:
    root = folder / "hub"
    for split in ("train", "validation", "test"):
        lines(root / f"{split}.jsonl", {**PAIR, "text": split})
    shutil.copytree(folder / "images", root / "images")
    sources = jsonl.open_source(root)
    assert [source.name for source in sources] == ["hub_train", "hub_val", "hub_test"]
    assert "Each split and subset becomes a dataset of its own: train (1 file), val (1 file), test (1 file)." in sources[0].said
    (chosen,) = jsonl.open_source(root, split="validation")
    assert chosen.name == "hub_val" and chosen.files[0].path.name == "validation.jsonl"
    with pytest.raises(UsageError, match="--split 'dev2' is not there"):
        jsonl.open_source(root, split="dev2")


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (["train-00000-of-00002.parquet", "train-00001-of-00002.parquet", "test-00000-of-00001.parquet"], ["train", "test"]),
        (["train/0.parquet", "test/0.parquet"], ["train", "test"]),
        (["data/train/0.json", "data/val/0.json"], ["train", "val"]),
        (["chart/train-0.parquet", "table/train-0.parquet"], ["chart_train", "table_train"]),
        (["dev.json", "validation.json"], ["dev", "validation"]),
        (["instances_train2017.json", "instances_val2017.json"], ["train", "val"]),
        (["shard-0.tar", "shard-1.tar"], [""]),
        (["train.json", "more.json"], ["train", "rest"]),
        (["testA.json", "testB.json", "train.json"], ["train", "testa", "testb"]),
        (["latest.json", "contest.json"], [""]),
    ],
)
def test_the_split_of_a_file_is_in_its_name_or_folder(names: list[str], parts: list[str]) -> None:
    root = Path("/hub")
    assert [group.part for group in group_files([root / name for name in names], root)] == parts


def test_conversations_of_several_splits(folder: Path) -> None:
    talk = {"conversations": [{"from": "human", "value": "Hi."}, {"from": "gpt", "value": "Hello."}]}
    for split in ("train", "val"):
        (folder / "j").mkdir(exist_ok=True)
        (folder / "j" / f"{split}.json").write_text(json.dumps([talk]))
    assert [source.name for source in sharegpt.open_source(folder / "j")] == ["j_train", "j_val"]


def test_folders_by_class_with_splits(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "zoo"
    for split in ("train", "test"):
        for name in ("circle", "square"):
            (root / split / name).mkdir(parents=True)
            (root / split / name / "1.png").write_bytes(shape_bytes(name))
    sources = jsonl.open_source(root)
    assert [source.name for source in sources] == ["zoo_test", "zoo_train"]
    drafts = [draft.turns[1].parts for source in sources for draft in source.drafts()]  # type: ignore[union-attr]
    assert drafts == [("circle",), ("square",)] * 2


def test_yolo_labels_are_no_captions(folder: Path) -> None:
    for name in ("circle", "square"):
        (folder / "images" / f"{name}.txt").write_text("0 0.5 0.5 0.2 0.3\n1 0.1 0.1 0.05 0.05\n")
    with pytest.raises(DataError, match="YOLO labels"):
        jsonl.open_source(folder / "images")


def test_an_arrow_folder_and_class_names(tmp_path: Path) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    rows = pl.DataFrame([{"image": {"bytes": shape_bytes("circle"), "path": None}, "label": 1}])
    rows.write_ipc_stream(root / "data-00000-of-00001.arrow")
    features = {"image": {"_type": "Image"}, "label": {"names": ["square", "circle"], "_type": "ClassLabel"}}
    (root / "dataset_info.json").write_text(json.dumps({"features": features}))
    (root / "state.json").write_text("{}")
    _, (record,) = run(root)
    assert record.messages[1].content == "circle"
    rows.write_parquet(tmp_path / "rows.parquet", metadata={"huggingface": json.dumps({"info": {"features": features}})})
    assert run(tmp_path / "rows.parquet")[1][0].messages[1].content == "circle"
    file = lines(tmp_path / "numbers.jsonl", {"image": "data:image/png;base64,", "label": 1})
    assert "bare numbers" in " ".join(jsonl.open_source(file)[0].said)


# --- what rows hold ---------------------------------------------------------------------------------------------------------------------

CHOICES = [
    ({"choices": ["red", "blue"], "answer": "B"}, "B", "blue"),
    ({"choices": ["red", "blue"], "answer": "blue"}, "B", "blue"),
    ({"options": {"A": "red", "B": "blue"}, "answer": "B"}, "B", "blue"),
    ({"options": "['red', 'blue']", "answer": "(A)"}, "A", "red"),
    ({"choices": ["A. red", "B. blue"], "answer": "B. blue"}, "B", "blue"),
    ({"A": "red", "B": "blue", "C": "", "answer": "B"}, "B", "blue"),
    ({"choices": ["red", "blue"], "correct_choice_idx": 1}, "B", "blue"),
    ({"choices": {"text": ["red", "blue"], "label": ["A", "B"]}, "answer": "A"}, "A", "red"),
]


@pytest.mark.parametrize(("fields", "letter", "text"), CHOICES, ids=[str(next(iter(fields.items())))[:30] for fields, _, _ in CHOICES])
def test_choices_stand_in_the_question(folder: Path, fields: dict[str, Any], letter: str, text: str) -> None:
    _, (record,) = run(lines(folder / "rows.jsonl", {"image": "images/circle.png", "question": "Which?", **fields}))
    assert record.messages[0].content.startswith("<image>Which?\nA. red\nB. blue\n")
    assert (record.messages[1].content, record.references) == (letter, (letter, text))
    assert json.loads(record.meta["choices"]) == ["red", "blue"]


def test_numbers_of_choices_count_from_where_the_rows_say(folder: Path) -> None:
    rows = [{"image": "images/circle.png", "question": "?", "choices": ["a", "b"], "answer": number} for number in (1, 2)]
    _, records = run(lines(folder / "rows.jsonl", *rows))
    assert [record.messages[1].content for record in records] == ["A", "B"]
    with pytest.raises(UsageError, match="counts from 0 in 1 rows and from 1 in 1"):
        jsonl.open_source(lines(folder / "rows.jsonl", {**rows[0], "answer": 0}, rows[1]))
    (source,) = jsonl.open_source(lines(folder / "rows.jsonl", {**rows[0], "answer": "C"}))
    (draft,) = source.drafts()
    assert draft.code == "VL201" and "none of the choices" in draft.reason  # type: ignore[union-attr]


def test_prompts_name_fields_that_are_there(folder: Path) -> None:
    file = lines(folder / "rows.jsonl", {"image": "images/circle.png", "question": "Which?", "hint": "Look.", "answer": "x"})
    _, (record,) = run(file, prompt="{hint} {question} {{not a field}}")
    assert record.messages[0].content == "<image>Look. Which? {{not a field}}"
    for prompt in ("{question} {choices}", "{hints}"):
        with pytest.raises(UsageError, match="but no row has that field"):
            jsonl.open_source(file, prompt=prompt)
    assert run(file, context="hint")[1][0].messages[0].content == "<image>Look.\nWhich?"


def test_numbered_columns_and_tags(folder: Path) -> None:
    row = {"image_1": "images/circle.png", "image_2": "images/square.png", "image_3": None, "answer": "No"}
    row["question"] = "Is <image 2> <image 1>?"
    _, (record,) = run(lines(folder / "rows.jsonl", row))
    assert record.messages[0].content == "Is <image> <image>?"
    media = [json.loads(line) for line in (folder / "out" / "rows.media.jsonl").read_text().splitlines()]
    by_path = {line["path"]: line["source"] for line in media}
    assert [by_path[path] for path in record.images] == ["images/square.png", "images/circle.png"]
    for question, reason in (("Is <image 3>?", "names image 3"), ("Is <image 1>?", "does not name image 2")):
        (draft,) = jsonl.open_source(lines(folder / "rows.jsonl", {**row, "question": question}))[0].drafts()
        assert draft.code == "VL006" and reason in draft.reason  # type: ignore[union-attr]


def test_media_inside_turns_and_named_tags(folder: Path) -> None:
    turns = [{"role": "user", "content": "What?", "image": "images/circle.png"}, {"role": "assistant", "content": "Box."}]
    named = {"<image_00>": "images/circle.png", "<image_01>": "images/square.png"}
    talk = [{"role": "user", "content": "<image_01> or <image_00>?"}, {"role": "assistant", "content": "Yes."}]
    file = lines(folder / "rows.jsonl", {"messages": turns}, {"image": named, "conversations": talk})
    _, records = run(file, sharegpt)
    assert [record.messages[0].content for record in records] == ["<image>What?", "<image> or <image>?"]
    assert records[0].images == (records[1].images[1],)
    lost = {"image": named, "conversations": [{"role": "user", "content": "<image_00>?"}, {"role": "assistant", "content": "Yes."}]}
    (draft,) = sharegpt.open_source(lines(folder / "lost.jsonl", lost))[0].drafts()
    assert draft.code == "VL006" and "'<image_01>'" in draft.reason  # type: ignore[union-attr]


def test_columns_that_llamafactory_ignores_are_named(folder: Path) -> None:
    lines(folder / "d.json", {"messages": []})
    entry = {"file_name": "d.json", "formatting": "sharegpt", "columns": {"messages": "messages", "image": "image"}}
    (folder / "dataset_info.json").write_text(json.dumps({"mine": entry}))
    with pytest.raises(UsageError, match=r"'image', which LLaMA-Factory ignores without a word. Did you mean 'images'\?"):
        sharegpt.open_source(folder / "dataset_info.json")


def test_rows_of_several_splits_and_other_guesses_stop_a_strict_run(folder: Path) -> None:
    import vldata

    file = lines(folder / "rows.jsonl", {**PAIR, "split": "train"}, {**PAIR, "split": "test"})
    (source,) = jsonl.open_source(file)
    assert any("rows of several splits (test, train)" in sentence for sentence in source.said)
    with pytest.raises(DataError, match="--strict: what the source means was guessed"):
        vldata.convert("jsonl", file, strict=True, out=folder / "out", workers=1)
    assert vldata.convert("jsonl", file, out=folder / "out", workers=1)[0].counts.written == 2


def test_rounds_under_texts_are_conversations(folder: Path) -> None:
    row = {"images": ["images/circle.png"], "texts": [{"user": "What?", "assistant": "A circle.", "source": "x"}]}
    file = lines(folder / "rows.jsonl", row)
    with pytest.raises(UsageError, match="the rows are conversations"):
        jsonl.open_source(file)
    result, (record,) = run(file, sharegpt)
    assert record.messages[0].content == "<image>What?"
    assert [(field.field, field.fate) for field in result.unused] == [("texts[].source", "left out")]


def said(question: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": "x", **more}]}


LOST: list[tuple[Any, dict[str, Any], str, str]] = [
    (
        sharegpt,
        {"messages": [{"role": "user", "content": "See ![a](images/circle.png)"}, {"role": "assistant", "content": "x"}]},
        "VL214",
        "shows",
    ),
    (
        sharegpt,
        {"messages": [{"role": "user", "content": "<img src='images/circle.png'>?"}, {"role": "assistant", "content": "x"}]},
        "VL214",
        "shows",
    ),
    (sharegpt, said("?", value="y"), "VL216", "differ"),
    (jsonl, {**PAIR, "second": "images/square.png"}, "VL214", "'second' holds the file"),
    (jsonl, {"image": "images/circle.png", "question": "?", "choices": ["B", "A"], "answer": "A"}, "VL201", "the text of another choice"),
    (
        jsonl,
        {"image": ["images/circle.png", "images/square.png"], "question": "<image 1>?", "answer": "x"},
        "VL006",
        "does not name image 2",
    ),
]
KEPT: list[tuple[Any, dict[str, Any]]] = [
    (sharegpt, said("Why is <img src='x.png'> not shown?")),
    (sharegpt, {**said("<image>?"), "image": "images/circle.png", "images": ["images/circle.png"]}),
    (jsonl, {**PAIR, "image_id": "other.png", "coco_url": "http://example.org/other.png"}),
]


@pytest.mark.parametrize(("opener", "row", "code", "reason"), LOST, ids=[f"{code}-{reason[:12]}" for _, _, code, reason in LOST])
def test_rows_that_would_lose_something_are_rejected(folder: Path, opener: Any, row: dict[str, Any], code: str, reason: str) -> None:
    (draft,) = opener.open_source(lines(folder / "rows.jsonl", row))[0].drafts()
    assert isinstance(draft, Reject) and draft.code == code and reason in draft.reason


@pytest.mark.parametrize(("opener", "row"), KEPT)
def test_rows_that_lose_nothing_are_kept(folder: Path, opener: Any, row: dict[str, Any]) -> None:
    (draft,) = opener.open_source(lines(folder / "rows.jsonl", row))[0].drafts()
    assert isinstance(draft, Draft)


def test_a_first_line_of_excel_and_texts_by_image_names(folder: Path) -> None:
    (folder / "rows.csv").write_text("sep=;\nimage;text\nimages/circle.png;a\n")
    assert run(folder / "rows.csv")[1][0].messages[1].content == "a"
    (folder / "rows.json").write_text(json.dumps({"images/circle.png": "A circle.", "images/square.png": "A square."}, indent=1))
    assert [record.messages[1].content for record in run(folder / "rows.json")[1]] == ["A circle.", "A square."]


def test_open_questions_among_choices_and_answers_of_people(folder: Path) -> None:
    row = {"image": "images/circle.png", "question": "How many?"}
    rows = [{**row, "options": "['1', '2']", "answer": "B"}, {**row, "options": "[]", "answer": "42"}]
    _, records = run(lines(folder / "mmmu.jsonl", *rows))
    assert [(record.messages[0].content.count("\n"), record.references) for record in records] == [(3, ("B", "2")), (0, ("42",))]
    (folder / "mmb.tsv").write_text("image\tquestion\tA\tB\tC\tD\tanswer\nimages/circle.png\tWhich?\tred\tblue\tnan\t\tB\n")
    assert json.loads(run(folder / "mmb.tsv")[1][0].meta["choices"]) == ["red", "blue"]
    people = [{"answer": text, "answer_id": number} for number, text in enumerate(["net", "netting", "mesh", "mesh"])]
    _, (record,) = run(lines(folder / "vqa.jsonl", {**row, "answers": people}))
    assert record.references == ("mesh", "net", "netting", "mesh") and record.messages[1].content == "mesh"


def test_a_folder_with_a_registry_is_read_by_it(folder: Path) -> None:
    lines(folder / "a.jsonl", said("Hi."))
    (folder / "dataset_info.json").write_text(json.dumps({"mine": {"file_name": "a.jsonl", "formatting": "sharegpt"}}))
    with pytest.raises(UsageError, match=r"lists mine, with columns of their own.\n.*--dataset mine"):
        sharegpt.open_source(folder)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"instruction": "Q", "output": "A", "response": "B"}, "'output' and 'response' are both there and differ"),
        ({"instruction": "Q", "input": "x", "query": "y", "output": "A"}, "'input' and 'query' are both there and differ"),
        (
            {"message": [{"type": "text", "value": "Q"}], "answer": "A", "response": "B"},
            "'answer' and 'response' are both there and differ",
        ),
    ],
)
def test_one_thing_under_two_names_is_never_dropped(folder: Path, row: dict[str, Any], reason: str) -> None:
    (draft,) = sharegpt.open_source(lines(folder / "rows.jsonl", row))[0].drafts()
    assert isinstance(draft, Reject) and draft.code == "VL216" and reason in draft.reason
    (draft,) = sharegpt.open_source(lines(folder / "rows.jsonl", {"prompt": "Q", "completion": "A", "output": "B"}))[0].drafts()
    assert isinstance(draft, Draft) and draft.unused == (("output", "kept in meta.extra"),)


def test_further_sheets_of_a_workbook_are_told(folder: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    for sheet in (book.active, book.create_sheet("more")):
        sheet.append(["image", "text"])
        sheet.append(["images/circle.png", "A circle."])
    book.create_sheet("empty")
    book.save(folder / "two.xlsx")
    (source,) = jsonl.open_source(folder / "two.xlsx")
    assert [said for said in source.said if isinstance(said, Guess)] == [
        f"{folder / 'two.xlsx'}: the first sheet is read, a guess; not read: 'more'. Save a sheet as a file of its own to read it."
    ]


def test_a_carriage_return_within_the_first_row_of_a_table_is_a_fault_of_the_row(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_bytes(b"ma\r\0\0\0a..\n")
    with pytest.raises(UsageError, match="no field for the image"):
        jsonl.open_source(tmp_path / "pairs.csv")
