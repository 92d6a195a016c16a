"""`vldata lint` as a user meets it: counts first, places with lines, cures, and whatever is thrown at it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

import vldata
from vldata.cli import main
from vldata.errors import DataError, UsageError
from vldata.linting import CONSUMERS
from vldata.validation import validate

GOOD = {"messages": [{"role": "user", "content": "<image>What?"}, {"role": "assistant", "content": "A box."}], "images": ["a.png"]}
UNANSWERED = {"messages": GOOD["messages"][:1], "images": ["a.png"]}
UNTAGGED = {"messages": [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "A box."}], "images": ["a.png"]}
ENTRY = {
    "formatting": "sharegpt",
    "columns": {"messages": "messages", "images": "images"},
    "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant", "system_tag": "system"},
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    Image.new("RGB", (256, 256), "red").save(tmp_path / "a.png")
    rows = [GOOD, UNANSWERED, UNTAGGED, GOOD]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "dataset_info.json").write_text(json.dumps({"mine": {"file_name": "mine.jsonl", **ENTRY}}))
    return tmp_path


def test_counts_come_first_then_places_with_lines_and_cures(data: Path) -> None:
    result = vldata.lint(data)
    assert result.outcomes == {"crash": 1, "drop": 1, "train": 2} and not result.ok
    text = "\n".join(result.lines())
    assert text.index("stops the run") < text.index("LF50")
    assert f"{data}/mine.jsonl:3: 0 <image> and 1 image" in text and f"{data}/mine.jsonl:2: 1 turns" in text
    assert "What happens: `The number of images does not match the number of <image> tokens`" in text and "Cure: Write one <image>" in text


def test_json_has_counts_datasets_and_findings(data: Path) -> None:
    document = vldata.lint(data).document()
    assert document["datasets"] == [{"name": "mine", "rows": 4, "outcomes": {"crash": 1, "drop": 1, "train": 2}}]
    assert {finding["code"]: finding["outcome"] for finding in document["findings"]} == {"LF31": "drop", "LF50": "crash"}
    assert json.loads(json.dumps(document)) == document


def test_a_list_names_the_line_a_row_begins_at(data: Path) -> None:
    (data / "list.json").write_text(json.dumps([GOOD, UNANSWERED], indent=1))
    found = vldata.lint(data / "list.json").findings
    begins = json.dumps([GOOD], indent=1).count("\n")
    assert [finding.where for finding in found] == [f"{data}/list.json:{begins + 1}"]


@pytest.mark.parametrize("end", ["]", ",]"])
def test_rows_of_a_list_that_share_a_line_are_named_by_their_index(data: Path, end: str) -> None:
    (data / "list.json").write_text(json.dumps([GOOD, GOOD, UNANSWERED])[:-1] + end)
    found = [finding for finding in vldata.lint(data / "list.json").findings if finding.code == "LF31"]
    assert [finding.where for finding in found] == [f"{data}/list.json[2]"]


def test_fix_writes_what_can_be_saved(data: Path, tmp_path: Path) -> None:
    result = vldata.lint(data, fix=tmp_path / "out")
    assert any(line.startswith("Fixed mine:") for line in result.fixed), result.fixed
    assert validate(tmp_path / "out", workers=1).findings.total == 0
    assert vldata.lint(tmp_path / "out").ok


def test_validate_points_here_for_what_it_did_not_write(data: Path) -> None:
    with pytest.raises(DataError, match=r"nothing here was written by vldata") as caught:
        validate(data)
    assert f"vldata lint {data} --as llamafactory" in str(caught.value)


def test_an_unknown_trainer_and_an_absent_path_are_named(data: Path) -> None:
    with pytest.raises(UsageError, match="no rules for 'lamafactory'"):
        vldata.lint(data, "lamafactory")
    with pytest.raises(DataError, match="is not there"):
        vldata.lint(data / "none")
    with pytest.raises(UsageError, match="no entry 'other'"):
        vldata.lint(data, dataset="other")


def test_the_command_line_prints_counts_first_and_exits_1(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["vldata", "lint", str(data), "--as", "llamafactory", "--set", "cutoff_len=9"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().out.startswith(f"4 rows as LLaMA-Factory 0.9.5 reads {data}:\n          1  stops the run\n")


def test_a_registry_of_hub_entries_and_texts_for_pre_training(data: Path) -> None:
    entries = {
        "theirs": {"hf_hub_url": "a/b", "split": "validation"},
        "words": {"file_name": "words.txt", "columns": {"prompt": "text"}},
    }
    (data / "words.txt").write_text("One line.\nAnother.\n")
    (data / "dataset_info.json").write_text(json.dumps(entries))
    result = vldata.lint(data, set_=("cutoff_len=4",))
    assert result.outcomes == {"train": 2} and result.linted.counts == {"LF19": 1}
    assert vldata.lint(data).linted.counts == {"LF19": 1, "LF22": 1}  # two lines do not fill one block
    assert "1 without a local file, not judged: theirs" in "\n".join(result.lines())


def test_what_cannot_be_converted_says_why_and_pairs_are_tried_too(data: Path, tmp_path: Path) -> None:
    (data / "pairs.jsonl").write_text(json.dumps({"image": "a.png", "question": "What?", "answer": "A box."}) + "\n")
    (data / "none.jsonl").write_text(json.dumps({"x": 1}) + "\n")
    assert any(line.startswith("Fixed pairs: 1 record") for line in vldata.lint(data / "pairs.jsonl", "trl", fix=tmp_path / "o").fixed)
    assert vldata.lint(data / "none.jsonl", "trl", fix=tmp_path / "o").fixed[0] == "Not fixed: none."


def test_a_setting_is_followed_or_refused_by_name(data: Path) -> None:
    assert vldata.lint(data, set_=("train_on_prompt=true",)).outcomes == {"crash": 1, "drop": 1, "prompt": 2}
    assert vldata.lint(data, set_=("cutoff_len=10",)).outcomes == {"crash": 1, "drop": 1, "cut": 2}
    assert vldata.lint(data, "trl", set_=("max_length=null",)).outcomes["prompt"] == 4
    with pytest.raises(UsageError, match=r"what cutof_len does in LLaMA-Factory is not followed here\. Did you mean 'cutoff_len'"):
        vldata.lint(data, set_=("cutof_len=10",))
    with pytest.raises(UsageError, match="the template 'llava' is not followed here"):
        vldata.lint(data, set_=("template=llava",))
    with pytest.raises(UsageError, match="is no KEY=VALUE"):
        vldata.lint(data, set_=("template",))


RUBBISH = [
    b"",
    b"\n\n",
    b"null\n",
    b"[]",
    b"[[[",
    b"{",
    b"\xff\xfe\x00",
    b"[1, 2",
    b'{"a": ' * 5000,
    b"[" * 100_000,
    b'"text"',
    b"{}\n{}\n",
]


@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.csv", "x.parquet", "x.txt", "dataset_info.json"])
@pytest.mark.parametrize("rubbish", RUBBISH, ids=range(len(RUBBISH)))
def test_rubbish_is_judged_or_refused_but_never_a_traceback(name: str, rubbish: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(rubbish)
    for consumer in CONSUMERS:
        try:
            result = vldata.lint(tmp_path / name, consumer)
        except (DataError, UsageError):
            continue
        assert not result.ok or name == "x.txt"  # whatever stands in a text file is text
        list(result.lines())


def _lines(file: Path, *rows: object) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.mark.parametrize("trainer", ["llamafactory", "swift", "trl", "axolotl", "unsloth"])
@pytest.mark.parametrize(
    "field", [{"choices": ["red", "blue"]}, {"img_path": "a.png"}, {"image_list": ["a.png"]}, {"photo": {"path": "a.png"}}]
)
def test_what_nobody_reads_is_named(data: Path, trainer: str, field: dict[str, object]) -> None:
    """Choices that do not reach the model, and images under a name that no trainer knows, are never passed over in silence."""
    words = {"messages": UNTAGGED["messages"]}
    numbers = {"image_width": 640, "image_id": "7", "video_count": 3}
    file = _lines(data / "one.jsonl", {**words, **field}, {**words, **numbers})
    found = [one for one in vldata.lint(file, trainer).findings if next(iter(field)) in one.detail]
    assert [one.where for one in found] == [f"{file}:1"]
    assert not [one for one in vldata.lint(file, trainer).findings if any(name in one.detail for name in numbers)]


def test_an_empty_field_does_not_hide_the_filled_one_after_it(data: Path) -> None:
    rows = [{"messages": UNTAGGED["messages"], "rejected_response": text} for text in ("", "", "A cat.")]
    assert vldata.lint(_lines(data / "one.jsonl", *rows)).outcomes == {"ignored": 1, "train": 2}


def test_a_question_without_an_answer_is_not_taken_for_pre_training(data: Path) -> None:
    file = _lines(data / "one.jsonl", {"image": "a.png", "question": "What?"})
    assert vldata.lint(file).outcomes == {"drop": 1}
    (data / "dataset_info.json").write_text(
        json.dumps({"one": {"file_name": "one.jsonl", "columns": {"prompt": "question", "images": "image"}}})
    )
    found = vldata.lint(data, set_=("cutoff_len=2",))
    assert found.linted.counts == {"LF88": 1} and "one: judged for the stage pt" in found.linted.said[0]


def test_a_preference_says_how_plain_training_would_take_it(data: Path) -> None:
    file = _lines(data / "one.jsonl", {"messages": UNTAGGED["messages"], "label": False})
    assert "--stage sft judges `swift sft`" in vldata.lint(file, "swift").linted.said[0]
    assert vldata.lint(file, "swift", stage="sft").linted.counts == {"SW64": 1}
    assert "--stage sft judges plain training" in vldata.lint(file).linted.said[0]
    assert vldata.lint(file, stage="sft").outcomes == {"drop": 1}


@pytest.mark.parametrize("trainer", ["trl", "qwen", "llava", "internvl", "axolotl", "unsloth"])
def test_a_file_of_another_kind_is_one_finding(data: Path, trainer: str) -> None:
    (data / "rows.tar").write_bytes(b"\x00\xff\n" * 50)
    found = vldata.lint(data / "rows.tar", trainer)
    assert found.outcomes == {"crash": 1} and "a file .tar, not rows" in found.findings[0].detail


def test_a_folder_without_rows_names_what_may_make_some(tmp_path: Path) -> None:
    (tmp_path / "book.xlsx").write_bytes(b"PK")
    for trainer in CONSUMERS:
        with pytest.raises(DataError, match=r"no file of rows here") as caught:
            vldata.lint(tmp_path, trainer)
        assert "vldata convert KIND" in str(caught.value) and "coco, yolo" in str(caught.value)


def test_a_cell_longer_than_the_csv_module_takes_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(f"instruction,output\na,{'b' * 200_000}\n")
    assert vldata.lint(tmp_path / "x.csv").linted.parts[0].rows == 1
