from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from fixtures.predictions.quiz import FAILURE, QUIZ
from fixtures.predictions.tools import zip_of
from vldata.errors import DataError, UsageError
from vleval.readers import read_predictions
from vleval.readers.formats import FORMATS
from vleval.readers.llamafactory import question_in
from vleval.settings import Reading

WITH_IDS = ("plain", "openai-batch", "inspect-ai", "openeqa", "qwen-vl", "video-mme")
NUMBERED = ("lmms-eval", "vlmevalkit", "evalscope", "evalscope-reviews", "opencompass")  # the tool's own ids are positions
WRITTEN = [name for name in FORMATS if name != "coco-results"]  # which has no texts


@pytest.mark.parametrize("name", [*WRITTEN, "plain:own", "inspect-ai:json", "vlmevalkit:tsv", "vlmevalkit:json"])
def test_every_format_is_recognised_and_gives_the_same_answers(quiz, name):
    loaded = read_predictions(quiz[name])
    assert loaded.format == name.split(":")[0]
    assert FORMATS[loaded.format].title in loaded.notes[0]
    rows = {row.id: row for row in loaded.rows}
    if name == "openeqa-marks":
        assert [rows[q.id].extra["mark"] for q in QUIZ] == [str(1 + n % 5) for n in range(len(QUIZ))]
        return
    for number, question in enumerate(QUIZ):
        row = rows[question.id] if loaded.format in WITH_IDS else loaded.rows[number]
        if question.answer is None and loaded.format in ("llamafactory", "ms-swift"):
            assert row.prediction == ""  # these tools have no way to say that there is no answer
        else:
            assert row.prediction == question.answer
            assert bool(row.error) == (question.answer is None)
    assert loaded.has_ids == (loaded.format not in ("llamafactory", "ms-swift"))


@pytest.mark.parametrize("name", ["plain", "plain:own", "lmms-eval", "inspect-ai", "inspect-ai:json", "vlmevalkit", "vlmevalkit:tsv"])
def test_a_list_of_references_stays_a_list(quiz, name):
    answers = [row.references for row in read_predictions(quiz[name]).rows]
    assert answers == [question.references for question in QUIZ]


def test_our_own_line_carries_everything(quiz):
    row = read_predictions(quiz["plain:own"]).rows[11]
    assert (row.id, row.prediction, row.error) == ("q12", None, FAILURE)
    assert (row.question, row.category, row.images) == (QUIZ[11].question, "share", ("trees.png",))
    assert row.groups == {"image": "trees.png"}


def test_the_question_stands_in_llamafactorys_prompt(quiz):
    assert [row.question for row in read_predictions(quiz["llamafactory"]).rows] == [question.question for question in QUIZ]
    assert question_in("<|image_pad|>" * 5_000 + "How many?") == "How many?"


def test_stdin_is_a_file_named_minus(quiz, monkeypatch):
    import sys

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(quiz["inspect-ai"].read_bytes())))
    loaded = read_predictions("-")
    assert (loaded.name, loaded.format, len(loaded.rows)) == ("<stdin>", "inspect-ai", len(QUIZ))


def test_a_forced_format_must_fit(quiz):
    assert read_predictions(quiz["openeqa"], reading=Reading(format="plain")).format == "plain"
    with pytest.raises(UsageError, match="does not come as xlsx"):
        read_predictions(quiz["vlmevalkit"], reading=Reading(format="llamafactory"))
    with pytest.raises(UsageError, match="no format 'nosuch'"):
        read_predictions(quiz["plain"], reading=Reading(format="nosuch"))


