"""The heavy proofs of asking, `make faults`: kill -9 again and again, journals torn anywhere, faults on half of all attempts."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.vleval.inference.server import FakeServer, answer_to, http, serve
from tests.vleval.inference.test_predict import PASSING
from vldata.api.convert import convert
from vldata.datasets.dataset import Dataset
from vldata.errors import DataError
from vleval.inference import retry
from vleval.inference.options import RunOptions
from vleval.inference.run import predict

RECORDS = 2_000
FINAL = [(400, "prompt too long"), (413, "too large"), (422, "bad part")]
Row = dict[str, Any]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_data(tmp_path_factory.mktemp("many"), RECORDS)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_data(tmp_path_factory.mktemp("few"), 30)


def make_data(root: Path, count: int) -> str:
    """Questions that no two records share, about eight pictures."""
    for number in range(8):
        Image.new("RGB", (256, 256), (30 * number, 90, 120)).save(root / f"{number}.png")
    rows = ({"image": f"{n % 8}.png", "question": f"What is thing {n}?", "answer": "a thing"} for n in range(count))
    (root / "things.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    convert("jsonl", root / "things.jsonl", image_root=root, name="things", out=root / "prepared", workers=1)
    return str(root / "prepared" / "things")


def settle(rows: list[Row]) -> list[Row]:
    """Rows without what a clock decides."""
    return [{key: value for key, value in row.items() if key != "latency_s"} for row in rows]


def ask_all(data: str, out: Path, server: FakeServer, **options: Any) -> list[Row]:
    predict(Dataset(data), out, RunOptions(**{"backend": "openai", "model": "tiny", "base_url": server.url, **options}))
    return settle([json.loads(line) for line in out.read_text().splitlines()])


def calm_answers(data: str, out: Path) -> list[Row]:
    with serve(FakeServer()) as server:
        rows = ask_all(data, out, server, concurrency=64)
    assert all(row["prediction"] == answer_to(row["question"], 1) for row in rows)
    return rows


@pytest.fixture(scope="module")
def calm(data: str, tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    return calm_answers(data, tmp_path_factory.mktemp("calm") / "p.jsonl")


CHILD = """
import sys
from pathlib import Path
from vldata.datasets.dataset import Dataset
from vleval.inference import retry
from vleval.inference.options import RunOptions
from vleval.inference.run import predict
retry.FIRST_DELAY_S, retry.MAX_DELAY_S = 0.001, 0.02
options = RunOptions(backend="openai", model="tiny", base_url=sys.argv[3], concurrency=16, retries=60)
predict(Dataset(sys.argv[1]), Path(sys.argv[2]), options)
"""


def finished(journal: Path) -> set[str]:
    """Questions with an answer in the journal's whole lines."""
    if not journal.exists():
        return set()
    lines = [json.loads(line)["prediction"] for line in journal.read_bytes().split(b"\n")[:-1]]
    return {line["question"] for line in lines if line["error"] is None}


@pytest.mark.parametrize("faulty", [False, True])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_killed_again_and_again_nothing_finished_is_asked_twice(
    seed: int, faulty: bool, data: str, calm: list[Row], tmp_path: Path
) -> None:
    rng, out, kills = random.Random(seed), tmp_path / "p.jsonl", 0
    journal = tmp_path / "p.jsonl.journal"
    with serve(FakeServer(misbehave_at(seed) if faulty else None)) as server:
        while True:
            known = finished(journal)
            before = {question: server.asked[question] for question in known}
            child = subprocess.Popen([sys.executable, "-c", CHILD, data, str(out), server.url])
            start = time.monotonic()
            limit = 120.0 if kills >= 12 else 0.0
            while child.poll() is None and not limit and len(finished(journal)) == len(known) and time.monotonic() - start < 20:
                time.sleep(0.01)
            try:
                code = child.wait(limit or rng.uniform(0.0, 0.1))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                kills += 1
                code = None
            assert {question: server.asked[question] for question in known} == before
            if code is not None:
                break
            if out.exists():  # killed between the file's writing and its exit: the file is whole
                assert settle([json.loads(line) for line in out.read_text().splitlines()]) == calm
    assert code == 0 and kills >= 3
    assert settle([json.loads(line) for line in out.read_text().splitlines()]) == calm


