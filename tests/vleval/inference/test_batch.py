"""Batch files: what is written for a fleet, and what is read back in whatever order and number of runs it was answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.vleval.inference.server import answer_to
from vldata.datasets.dataset import Dataset
from vldata.errors import DataError, UsageError
from vleval.inference.ask import Ask, iter_asks
from vleval.inference.batch import read_batch, write_batch
from vleval.inference.options import RunOptions

OPTIONS = RunOptions(backend="openai", model="tiny")
Line = dict[str, Any]


def write_lines(path: Path, lines: list[Line]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def read_lines(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def answered(request: Line) -> Line:
    """What a fleet makes of a request."""
    text = answer_to(request["body"]["messages"][-1]["content"][-1]["text"], 2)
    choice = {"message": {"content": text}, "finish_reason": "stop"}
    body = {"model": "tiny", "choices": [choice], "system_fingerprint": "f1"}
    return {"custom_id": request["custom_id"], "response": {"status_code": 200, "body": body}, "error": None}


def failed(request: Line, words: str) -> Line:
    return {"custom_id": request["custom_id"], "response": None, "error": {"message": words}}


def asks(prepared: Path) -> list[Ask]:
    return list(iter_asks(Dataset(prepared / "openeqa")))


def test_answers_find_their_records_in_any_order(prepared: Path, tmp_path: Path) -> None:
    dataset, out = Dataset(prepared / "openeqa"), tmp_path / "p.jsonl"
    count = write_batch(dataset, tmp_path / "b.jsonl", OPTIONS)
    requests = read_lines(tmp_path / "b.jsonl")
    assert count == len(requests) == len({ask.question for ask in asks(prepared)})
    assert requests[0]["url"] == "/v1/chat/completions" and requests[0]["method"] == "POST"
    lines = [answered(request) for request in reversed(requests)]
    lines[0] = failed(requests[-1], "out of memory")
    del lines[1]
    result = read_batch(dataset, write_lines(tmp_path / "a.jsonl", lines), out, OPTIONS)
    rows = read_lines(out)
    bad = [row for row in rows if row["error"] is not None]
    assert [row["id"] for row in rows] == [ask.id for ask in asks(prepared)]
    assert (result.total, result.answered, result.errors) == (len(rows), len(rows) - len(bad), len(bad))
    assert {row["error"] for row in bad} == {"out of memory", "the batch output has no line for this request"}
    assert result.first_error == f"{bad[0]['id']}: {bad[0]['error']}"
    assert all(row["prediction"] == answer_to(row["question"], 2) for row in rows if row["error"] is None)
    document = json.loads((tmp_path / "p.jsonl.run.json").read_text())
    assert (document["model"], document["answered_as"], document["server_fingerprints"]) == ("tiny", ["tiny"], ["f1"])


def test_of_several_runs_an_answer_counts_before_an_error(prepared: Path, tmp_path: Path) -> None:
    dataset = Dataset(prepared / "openeqa")
    write_batch(dataset, tmp_path / "b.jsonl", OPTIONS)
    requests = read_lines(tmp_path / "b.jsonl")
    good, bad = [answered(request) for request in requests], [failed(request, "busy") for request in requests]
    for lines in (good + bad, bad + good):
        assert read_batch(dataset, write_lines(tmp_path / "a.jsonl", lines), tmp_path / "p.jsonl", OPTIONS).errors == 0


def test_answers_to_other_requests_are_refused(prepared: Path, tmp_path: Path) -> None:
    dataset = Dataset(prepared / "openeqa")
    write_batch(dataset, tmp_path / "b.jsonl", OPTIONS)
    answers = write_lines(tmp_path / "a.jsonl", [answered(request) for request in read_lines(tmp_path / "b.jsonl")])
    with pytest.raises(DataError, match="no line belongs to these requests"):
        read_batch(dataset, answers, tmp_path / "p.jsonl", RunOptions(backend="openai", model="other"))
    write_lines(answers, [["no", "object"]])  # type: ignore[list-item]
    with pytest.raises(DataError, match=r"a\.jsonl:1: is not an object"):
        read_batch(dataset, answers, tmp_path / "p.jsonl", OPTIONS)
    assert not (tmp_path / "p.jsonl").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (RunOptions(backend="ollama", model="tiny"), "which the ollama backend does not speak"),
        (RunOptions(backend="hf", model="tiny"), "runs in this process"),
        (RunOptions(backend="openai", model="tiny", adapter="a"), "names a model and no adapter"),
    ],
)
def test_what_a_batch_file_cannot_ask_is_refused(options: RunOptions, words: str, prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        write_batch(Dataset(prepared / "openeqa"), tmp_path / "b.jsonl", options)
    assert not (tmp_path / "b.jsonl").exists()


@pytest.mark.parametrize("reading", [[], ["--format", "batch"]])
def test_the_command_writes_and_reads(reading: list[str], prepared: Path, tmp_path: Path, vleval: Any) -> None:
    requests, answers, out = tmp_path / "requests.jsonl", tmp_path / "answers.jsonl", tmp_path / "preds.jsonl"
    ask = ("predict", "--data", prepared / "openeqa", "--model", "tiny")
    wrote = vleval(*ask, "--format", "batch", "--out", requests)
    assert (wrote.code, wrote.out) == (0, f"{len(read_lines(requests))} requests: {requests}\n")
    assert f"vllm run-batch -i {requests} -o answers.jsonl --model tiny" in wrote.err
    assert json.loads(vleval(*ask, "--format", "batch", "--out", requests, "--json").out)["requests"] == len(read_lines(requests))
    write_lines(answers, [answered(request) for request in read_lines(requests)])
    read = vleval(*ask, "--from-batch", answers, "--out", out, *reading)
    assert (read.code, read.out) == (0, f"6 of 6 answered, 0 errors: {out}\n")
    assert [row["prediction"] for row in read_lines(out)] == [answer_to(ask.question, 2) for ask in asks(prepared)]
    write_lines(answers, [failed(request, "Out of room.") for request in read_lines(requests)])
    bad = vleval(*ask, "--from-batch", answers, "--out", out, "--json")
    assert bad.code == 1 and json.loads(bad.out)["errors"] == 6
    assert "Out of room. Have the batch answered again" in bad.err
