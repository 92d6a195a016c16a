from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

import vldata
from fixtures.jsonl import CAPTIONS, LAYOUTS, draw_jsonl
from fixtures.shapes import shape_bytes, write_clip, write_shapes
from vldata.conversion import Conversion, convert
from vldata.errors import DataError, UsageError
from vldata.output.options import ConvertOptions
from vldata.records.draft import Draft, Guess, Reject
from vldata.records.record import Record, iter_records
from vldata.sources.jsonl import open_source
from vldata.sources.pairfields import IMAGE_FIELDS, PROMPT_FIELDS, TEXT_FIELDS
from vldata.validation import validate


def run(source: Path, out: Path, **options: Any) -> tuple[Conversion, list[Record]]:
    """Convert, see that what was written validates, and return it."""
    (opened,) = open_source(source, **options)
    result = convert(opened, ConvertOptions(max_rejects=1, out=out, workers=1))
    assert validate(out, workers=1).findings.total == 0
    return result, [record for name in result.names for _, record in iter_records(out / f"{name}.jsonl")]


def write_rows(tmp_path: Path, *rows: Any) -> Path:
    """Write rows beside the drawn pictures."""
    write_shapes(tmp_path / "src" / "images")
    file = tmp_path / "src" / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def pair(**fields: Any) -> dict[str, Any]:
    return {"image": "images/circle.png", "caption": "A circle.", **fields}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_pairs(layout: str, tmp_path: Path) -> None:
    result, records = run(draw_jsonl(tmp_path / "src", layout), tmp_path / "out", prompt="What is there?")
    assert result.counts.rejected == 0, result.rejects
    assert sorted(record.messages[1].content for record in records) == sorted(CAPTIONS.values())
    assert {record.messages[0].content for record in records} == {"<image>What is there?"}
    assert len({record.images for record in records}) == 3 and all(len(record.images) == 1 for record in records)
    assert {record.meta["task"] for record in records} == {"caption"}


@pytest.mark.parametrize("field", [field for field in IMAGE_FIELDS if field not in ("jpg", "png", "webp")])
def test_names_of_the_picture_field(field: str, tmp_path: Path) -> None:
    opened = open_source(write_rows(tmp_path, {field: "images/circle.png", "caption": "A circle."}))[0]
    assert opened.chosen.image == field and f"Picture in {field!r}, text in 'caption': caption form." in opened.said


@pytest.mark.parametrize("field", TEXT_FIELDS)
def test_names_of_the_text_field(field: str, tmp_path: Path) -> None:
    opened = open_source(write_rows(tmp_path, {"image": "images/circle.png", field: "A circle.", "question": "What?"}))[0]
    assert (opened.chosen.text, opened.chosen.form) == (field, "question")


@pytest.mark.parametrize("field", PROMPT_FIELDS)
def test_names_of_the_question_field(field: str, tmp_path: Path) -> None:
    _, records = run(write_rows(tmp_path, {"image": "images/circle.png", "answer": "A circle.", field: "What?"}), tmp_path / "out")
    assert records[0].messages[0].content == "<image>What?" and records[0].meta == {"source": "rows", "task": "vqa", "extra": ""}


@pytest.mark.parametrize(
    ("image", "question", "answer"),
    [("Image", "Question", "Answer"), ("Image Path", "PROMPT", "Response"), ("FILE_NAME", "Query", "Label")],
)
def test_a_sheet_may_write_the_names_with_capitals_and_blanks(image: str, question: str, answer: str, tmp_path: Path) -> None:
    file = write_rows(tmp_path, {image: "circle.png", question: "What?", answer: "A circle."})
    _, (record,) = run(file, tmp_path / "out")
    assert [turn.content for turn in record.messages] == ["<image>What?", "A circle."] and record.images