GOOD = b'{"id":"a","prediction":"x","references":["x"]}\n'
REFUSED = {
    "cut line": (GOOD + b'{"id":"b","prediction":"y"', ":2: not JSON"),
    "cut first line": (b'{"id":"b","prediction":"y"\n' + GOOD, ":1: not JSON"),
    "not UTF-8": (GOOD + b'{"id":"b","prediction":"\xff"}', ":2: not UTF-8 at byte"),
    "NaN": (GOOD + b'{"id":"b","prediction":NaN}', ":2: NaN is not JSON"),
    "duplicate key": (GOOD + b'{"id":"b","id":"c","prediction":"x"}', ":2: duplicate key 'id'"),
    "escaped duplicate key": (GOOD + b'{"id":"b","\\u0069d":"c","prediction":"x"}', ":2: duplicate key 'id'"),
    "lone surrogate": (GOOD + b'{"id":"b","prediction":"\\ud800"}', ":2: a lone surrogate"),
    "too deep": (GOOD + b'{"id":"b","prediction":' + b"[" * 100_000 + b"]" * 100_000 + b"}", ":2: nested too deeply"),
    "a list": (GOOD + b'{"id":"b","prediction":["x"]}', ":2: prediction is a list"),
    "an object": (GOOD + b'{"id":"b","prediction":{"x":1}}', ":2: prediction is an object"),
    "a boolean": (GOOD + b'{"id":"b","prediction":true}', ":2: prediction is a boolean"),
    "a huge number": (GOOD + b'{"id":"b","prediction":1e999}', ":2: 1e999 is too large a number"),
    "not an object": (GOOD + b"[1]", ":2: is a JSON list, not an object"),
    "no prediction": (GOOD + b'{"id":"b"}', ":2: no prediction"),
    "no id": (GOOD + b'{"prediction":"x"}', ":2: has no id, and others have one"),
    "an empty id": (b'{"id":"","prediction":"x"}\n' + GOOD, ":1: id is empty"),
    "a later shape": (b'{"schema":"vlkit.prediction/2","id":"a","prediction":"x"}\n', ":1: is of the shape 'vlkit.prediction/2'"),
    "mixed formats": (b'{"prompt":"q","predict":"a","label":"a"}\n' + GOOD, ":2: no 'predict'"),
    "empty": (b" \n", ": is empty"),
    "empty list": (b"[]", ": holds no predictions"),
    "empty object": (b"{}", ": holds an empty object"),
    "prose": (b"hello there", ": is neither JSON"),
    "unknown fields": (b'{"first":true}', ": has an unknown format"),
    "a field of an unknown name": (b'{"id":"a","guess":"x"}', ":1: which field holds the model's answers is not clear: 'guess' may be it"),
    "a damaged zip": (b"PK\x03\x04garbage", ": is a damaged zip archive"),
    "a short row": (b"index\tquestion\tanswer\tprediction\n1\tq\ta\n", ":2: has 3 cells, but the header has 4"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_one_clear_line(tmp_path, case):
    content, message = REFUSED[case]
    path = tmp_path / "preds.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_predictions(path)
    head = str(caught.value).split("\n")[0]
    assert head.startswith(f"{path}{message}"), head


def test_numbers_are_text_and_said_aloud(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text('{"id":1,"prediction":12,"references":[12]}\n{"id":2,"prediction":3.50,"references":"3.5"}\n')
    loaded = read_predictions(path)
    assert [(row.id, row.prediction, row.references) for row in loaded.rows] == [("1", "12", ("12",)), ("2", "3.5", ("3.5",))]
    assert all(type(row.prediction) is str and type(row.id) is str for row in loaded.rows)
    assert "2 answers are numbers; they are read as their text." in loaded.notes


def test_byte_order_mark_crlf_and_line_separators_are_accepted(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n") + '{"id":"b","prediction":"x\u2028y"}'.encode())
    assert [row.prediction for row in read_predictions(path).rows] == ["x", "x\u2028y"]


def test_a_formula_is_named_by_its_cell(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["index", "question", "answer", "prediction"])
    book.active.append([1, "q", "2", "=1+1"])
    book.save(tmp_path / "f.xlsx")
    with pytest.raises(DataError, match=r"cell D2 holds a formula \('=1\+1'\)"):
        read_predictions(tmp_path / "f.xlsx")


def test_a_one_line_sheet_of_marks_is_no_jsonl(tmp_path):
    path = tmp_path / "marks.json"
    path.write_text(json.dumps({f"question-{number:06d}": number % 5 + 1 for number in range(9_000)}))
    assert path.stat().st_size > 1 << 16
    loaded = read_predictions(path)
    assert (loaded.format, len(loaded.rows)) == ("openeqa-marks", 9_000)


def test_vlmevalkit_columns_of_an_object(tmp_path):
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"index": {"0": 7, "1": 8}, "answer": {"0": "a", "1": "b"}, "prediction": {"0": "a", "1": "c"}}))
    assert [(row.id, row.prediction, row.references) for row in read_predictions(path).rows] == [("7", "a", ("a",)), ("8", "c", ("b",))]


def _eval(tmp_path: Path, data: bytes, change=lambda archive: archive) -> Path:
    path = tmp_path / "log.eval"
    path.write_bytes(change(zip_of([("header.json", b"{}", 0), ("samples/1_epoch_1.json", data, 93)])))
    return path


SAMPLE = json.dumps({"id": 1, "epoch": 1, "input": "q", "target": "t", "output": {"completion": "t", "choices": []}}).encode()


def test_an_eval_member_of_two_frames(tmp_path):
    assert read_predictions(_eval(tmp_path, SAMPLE)).rows[0].prediction == "t"


def test_a_bomb_in_an_eval_log_is_refused(tmp_path):
    path = _eval(
        tmp_path, b"0" * 300_000_000, lambda archive: archive.replace((300_000_000).to_bytes(4, "little"), (1_000).to_bytes(4, "little"))
    )
    with pytest.raises(DataError, match="the compressed data and the directory disagree"):
        read_predictions(path)


def test_a_flipped_bit_in_an_eval_log_is_refused(tmp_path):
    def flip(archive: bytes) -> bytes:
        place = archive.index(b"epoch_1.json") + 40
        return archive[:place] + bytes([archive[place] ^ 0x55]) + archive[place + 1 :]

    with pytest.raises(DataError, match=r"samples/1_epoch_1\.json: (cannot be unpacked|is damaged|not JSON)"):
        read_predictions(_eval(tmp_path, SAMPLE * 3, flip))


def test_other_zips_are_not_logs(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(DataError, match="neither an xlsx workbook nor an inspect_ai log"):
        read_predictions(tmp_path / "z.zip")


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("[LMMS_EVAL_REQUEST_FAILED after 5 retries] boom", True),
        ("Failed to obtain answer via API. ", True),
        ("Failed to obtain answer via bailingMM API.", True),
        ("Failed to obtain answer BlueLM API. ", True),
        ("The tool said: Failed to obtain answer via API.", False),
        ("Failed to open the door", False),
    ],
)
def test_failure_sentences_are_errors(tmp_path, text, failed):
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps({"id": "a", "prediction": text, "references": ["x"]}) + "\n")
    row = read_predictions(path).rows[0]
    assert (row.prediction is None) == failed
    assert (row.error != "") == failed


