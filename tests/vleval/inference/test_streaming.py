"""A run holds a window of the dataset, never all of it, and one run at a time writes a file."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from tests.vleval.inference.server import FakeServer, answer_to, http, serve
from vldata.api.convert import convert
from vldata.datasets.dataset import Dataset
from vldata.errors import DataError
from vldata.files.lock import hold
from vldata.records.record import Message, Record
from vleval.inference.ask import make_ask
from vleval.inference.options import RunOptions
from vleval.inference.run import predict

SMALL = 1_000  # more than a run holds at a time


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Datasets of text-only records, a kilobyte each, named by their numbers: `n100`, `n1000` and `n3000`."""
    root = tmp_path_factory.mktemp("texts")
    for size in (100, SMALL, 3 * SMALL):
        with (root / f"{size}.jsonl").open("w") as lines:
            for number in range(size):
                turns = [{"role": "user", "content": f"Question {number}? " + "x" * 1_000}, {"role": "assistant", "content": "4"}]
                lines.write(json.dumps({"messages": turns}) + "\n")
        convert("sharegpt", root / f"{size}.jsonl", out=root / "prepared", name=f"n{size}", workers=1)
    return root / "prepared"


def peak(folder: Path, size: int, out: Path, server: FakeServer) -> int:
    """Most bytes that Python objects of a run took, the run a second one that takes all over."""
    options = RunOptions(backend="openai", model="tiny", base_url=server.url, preflight=False, concurrency=8)
    server.bodies, server.asked = _NoBodies(), _NoCounts()
    tracemalloc.start()
    try:
        predict(Dataset(folder / f"n{size}"), out, options)
        assert predict(Dataset(folder / f"n{size}"), out, options).taken_over == size
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class _NoBodies(list):  # type: ignore[type-arg]
    """Keeps no bodies: the server's memory is not what is measured."""

    def append(self, item: object) -> None:
        return


class _NoCounts(Counter):  # type: ignore[type-arg]
    """Counts no questions, likewise."""

    def __setitem__(self, key: object, value: int) -> None:
        return


def test_memory_does_not_grow_with_the_records(folder: Path, tmp_path: Path) -> None:
    with serve(FakeServer()) as server:
        peak(folder, 100, tmp_path / "warm.jsonl", server)
        few, many = (peak(folder, size, tmp_path / f"{size}.jsonl", server) for size in (SMALL, 3 * SMALL))
    assert many - few < 2 * SMALL * 300, (few, many)  # the records alone are 2,000 x 1,000 characters, in lines and journal twice that


def test_the_predictions_of_many_records_stand_in_their_order(folder: Path, tmp_path: Path) -> None:
    with serve(FakeServer()) as server:
        options = RunOptions(backend="openai", model="tiny", base_url=server.url, preflight=False, concurrency=64)
        predict(Dataset(folder / f"n{3 * SMALL}"), tmp_path / "p.jsonl", options)
    ids = [json.loads(line)["id"] for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert ids == [record.id for record in Dataset(folder / f"n{3 * SMALL}")]


def test_two_runs_do_not_write_one_file(folder: Path, tmp_path: Path) -> None:
    options = RunOptions(backend="openai", model="tiny", base_url="http://127.0.0.1:9", preflight=False)
    with hold(tmp_path / ".p.jsonl.lock", "p.jsonl"), pytest.raises(DataError, match=r"p\.jsonl is in use by process"):
        predict(Dataset(folder / f"n{SMALL}"), tmp_path / "p.jsonl", options)
    assert not (tmp_path / "p.jsonl.journal").exists()


def test_a_journal_with_a_foreign_key_and_a_record_with_a_video_are_named(folder: Path, tmp_path: Path) -> None:
    options = RunOptions(backend="openai", model="tiny", base_url="http://127.0.0.1:9", preflight=False)
    line = {"key": "mine", "prediction": {"schema": "vlkit.prediction/1", "id": "a", "prediction": "x"}}
    (tmp_path / "p.jsonl.journal").write_text(json.dumps(line) + "\n")
    with pytest.raises(DataError, match=r"journal:1: not a journal line"):
        predict(Dataset(folder / f"n{SMALL}"), tmp_path / "p.jsonl", options)
    messages = (Message("user", "<video>What?"), Message("assistant", "That."))
    record = Record(id="v", messages=messages, images=(), references=(), meta={}, videos=("videos/a.mp4",))
    with pytest.raises(DataError, match="record 'v' shows a video"):
        make_ask(record, tmp_path)


def test_of_equal_requests_an_answer_counts_before_an_error(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "The same?"}, {"role": "assistant", "content": "Yes"}]
    (tmp_path / "s.jsonl").write_text((json.dumps({"messages": turns}) + "\n") * 4)
    convert("sharegpt", tmp_path / "s.jsonl", out=tmp_path / "prepared", name="same", workers=1)
    bad = http(400, '{"error":{"message":"no"}}')
    for answered in (1, 3):  # the attempt that is answered: the others are final errors
        out = tmp_path / f"{answered}.jsonl"
        with serve(FakeServer(lambda attempt, _body, good=answered: None if attempt == good else bad)) as server:
            options = RunOptions(backend="openai", model="tiny", base_url=server.url, preflight=False, concurrency=1)
            result = predict(Dataset(tmp_path / "prepared" / "same"), out, options)
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        assert (result.answered, result.errors) == (4, 0) and len({row["id"] for row in rows}) == 4
        assert {row["prediction"] for row in rows} == {answer_to("The same?", 0)}