def test_a_sheets_other_columns_mean_the_same_with_capitals(tmp_path: Path) -> None:
    rows = [{"Image": "circle.png", "Question": "What?", "Answer": "A circle.", "Split": split} for split in ("train", "test")]
    (opened,) = open_source(write_rows(tmp_path, *rows))
    assert any("rows of several splits (test, train)" in line and "call the column 'Split' 'split'" in line for line in opened.said)
    for label in (True, "False", 1):
        kto = {"Image": "circle.png", "Prompt": "What?", "Completion": "A circle.", "Label": label}
        with pytest.raises(UsageError, match="whether it is wanted"):
            open_source(write_rows(tmp_path, kto))
    pair = {"Image": "circle.png", "Question": "What?", "Chosen": "A circle.", "Rejected": "A square."}
    with pytest.raises(UsageError, match="the rows hold chosen and rejected"):
        open_source(write_rows(tmp_path, pair))


def test_splits_that_begin_late_in_a_file_are_told(tmp_path: Path) -> None:
    told: list[str] = []
    rows = [{"messages": [{"role": "user", "content": f"q{n}"}, {"role": "assistant", "content": "a"}]} for n in range(1_010)]
    file = tmp_path / "talks.jsonl"
    file.write_text("".join(json.dumps(row | {"split": "train" if n < 1_005 else "test"}) + "\n" for n, row in enumerate(rows)))
    made = vldata.convert("sharegpt", file, out=tmp_path / "out", workers=1, tell=told.append)
    assert made.ok and sum("rows of several splits (test, train)" in line for line in told) == 1
    with pytest.raises(DataError, match=r"rows of several splits \(test, train\) would become one dataset"):
        vldata.convert("sharegpt", file, out=tmp_path / "strict", workers=1, strict=True)
    assert not list((tmp_path / "strict").glob("*.json*"))


def test_with_strict_a_guess_of_any_dataset_stops_before_the_first_is_registered(tmp_path: Path) -> None:
    turns = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
    (tmp_path / "s").mkdir()
    for name, splits in (("train", ["", ""]), ("val", ["train", "test"])):
        (tmp_path / "s" / f"{name}.jsonl").write_text("".join(json.dumps(turns | {"split": split}) + "\n" for split in splits))
    with pytest.raises(DataError, match="guessed"):
        vldata.convert("sharegpt", tmp_path / "s", out=tmp_path / "out", workers=1, strict=True)
    assert not (tmp_path / "out").exists()


