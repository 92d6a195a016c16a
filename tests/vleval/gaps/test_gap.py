"""Every planned cause is found on the item it was planned for, and nowhere else; draws at random are flagged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

import vleval
from tests.vleval.gaps.scripted import PLAN, E, L, V, draw_files
from vldata.errors import DataError, UsageError
from vleval.gaps.lmms_eval import read_choice
from vleval.gaps.text import gap_lines
from vleval.schemas import SCHEMAS

OPTIONS = ("a red square", "a blue circle", "a green line")


@pytest.mark.parametrize("pair", [(V, L), (V, E), (L, E)], ids=" ".join)
def test_the_scripted_model_by_three_harnesses(pair: tuple[str, str], tmp_path: Path) -> None:
    files = draw_files(tmp_path)
    found = vleval.gap(str(files[pair[0]]), str(files[pair[1]])).gap
    assert {int(item.id): item.cause for item in found.differing} == {
        number: planned.causes[pair] for number, planned in enumerate(PLAN) if pair in planned.causes
    }
    assert found.gap == pytest.approx(found.a.score - found.b.score)
    assert found.gap == pytest.approx(sum(total.points for total in found.causes))
    assert found.same_verdict + len(found.differing) == found.items == len(PLAN)
    assert {found.a.scored_by, found.b.scored_by} == {"its file"}
    sides = [side for item in found.differing for side in (item.a, item.b) if side is not None and side.prediction and not side.guessed]
    assert any(side.by_rules for side in sides) and all(side.by_rules == side.read for side in sides)
    assert not [item.detail for item in found.differing if "another release" in item.detail]  # the files are what the rules say
    reversed_ = vleval.gap(str(files[pair[1]]), str(files[pair[0]])).gap
    assert {item.id: item.cause for item in reversed_.differing} == {item.id: item.cause for item in found.differing}
    assert reversed_.gap == pytest.approx(-found.gap)


def test_draws_at_random_are_flagged_also_where_the_score_is_the_same(tmp_path: Path) -> None:
    files = draw_files(tmp_path)
    found = vleval.gap(str(files[V]), str(files[L])).gap
    assert [(item.id, "lmms-eval" in item.detail, "by luck" in item.detail) for item in found.guesses if item.id == "5"] == [
        ("5", False, True),
        ("5", True, False),
    ]
    text = "\n".join(vleval.gap(str(files[V]), str(files[L])).lines())
    assert "points by luck; another run draws others." in text
    assert "nothing in the file says so" in text  # what lmms-eval does is told with its place
    assert vleval.gap(str(files[E]), str(files[E])).gap.guesses == ()


def test_the_document_fits_its_schema(tmp_path: Path) -> None:
    files = draw_files(tmp_path)
    document = vleval.gap(str(files[V]), str(files[E])).document()
    jsonschema.Draft202012Validator(msgspec.json.schema(SCHEMAS["gap"])).validate(json.loads(json.dumps(document)))


BASE = {"question": "What is it?", "choices": list(OPTIONS), "references": ["A"], "prediction": "A"}
PLAIN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "reference": ({}, {"references": ["B"]}),
    "no answer": ({}, {"prediction": None, "error": "HTTP 500"}),
    "truncation": ({}, {"prediction": "Let me", "finish_reason": "length"}),
    "options": ({}, {"choices": [OPTIONS[1], OPTIONS[0], OPTIONS[2]], "references": ["B"], "prediction": "A"}),
    "images": ({"images": ["a.png", "b.png"]}, {"images": ["a.png"], "prediction": "B"}),
    "image size": ({"width": 640, "height": 480}, {"width": 320, "height": 240, "prediction": "B"}),
    "system prompt": ({"system": "You are helpful.", "prompt": "What?"}, {"system": "", "prompt": "What?", "prediction": "B"}),
    "wording": ({"prompt": "What is it? One letter."}, {"prompt": "What is it? Think.", "prediction": "B"}),
    "answer": ({"prompt": "<image> What is it?"}, {"prompt": "What is  it?", "prediction": "B"}),
    "scoring": ({"score": 1}, {"score": 0}),
    "extraction": ({"score": 1, "extracted": "A", "prediction": "it is A"}, {"score": 0, "extracted": "it", "prediction": "it is A"}),
}


@pytest.mark.parametrize("cause", PLAIN)
def test_each_cause_from_plain_files(cause: str, tmp_path: Path) -> None:
    for name, changes in zip("ab", PLAIN[cause], strict=True):
        rows = [{"id": "q1", **BASE}, {"id": "q2", **BASE, **changes}]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = vleval.gap(str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")).gap
    assert [(item.id, item.cause) for item in found.differing] == [("q2", cause)]
    assert found.differing[0].points == pytest.approx(50)


def test_items_of_one_file_alone(tmp_path: Path) -> None:
    for name, ids in (("a", ("q1", "q2", "q3")), ("b", ("q1", "q2"))):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps({"id": one, **BASE}) + "\n" for one in ids))
    found = vleval.gap(str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")).gap
    assert [(item.id, item.cause) for item in found.differing] == [("q3", "only in A")]
    assert found.gap == pytest.approx(100 / 3)
    assert (found.a.own_score, found.b.own_score) == (100, 100)  # as the harnesses print it
    assert "100.00 % by its rules, 2 items; 66.67 % of all 3, as it lacks 1" in "\n".join(gap_lines(found))


def test_a_failed_request_that_a_harness_counts_as_right_is_named(tmp_path: Path) -> None:
    failure = "[LMMS_EVAL_REQUEST_FAILED after 5 retries] Error code: 500 - the engine died"  # its own code reads D in "FAILED after"
    samples = [{"doc_id": 0, "target": "D", "filtered_resps": failure, "mmmu_acc": {"answer": "D", "parsed_pred": "D"}}]
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in samples))
    (tmp_path / "b.jsonl").write_text(json.dumps({"id": "0", **BASE, "references": ["D"], "prediction": "A"}) + "\n")
    found = vleval.gap(str(tmp_path / "samples.jsonl"), str(tmp_path / "b.jsonl")).gap
    assert [(item.cause, "right all the same" in item.detail) for item in found.differing] == [("no answer", True)]


def test_a_judge_of_vlmevalkit_is_named(tmp_path: Path) -> None:
    named = dict(zip("ABC", OPTIONS, strict=True))
    rows = [
        {
            "index": number,
            "question": f"What is {number}?",
            **named,
            "answer": "A",
            "prediction": said,
            "hit": hit,
            "log": f"Match Log: {log}. ",
        }
        for number, said, hit, log in ((0, "A", 1, "A"), (1, "the red one", 1, "A"))
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    plain = [{"id": str(row["index"]), **BASE, "question": row["question"], "prediction": row["prediction"]} for row in rows]
    (tmp_path / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in plain))
    found = vleval.gap(str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")).gap
    assert [(item.id, item.cause) for item in found.differing] == [("1", "judge")]


def test_without_a_judge_vlmevalkit_draws_nothing(tmp_path: Path) -> None:
    named = dict(zip("ABC", OPTIONS, strict=True))
    log = "Match Log: Failed in Prefetch, no GPT-based answer matching under `exact_matching` policy.. "
    row = {"index": 0, "question": "What is 0?", **named, "answer": "A", "prediction": "no idea", "hit": 0, "log": log}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    plain = {"id": "0", **BASE, "question": "What is 0?", "prediction": "no idea", "score": 1, "extracted": "A"}
    (tmp_path / "b.jsonl").write_text(json.dumps(plain) + "\n")
    found = vleval.gap(str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")).gap
    assert found.guesses == ()
    assert [item.cause for item in found.differing] == ["extraction"]
    assert "vlkit's rules read nothing: another release of it, or a filter" in found.differing[0].detail


def test_answers_in_words_are_scored_by_each_harness_own_rules(tmp_path: Path) -> None:
    rows = [{"index": n, "question": f"How many {n}?", "answer": "7", "prediction": said} for n, said in enumerate(("7", "ANSWER: 7"))]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines = [{"index": row["index"], "model_output": {"completion": row["prediction"]}, "target": "7", "messages": []} for row in rows]
    (tmp_path / "b.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    references = [{"id": str(row["index"]), "references": ["7"], "question": row["question"]} for row in rows]
    (tmp_path / "refs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in references))
    given = [str(tmp_path / name) for name in ("a.jsonl", "b.jsonl")]
    found = vleval.gap(*given, references=tmp_path / "refs.jsonl").gap
    assert [(item.id, item.cause) for item in found.differing] == [("1", "extraction")]
    assert "evalscope reads '7'" in found.differing[0].detail


def test_what_one_file_does_not_tell_is_taken_from_the_other_and_said(tmp_path: Path) -> None:
    files = draw_files(tmp_path)
    bare = [
        {"index": row["index"], "model_output": {"completion": row["sample_score"]["score"]["prediction"]}, "messages": row["messages"]}
        for row in map(json.loads, files[E].read_text().splitlines())
    ]
    (tmp_path / "bare.jsonl").write_text("".join(json.dumps(row) + "\n" for row in bare))
    said: list[str] = []
    found = vleval.gap(str(files[V]), str(tmp_path / "bare.jsonl"), tell=said.append).gap
    assert {int(item.id): item.cause for item in found.differing} == {
        n: one.causes[V, E] for n, one in enumerate(PLAN) if (V, E) in one.causes
    }
    assert found.b.scored_by == "its rules"
    assert any("without references or options of their own" in note for note in said)
    with pytest.raises(DataError, match="neither a score nor references"):
        vleval.gap(str(tmp_path / "bare.jsonl"), str(tmp_path / "bare.jsonl"))


def test_wrong_calls(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"id": "q1", **BASE}) + "\n")
    (tmp_path / "b.jsonl").write_text(json.dumps({"id": "z9", **BASE, "question": "Other?"}) + "\n")
    with pytest.raises(DataError):
        vleval.gap(str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl"))
    with pytest.raises(DataError, match="none"):
        vleval.gap(str(tmp_path / "a.jsonl"), str(tmp_path / "none.jsonl"))
    with pytest.raises(UsageError):
        vleval.gap(str(tmp_path / "a.jsonl"), str(tmp_path / "a.jsonl"), metric="no_such_metric")
    same = vleval.gap(str(tmp_path / "a.jsonl"), str(tmp_path / "a.jsonl"), exact=True)
    assert same.ok and same.gap.differing == ()


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("(B)", "B"),
        ("B", "B"),
        ("B.", "B"),
        ("A or (C)", "C"),
        ("A then B then", "B"),
        ("it is the line that is green: a green line", "C"),
        ("a green line", ""),
        ("no idea", ""),
        ("", ""),
        ("USA ", "A"),
    ],
)
def test_lmms_eval_reads(text: str, letter: str) -> None:
    assert read_choice(text, OPTIONS) == letter