def misbehave_at(seed: int, *, spare: frozenset[str] = frozenset()) -> Any:
    """A passing fault on half of all attempts, chosen by seed, question and attempt; the look at the server before a run is spared."""

    def misbehave(attempt: int, body: Row) -> bytes | str | None:
        if body["max_tokens"] == 1:
            return None
        question = body["messages"][-1]["content"][-1]["text"]
        if question in spare:
            status, words = FINAL[len(question) % len(FINAL)]
            return http(status, json.dumps({"error": {"message": words}}))
        rng = random.Random(f"{seed}/{question}/{attempt}")
        return PASSING[rng.choice(sorted(PASSING))] if rng.random() < 0.5 else None

    return misbehave


@pytest.fixture
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_DELAY_S", 0.001)
    monkeypatch.setattr(retry, "MAX_DELAY_S", 0.02)


@pytest.mark.usefixtures("_hurry")
@pytest.mark.parametrize("seed", range(5))
def test_faults_on_half_of_all_attempts_change_nothing(seed: int, data: str, calm: list[Row], tmp_path: Path) -> None:
    with serve(FakeServer(misbehave_at(seed))) as server:
        rows = ask_all(data, tmp_path / "p.jsonl", server, concurrency=64, retries=60)
        attempts = sum(server.asked.values())
    assert rows == calm
    assert 1.8 * RECORDS < attempts < 2.2 * RECORDS


@pytest.mark.usefixtures("_hurry")
@pytest.mark.parametrize("seed", [10, 11])
def test_what_cannot_pass_is_an_error_and_nothing_else_is(seed: int, data: str, calm: list[Row], tmp_path: Path) -> None:
    bad = frozenset(random.Random(seed).sample([row["question"] for row in calm], 100))
    with serve(FakeServer(misbehave_at(seed, spare=bad))) as server:
        rows = ask_all(data, tmp_path / "p.jsonl", server, concurrency=64, retries=60)
        assert all(server.asked[question] <= 3 for question in bad)  # one of them may be what the server is looked at with
        assert sum(server.asked[question] > 1 for question in bad) <= 1
    assert {row["question"] for row in rows if row["error"]} == bad
    assert all(row["prediction"] is None and row["error"].startswith("HTTP 4") for row in rows if row["error"])
    good = [row for row in calm if row["question"] not in bad]
    assert [row for row in rows if not row["error"]] == good


def test_a_journal_torn_anywhere_asks_only_what_is_lost(few: str, tmp_path: Path) -> None:
    whole = calm_answers(few, tmp_path / "p.jsonl")
    journal = tmp_path / "p.jsonl.journal"
    content = journal.read_bytes()
    rng = random.Random(0)
    places = {0, 1, len(content) - 1, len(content), *(rng.randrange(len(content)) for _ in range(150))}
    with serve(FakeServer()) as server:
        for place in sorted(places):
            journal.write_bytes(content[:place])
            server.asked.clear()
            assert ask_all(few, tmp_path / "p.jsonl", server, preflight=False) == whole
            assert sum(server.asked.values()) == 30 - content[:place].count(b"\n")


def test_a_journal_damaged_in_its_middle_is_named_or_harmless(few: str, tmp_path: Path) -> None:
    whole = calm_answers(few, tmp_path / "p.jsonl")
    journal = tmp_path / "p.jsonl.journal"
    content = journal.read_bytes()
    rng = random.Random(1)
    named = 0
    with serve(FakeServer()) as server:
        for _ in range(150):
            place = rng.randrange(len(content))
            journal.write_bytes(content[:place] + bytes([rng.choice([0, 10, 34, 123, 255])]) + content[place + 1 :])
            try:
                rows = ask_all(few, tmp_path / "p.jsonl", server, preflight=False)
            except DataError as error:
                assert "p.jsonl.journal:" in str(error) and "Remove that line" in str(error)
                named += 1
                continue
            assert [row["id"] for row in rows] == [row["id"] for row in whole]
            assert sum(row != good for row, good in zip(rows, whole, strict=True)) <= 1  # a byte of text is a byte of text
    assert named > 50