def test_conversations_in_a_table_are_told(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_text("images,messages\n\"['circle.png']\",\"[{'role': 'user', 'content': '<image>What?'}]\"\n")
    with pytest.raises(UsageError, match="the rows are conversations"):
        open_source(file)


def test_instruction_and_input_of_a_sheet_are_one_question(tmp_path: Path) -> None:
    file = write_rows(tmp_path, {"Image": "circle.png", "Instruction": "What?", "Input": "Be short.", "Output": "A circle."})
    _, (record,) = run(file, tmp_path / "out")
    assert record.messages[0].content == "<image>What?\nBe short."


def test_images_in_a_folder_of_another_name_are_pointed_to(tmp_path: Path) -> None:
    file = write_rows(tmp_path, {"image": "circle.png", "caption": "A circle."})
    (tmp_path / "src" / "images").rename(tmp_path / "src" / "photos")
    (opened,) = open_source(file)
    with pytest.raises(DataError, match="could be used") as told:
        convert(opened, ConvertOptions(out=tmp_path / "out", workers=1))
    assert f"--image-root {tmp_path / 'src' / 'photos'}" in str(told.value)
    _, (record,) = run(file, tmp_path / "out", image_root=tmp_path / "src" / "photos")
    assert record.images


def test_fields_may_be_named(tmp_path: Path) -> None:
    file = write_rows(tmp_path, {"a": "images/circle.png", "b": "A circle.", "c": "What?", "image": "x", "text": "y", "prompt": "z"})
    _, records = run(file, tmp_path / "out", image_field="a", text_field="b", prompt_field="c")
    assert [message.content for message in records[0].messages] == ["<image>What?", "A circle."]
    assert records[0].meta["extra"] == '{"image": "x", "prompt": "z", "text": "y"}'
    with pytest.raises(UsageError, match="no row has the field 'd' of --text-field"):
        open_source(file, text_field="d")


def test_a_prompt_may_hold_the_question_and_say_where_the_picture_stands(tmp_path: Path) -> None:
    file = write_rows(tmp_path, pair(question="What?"), pair(question="<image>Where?"))
    _, records = run(file, tmp_path / "a", prompt="{question} Be brief.")
    assert [record.messages[0].content for record in records] == ["<image>What? Be brief.", "<image>Where? Be brief."]
    _, records = run(file, tmp_path / "b", prompt="Look: <image> What is it?")
    assert records[0].messages[0].content == "Look: <image> What is it?" and records[0].meta["extra"] == '{"question": "What?"}'
    with pytest.raises(UsageError, match="no field holds one"):
        open_source(write_rows(tmp_path, pair()), prompt="{question}!")


def test_a_file_of_wordings_is_drawn_from_by_seed_and_id(tmp_path: Path) -> None:
    rows = [pair(id=number) for number in range(40)]
    wordings = tmp_path / "wordings.txt"
    wordings.write_text("One?\nTwo?\n\nThree?\n")

    def asked(*given: Any, out: str, seed: int = 0) -> dict[str, str]:
        _, records = run(write_rows(tmp_path, *given), tmp_path / out, prompt=str(wordings), seed=seed)
        return {record.id: record.messages[0].content for record in records}

    first = asked(*rows, out="a")
    assert set(first.values()) == {"<image>One?", "<image>Two?", "<image>Three?"}
    assert asked(*reversed(rows), out="b") == first
    assert asked(*rows, out="c", seed=1) != first
    (opened,) = open_source(write_rows(tmp_path, *rows), prompt=str(wordings), seed=3)
    assert "Questions: 3 wordings from wordings.txt, drawn by --seed 3." in opened.said


def test_forms(tmp_path: Path) -> None:
    file = write_rows(tmp_path, pair())
    assert run(file, tmp_path / "a")[1][0].messages[0].content == "<image>Describe the picture."
    _, (record,) = run(file, tmp_path / "b", form="ocr")
    assert record.messages[0].content == "<image>Read out all the text in the picture." and record.meta["task"] == "ocr"
    with pytest.raises(UsageError, match="--form question needs a field"):
        open_source(file, form="question")


def test_several_captions_and_labels_are_references(tmp_path: Path) -> None:
    rows = [{"image": "circle.png", "captions": ["A circle.", "It is red."]}, {"image": "circle.png", "captions": 7}]
    _, records = run(write_rows(tmp_path, *rows, {"image": "circle.png", "captions": {"total": "3.50"}}), tmp_path / "out")
    assert [record.references for record in records] == [("A circle.", "It is red."), ("7",), ('{"total": "3.50"}',)]
    assert records[0].messages[1].content == "A circle."


def test_several_pictures_and_none(tmp_path: Path) -> None:
    """Without a picture a caption has nothing to be about; a question of its own may stand alone, and is told."""
    rows = [pair(image=["images/circle.png", "images/square.png"]), pair(image=""), pair(image=None), pair()]
    result, records = run(write_rows(tmp_path, *rows), tmp_path / "out")
    assert [len(record.images) for record in records] == [2, 1]
    assert records[0].messages[0].content == "<image><image>Describe the picture."
    assert [(reject.code, reject.where) for reject in result.rejects] == [("VL212", "rows.jsonl:2"), ("VL212", "rows.jsonl:3")]
    file = write_rows(
        tmp_path, *({**row, "question": "What?", "id": number} for number, row in enumerate([*rows, pair(image="", note="x")]))
    )
    result, records = run(file, tmp_path / "asked")
    assert [len(record.images) for record in records] == [2, 0, 0, 1, 0]
    assert ("rows without a picture", 3) in [(field.field, field.rows) for field in result.unused]


def test_a_list_of_numbers_is_one_answer(tmp_path: Path) -> None:
    file = write_rows(
        tmp_path, {"image": "images/circle.png", "answer": [20, 30.5, 120, 200]}, {"image": "images/circle.png", "answer": [3]}
    )
    result, records = run(file, tmp_path / "out")
    assert [record.references for record in records] == [("[20, 30.5, 120, 200]",), ("3",)]
    assert any("lists of numbers" in said for said in open_source(file)[0].said)
    assert [(field.field, field.rows) for field in result.unused] == [("numbers in a text that may be coordinates", 1)]


BAD_ROWS: list[tuple[Any, str, str]] = [
    (pair(caption=""), "VL005", "'caption' is empty"),
    (pair(caption=[]), "VL201", "'caption' is []"),
    (pair(caption=[None]), "VL201", "'caption' is [None]"),
    ({"image": "images/circle.png"}, "VL201", "'caption' is missing"),
    (pair(image="absent.png"), "VL202", "'absent.png' is not on disk; looked in"),
    (pair(image="http://example.org/a.png"), "VL207", "is remote"),
    (pair(image="../a.png"), "VL111", "climbs"),
    (pair(image={"path": None}), "VL205", "a picture is None"),
    (pair(image=True), "VL205", "a picture is True"),
    (pair(caption='{"question": "?", "chosen": "a", "rejected": "b"}'), "VL215", "'caption' holds a chosen and a rejected answer"),
    (pair(caption={"chosen": "a", "rejected": "b"}), "VL215", "'caption' holds a chosen and a rejected answer"),
    ({"img": "images/circle.png", "caption": "x"}, "VL201", "'image' is empty, but 'img' is not"),
    (pair(caption="See <image>."), "VL008", "holds '<image>'"),
    ("text", "VL201", "the row is 'text'"),
    ([1, 2], "VL201", "the row is [1, 2]"),
]


@pytest.mark.parametrize(("row", "code", "reason"), BAD_ROWS, ids=[reason for _, _, reason in BAD_ROWS])
def test_what_cannot_be_understood_is_rejected_by_name(row: Any, code: str, reason: str, tmp_path: Path) -> None:
    result, records = run(write_rows(tmp_path, pair(), row, pair()), tmp_path / "out")
    assert len(records) == 2
    assert [(reject.code, reject.where) for reject in result.rejects] == [(code, "rows.jsonl:2")]
    assert reason in result.rejects[0].reason


def test_side_cars_without_their_other_half(tmp_path: Path) -> None:
    source = draw_jsonl(tmp_path / "src", "side-cars")
    folder = source / "10_shapes"
    (folder / "alone.txt").write_text("x")
    (folder / "bare.jpg").write_bytes(shape_bytes("circle", "jpg"))
    (folder / "latin.jpg").write_bytes(shape_bytes("circle", "jpg"))
    (folder / "latin.txt").write_bytes(b"caf\xe9")
    (folder / "circle.png").write_bytes(shape_bytes("circle"))
    result, _ = run(source, tmp_path / "out")
    assert [(reject.code, reject.where) for reject in result.rejects] == [
        ("VL212", "10_shapes/alone.txt"),
        ("VL212", "10_shapes/bare.jpg"),
        ("VL209", "10_shapes/circle.jpg"),
        ("VL001", "10_shapes/latin.jpg"),
    ]


def write_tar(path: Path, members: dict[str, bytes | tarfile.TarInfo]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            info = data if isinstance(data, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = 0 if isinstance(data, tarfile.TarInfo) else len(data)
            archive.addfile(info, None if isinstance(data, tarfile.TarInfo) else io.BytesIO(data))
    return path


def test_a_mask_in_a_tar_is_no_second_picture(tmp_path: Path) -> None:
    picture = shape_bytes("circle", "jpg")
    members: dict[str, bytes | tarfile.TarInfo] = {"a.jpg": picture, "a.seg.png": picture, "a.txt": b"a dog"}
    members |= {"b.0.jpg": picture, "b.1.jpg": picture, "b.txt": b"two dogs"}
    draft, two = open_source(write_tar(tmp_path / "a.tar", members))[0].drafts()
    assert isinstance(draft, Reject) and draft.code == "VL217" and "'seg.png'" in draft.reason
    assert isinstance(two, Draft) and len(two.media) == 2
    alone = write_tar(tmp_path / "b.tar", {"a.edge.jpg": picture, "a.txt": b"a dog"})
    (draft,) = open_source(alone)[0].drafts()
    assert isinstance(draft, Draft) and len(draft.media) == 1


def test_tars_with_odd_members(tmp_path: Path) -> None:
    link = tarfile.TarInfo("c.jpg")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    picture = shape_bytes("circle", "jpg")
    members: dict[str, bytes | tarfile.TarInfo] = {
        "a.jpg": picture,
        "a.txt": b"A circle.",
        "../b.jpg": picture,
        "c.jpg": link,
        "d.txt": b"no picture",
        "e.jpg": picture,
        "e.json": b'{"text": NaN}',
        "f.0.jpg": picture,
        "f.1.jpg": shape_bytes("square", "jpg"),
        "f.txt": b"Two.",
    }
    result, records = run(write_tar(tmp_path / "a.tar", members), tmp_path / "out")
    assert [len(record.images) for record in records] == [1, 2] and records[1].id == "a/f"
    assert [reject.code for reject in result.rejects] == ["VL111", "VL111", "VL212", "VL001"]
    (tmp_path / "cut.tar").write_bytes((tmp_path / "a.tar").read_bytes()[:3_000])
    with pytest.raises(DataError, match=r"cut\.tar.* cannot be read past this point"):
        run(tmp_path / "cut.tar", tmp_path / "b")


def test_splits_of_an_image_folder(tmp_path: Path) -> None:
    for split in ("test", "train"):
        draw_jsonl(tmp_path / "shapes" / split, "image-folder")
    assert [source.name for source in open_source(tmp_path / "shapes")] == ["shapes_train", "shapes_test"]


def test_pairs_of_a_video_and_a_text(tmp_path: Path) -> None:
    file = write_rows(tmp_path, {"video": "a.mp4", "question": "What moves?", "answer": "A circle."})
    write_clip(tmp_path / "src" / "a.mp4")
    result, records = run(file, tmp_path / "frames", frames=3)
    assert records[0].messages[0].content == "<image><image><image>What moves?" and result.contract.settings["frames"]
    result, records = run(file, tmp_path / "kept", videos="keep")
    assert records[0].messages[0].content == "<video>What moves?" and len(records[0].kept_videos) == 1
    assert (result.contract.settings["videos"], result.counts.videos) == ("keep", 1)
    assert open_source(file)[0].said[1] == "Video in 'video', text in 'answer', question in 'question': question form."
    result, _ = run(write_rows(tmp_path, pair()), tmp_path / "pictures", videos="keep")
    assert result.contract.videos is None and "videos" not in result.contract.settings


def test_texts_that_look_like_requests_are_warned_of(tmp_path: Path) -> None:
    texts = ["一张红色的圆形图片", "请提取图片中的文字", "解释这张图表"]
    (opened,) = open_source(write_rows(tmp_path, *({"image": "images/circle.png", "text": text} for text in texts)))
    assert opened.said[-1] == ("Warning: 2 of the first 3 texts look like a request, not an answer, for example '请提取图片中的文字'.")
    assert "Warning" not in " ".join(open_source(draw_jsonl(tmp_path / "good"))[0].said)


def test_pictures_of_every_kind(tmp_path: Path) -> None:
    from PIL import Image

    folder = write_shapes(tmp_path / "src" / "images").parent
    shape = Image.open(folder / "images" / "circle.png")
    shape.convert("RGBA").save(folder / "rgba.png")
    shape.convert("P").save(folder / "palette.gif")
    shape.convert("CMYK").save(folder / "cmyk.jpg")
    shape.convert("L").convert("I;16").save(folder / "deep.png")
    (folder / "really.jpg").write_bytes(shape_bytes("circle"))
    (folder / "cut.png").write_bytes(shape_bytes("circle")[:-60])
    (folder / "note.png").write_text("no picture")
    names = ["rgba.png", "palette.gif", "cmyk.jpg", "deep.png", "really.jpg", "cut.png", "note.png"]
    result, records = run(write_rows(tmp_path, *(pair(image=name) for name in names)), tmp_path / "out")
    assert len(records) == 5 and next(reject.code for reject in result.rejects) == "VL102" and result.counts.rejected == 2


def test_wrong_calls(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the rows are conversations.\n.*vldata convert sharegpt"):
        open_source(write_rows(tmp_path, {"image": "a.png", "conversations": [{}]}))
    with pytest.raises(UsageError, match="no field for the image among a, b"):
        open_source(write_rows(tmp_path, {"a": 1, "b": 2}))
    with pytest.raises(DataError, match="no annotation file here"):
        open_source(tmp_path / "src" / "images")
    with pytest.raises(DataError, match="is neither a folder nor a zip or tar"):
        open_source(write_rows(tmp_path, pair()), image_root=tmp_path / "absent")
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(DataError, match=r"empty\.jsonl: has no rows\.\n  Give the file"):
        open_source(tmp_path / "empty.jsonl")
    (tmp_path / "bad.jsonl").write_text("{\n7\n")
    with pytest.raises(DataError, match=r"no row can be read; the first, bad\.jsonl:1: the object goes over several lines.*\n  \w+"):
        open_source(tmp_path / "bad.jsonl")
    (tmp_path / "bad.jsonl").write_text("[7]\n")
    with pytest.raises(DataError, match=r"the row is 7, not an object\.\n  \w+"):
        open_source(tmp_path / "bad.jsonl")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("a")
    with pytest.raises(DataError, match=r"no pictures with side-car \.txt or in folders named by class\.\n  Give"):
        open_source(tmp_path / "texts")
    for name in ("absent", "absent.png", "bed.jsonl"):
        with pytest.raises(DataError, match=rf"{name}: is not there\."):
            open_source(tmp_path / name)
    with pytest.raises(DataError, match=r"Did you mean 'bad\.jsonl'\?"):
        open_source(tmp_path / "bed.jsonl")
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(UsageError, match="holds no wording"):
        open_source(write_rows(tmp_path, pair()), prompt=str(tmp_path / "empty.txt"))


def test_an_open_question_among_choices_may_write_its_answers_as_a_list(tmp_path: Path) -> None:
    write_shapes(tmp_path / "images")
    row = {"image": "images/circle.png", "question": "How many?"}
    rows = [{**row, "options": "['1', '2']", "answer": "B"}, {**row, "options": "[]", "answer": "['3', 'three']"}]  # as MMMU has them
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    (source,) = open_source(tmp_path / "m.jsonl")
    assert [draft.references for draft in source.drafts()] == [("B", "2"), ("3", "three")]


def test_the_field_that_must_be_named_is_suggested(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"fig_nr": 7, "fig_fn": "a.png", "formula": "x + y", "answer": "dog"}) + "\n")
    with pytest.raises(UsageError, match=r"'fig_fn' holds names of images: --image-field fig_fn\."):
        open_source(rows)
    rows.write_text(json.dumps({"img_name": "a.png", "formula": "x + y", "nr": "12"}) + "\n")
    with pytest.raises(UsageError, match=r"'formula' holds texts: --text-field formula\."):
        open_source(rows)


def test_how_answers_that_are_no_texts_are_spelt_is_a_guess(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(shape_bytes("circle"))
    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        '{"image": "a.png", "question": "Is it?", "answer": true}\n{"image": "a.png", "question": "How much?", "answer": 1.50}\n'
    )
    (source,) = open_source(rows)
    said = next(one for one in source.said if "not texts" in one)
    assert isinstance(said, Guess) and "fractions and true or false" in said and "'True'" in said
    assert all(isinstance(draft, Draft) and any("not texts" in what for what, _ in draft.unused) for draft in source.drafts())
    rows.write_text(rows.read_text().replace("true", '"yes"').replace("1.50", "2"))
    assert not any("not texts" in one for one in open_source(rows)[0].said)