def test_batch_lines_that_are_errors(tmp_path):
    path = tmp_path / "b.jsonl"
    lines = [
        {"custom_id": "a", "response": None, "error": {"code": "x", "message": "no luck"}},
        {"custom_id": "b", "response": {"status_code": 500, "body": "oops"}, "error": None},
        {"custom_id": "c", "response": {"status_code": 200, "body": {"choices": []}}, "error": None},
        {
            "custom_id": "d",
            "response": {"status_code": 200, "body": {"choices": [{"message": {"content": None, "refusal": "I will not."}}]}},
        },
        {
            "custom_id": "e",
            "response": {"status_code": 200, "body": {"choices": [{"message": {"content": ""}, "finish_reason": "length"}]}},
        },
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    rows = read_predictions(path).rows
    assert [row.error for row in rows] == ["no luck", "status 500", "a response without a choice", "", ""]
    assert [(row.prediction, row.finish_reason) for row in rows[3:]] == [("I will not.", "refusal"), ("", "length")]


def test_openeqa_questions_are_clustered_by_scene(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text(
        json.dumps({"id": "a", "prediction": "x", "references": ["x"], "episode_history": "scannet-v0/002-scannet-scene0709_01"})
    )
    assert read_predictions(path).rows[0].groups == {"episode": "scannet-v0/002-scannet-scene0709_01", "scene": "scene0709"}
