from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fixtures.openeqa import draw_openeqa
from tests.vleval.inference.server import FakeServer, answer_to, http, serve
from vldata.api.convert import convert
from vldata.datasets.dataset import Dataset
from vldata.errors import DataError, UsageError
from vleval.inference import retry
from vleval.inference.ask import Sampler, make_ask
from vleval.inference.client import StopRun
from vleval.inference.options import RunOptions
from vleval.inference.run import predict

GOOD_TOKENS = 86  # of a written picture: 384x224 is 84 tokens and two delimiters


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("predict")
    draw_openeqa(root / "source", size=(384, 216))
    convert("openeqa", root / "source", frames=2, out=root / "prepared", workers=1)
    return root / "prepared"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_DELAY_S", 0.001)


def run(folder: Path, out: Path, server: FakeServer, **options: Any) -> tuple[Any, list[dict[str, Any]]]:
    result = predict(
        Dataset(folder / "openeqa"), out, RunOptions(**{"backend": "openai", "model": "tiny", "base_url": server.url, **options})
    )
    return result, [json.loads(line) for line in out.read_text().splitlines()]


def expected(folder: Path) -> list[tuple[str, str]]:
    asks = [make_ask(record, folder) for record in Dataset(folder / "openeqa")]
    return [(ask.id, answer_to(ask.question, 2)) for ask in asks]


@pytest.mark.parametrize("backend", ["openai", "vllm", "lmdeploy", "ollama"])
def test_every_record_is_answered_in_order(backend: str, folder: Path, tmp_path: Path) -> None:
    with serve(FakeServer()) as server:
        result, rows = run(folder, tmp_path / "p.jsonl", server, backend=backend)
    assert (result.total, result.answered, result.errors) == (28, 28, 0)
    assert [(row["id"], row["prediction"]) for row in rows] == expected(folder)
    first = next(iter(Dataset(folder / "openeqa")))
    assert rows[0]["references"] == list(first.references) and rows[0]["meta"]["scene"] == first.meta["scene"]
    assert rows[0]["finish_reason"] == "stop" and rows[0]["usage"]["prompt_tokens"] == 10 + 2 * GOOD_TOKENS
    document = json.loads((tmp_path / "p.jsonl.run.json").read_text())
    assert document["sampler"]["temperature"] == 0 and document["pixels"]["processor"] == "qwen3-vl"
    timing = document["timing"]
    assert timing["asked"] == 28 and timing["answers_per_s"] > 0 and timing["seconds"] > 0


def test_a_finished_run_keeps_what_it_took(folder: Path, tmp_path: Path) -> None:
    with serve(FakeServer()) as server:
        run(folder, tmp_path / "p.jsonl", server)
        before = (tmp_path / "p.jsonl.run.json").read_bytes()
        run(folder, tmp_path / "p.jsonl", server)
        assert (tmp_path / "p.jsonl.run.json").read_bytes() == before
        result, _ = run(folder, tmp_path / "p.jsonl", server, dtype="float32")
    assert result.taken_over == 0  # answers of another type of numbers are another run's


def test_pictures_are_the_files_own_bytes_in_their_places(folder: Path, tmp_path: Path) -> None:
    import base64

    with serve(FakeServer()) as server:
        run(folder, tmp_path / "p.jsonl", server, limit=1, preflight=False, sampler=Sampler(seed=3, stop=("\n",), extra={"top_k": 1}))
    (body,) = server.bodies
    parts = body["messages"][0]["content"]
    assert [part["type"] for part in parts] == ["image_url", "image_url", "text"]
    record = next(iter(Dataset(folder / "openeqa")))
    header, data = parts[0]["image_url"]["url"].split(",")
    assert header == "data:image/jpeg;base64" and base64.b64decode(data) == (folder / record.images[0]).read_bytes()
    assert (body["seed"], body["stop"], body["top_k"], body["temperature"], body["max_tokens"]) == (3, ["\n"], 1, 0.0, 256)
    assert len(body["messages"]) == 1  # the answer is withheld


OK = json.dumps({"model": "tiny", "choices": [{"message": {"content": "x"}}]})
PASSING: dict[str, bytes | str] = {
    "reset": "reset",
    "429": http(429, "{}"),
    "429 with 0": http(429, "{}", "Retry-After: 0"),
    "429 with a date": http(429, "{}", "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT"),
    "500": http(500, "Internal Server Error"),
    "502 html": http(502, "<html>Bad gateway</html>"),
    "503": http(503, '{"error":{"message":"busy"}}'),
    "504": http(504, ""),
    "529": http(529, "{}"),
    "cut json": http(200, OK[:20]),
    "not json": http(200, "<html>"),
    "short body": http(200, OK, "Connection: close", length=len(OK) + 50),
    "bad gzip": http(200, b"\x1f\x8bnot gzip", "Content-Encoding: gzip"),
    "error inside a 200": http(200, '{"error":{"message":"engine died"}}'),
    "flat error inside a 200": http(200, '{"object":"error","message":"engine died"}'),
    "null content": http(200, '{"choices":[{"message":{"content":null}}]}'),
    "no choices": http(200, '{"choices":[]}'),
    "another model": http(200, json.dumps({"model": "other", "choices": [{"message": {"content": "wrong"}}]})),
    "NaN": http(200, '{"choices":[{"message":{"content":"x"},"logprobs":NaN}]}'),
}


@pytest.mark.parametrize("name", PASSING)
def test_passing_faults_change_nothing(name: str, folder: Path, tmp_path: Path) -> None:
    def misbehave(attempt: int, body: dict[str, Any]) -> bytes | str | None:
        fails = random.Random(json.dumps(body["messages"])[-60:]).random() < 0.5
        return PASSING[name] if attempt <= 2 and fails and body["max_tokens"] != 1 else None

    with serve(FakeServer(misbehave)) as server:
        result, rows = run(folder, tmp_path / "p.jsonl", server)
    assert result.errors == 0
    assert [(row["id"], row["prediction"]) for row in rows] == expected(folder)


def test_a_closed_connection_is_tried_again_at_once(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_DELAY_S", 60.0)  # any other wait would be noticed
    with serve(FakeServer(lambda attempt, _body: "reset" if attempt == 1 else None)) as server:
        result, rows = run(folder, tmp_path / "p.jsonl", server, preflight=False)
    assert result.errors == 0 and result.seconds < 20
    assert [(row["id"], row["prediction"]) for row in rows] == expected(folder)


@pytest.mark.parametrize(("status", "words"), [(400, "prompt too long"), (413, "too large"), (422, "bad part")])
def test_final_faults_are_error_records(status: int, words: str, folder: Path, tmp_path: Path) -> None:
    reply = http(status, json.dumps({"error": {"message": words}}))
    with serve(FakeServer(lambda _attempt, body: reply if "sofa" in str(body["messages"]) else None)) as server:
        result, rows = run(folder, tmp_path / "p.jsonl", server, preflight=False)
    bad = [row for row in rows if row["error"]]
    assert bad and result.errors == len(bad) < 28
    assert all(row["prediction"] is None and row["error"] == f"HTTP {status}: {words} (after 1 attempts)" for row in bad)
    assert max(server.asked.values()) <= 28


def test_a_picture_that_is_gone_is_an_error_record(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "prepared"))
    gone = next(iter(Dataset(copy / "openeqa"))).images[0]
    (copy / gone).unlink()
    with serve(FakeServer()) as server:
        result, rows = run(copy, tmp_path / "p.jsonl", server, preflight=False)
    bad = [row for row in rows if row["error"]]
    assert bad and result.errors == len(bad) < 28 and all(gone in row["images"] and "cannot be read" in row["error"] for row in bad)


def test_a_fault_without_end_becomes_an_error_after_the_retries(folder: Path, tmp_path: Path) -> None:
    with serve(FakeServer(lambda _attempt, _body: http(500, "down"))) as server:
        result, rows = run(folder, tmp_path / "p.jsonl", server, preflight=False, retries=2, limit=1)
    assert result.errors == 1 and rows[0]["error"] == "HTTP 500: down (after 3 attempts)"


def test_a_hang_ends_at_the_time_limit(folder: Path, tmp_path: Path) -> None:
    with serve(FakeServer(lambda attempt, _body: "hang" if attempt == 1 else None)) as server:
        result, _ = run(folder, tmp_path / "p.jsonl", server, preflight=False, timeout_s=0.3, limit=3)
    assert result.errors == 0


@pytest.mark.parametrize(("how", "words"), [("drip", "no answer within 0.3 s"), ("endless", "the reply is longer than 1,000,000 bytes")])
def test_a_reply_without_an_end_is_ended(how: str, words: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vleval.inference.client.MAX_REPLY_BYTES", 1_000_000)
    with serve(FakeServer(lambda attempt, _body: how if attempt == 1 else None)) as server:
        result, _ = run(folder, tmp_path / "p.jsonl", server, preflight=False, timeout_s=0.3, limit=3)
        assert result.errors == 0
    with serve(FakeServer(lambda _attempt, _body: how)) as server:
        _, rows = run(folder, tmp_path / "r.jsonl", server, preflight=False, timeout_s=0.3, retries=1, limit=1)
    assert words in rows[0]["error"] and rows[0]["prediction"] is None


def test_a_redirect_is_not_followed(folder: Path, tmp_path: Path) -> None:
    reply = http(307, "", "Location: http://127.0.0.1:1/elsewhere")
    with serve(FakeServer(lambda _attempt, _body: reply)) as server:
        _, rows = run(folder, tmp_path / "p.jsonl", server, preflight=False, limit=1)
    assert "redirects to 'http://127.0.0.1:1/elsewhere', which is not followed" in rows[0]["error"]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refused_key_or_model_stops_fast_with_the_cure(status: int, folder: Path, tmp_path: Path) -> None:
    with (
        serve(FakeServer(lambda _attempt, _body: http(status, '{"error":"no"}'))) as server,
        pytest.raises(StopRun, match=f"HTTP {status}"),
    ):
        run(folder, tmp_path / "p.jsonl", server, preflight=False, concurrency=2)
    assert sum(server.asked.values()) <= 4
    assert not (tmp_path / "p.jsonl").exists()


def test_nothing_finished_is_asked_again_and_errors_are(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.jsonl"
    broken = http(400, '{"error":{"message":"no"}}')
    with serve(FakeServer(lambda _attempt, body: broken if "sofa" in str(body["messages"]) else None)) as server:
        first, _ = run(folder, out, server, preflight=False)
    with serve(FakeServer()) as server:
        second, rows = run(folder, out, server, preflight=False)
    assert second.taken_over == 28 - first.errors and sum(server.asked.values()) == first.errors
    assert [(row["id"], row["prediction"]) for row in rows] == expected(folder)
    with serve(FakeServer()) as server:
        third, _ = run(folder, out, server)
        assert third.taken_over == 28 and not server.asked
        run(folder, out, server, sampler=Sampler(max_tokens=9), preflight=False)
        assert sum(server.asked.values()) == 28  # other parameters: other requests


def test_a_torn_line_is_dropped_and_a_broken_one_named(folder: Path, tmp_path: Path) -> None:
    out, journal = tmp_path / "p.jsonl", tmp_path / "p.jsonl.journal"
    with serve(FakeServer()) as server:
        run(folder, out, server, preflight=False)
        whole = out.read_bytes()
        journal.write_bytes(journal.read_bytes()[:-37])
        server.asked.clear()
        run(folder, out, server, preflight=False)
        assert sum(server.asked.values()) == 1
        strip = [{k: v for k, v in json.loads(line).items() if k != "latency_s"} for line in whole.splitlines()]
        assert strip == [{k: v for k, v in json.loads(line).items() if k != "latency_s"} for line in out.read_bytes().splitlines()]
        journal.write_bytes(b"{}\n" + journal.read_bytes())
        with pytest.raises(DataError, match=r"p\.jsonl\.journal:1: not a journal line"):
            run(folder, out, server, preflight=False)


_CHILD = """
import sys
from pathlib import Path
from vldata.datasets.dataset import Dataset
from vleval.inference.options import RunOptions
from vleval.inference.run import predict
try:
    options = RunOptions(backend="openai", model="tiny", base_url=sys.argv[3], preflight=False, concurrency=2)
    predict(Dataset(sys.argv[1]), Path(sys.argv[2]), options)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize(("how", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 130), (signal.SIGINT, 130)])
def test_whatever_ends_a_run_it_goes_on(how: signal.Signals, code: int, folder: Path, tmp_path: Path) -> None:
    out, journal = tmp_path / "p.jsonl", tmp_path / "p.jsonl.journal"
    holding = True

    def hold(_attempt: int, _body: dict[str, Any]) -> str | None:
        return "hang" if holding and sum(server.asked.values()) > 5 else None  # the run cannot end before it is ended

    with serve(FakeServer(hold)) as server:
        child = subprocess.Popen([sys.executable, "-c", _CHILD, str(folder / "openeqa"), str(out), server.url], stderr=subprocess.DEVNULL)
        while not journal.exists() or journal.read_bytes().count(b"\n") < 3:
            assert child.poll() is None, "it ended by itself"
            time.sleep(0.02)
        os.kill(child.pid, how)
        assert child.wait(10) == code and not out.exists()
        finished = {request_of(json.loads(line)["prediction"]) for line in journal.read_bytes().split(b"\n")[:-1]}
        before, holding = dict(server.asked), False
        _, rows = run(folder, out, server, preflight=False)
    assert [(row["id"], row["prediction"]) for row in rows] == expected(folder)
    left = Counter(row["question"] for row in rows if request_of(row) not in finished)
    assert server.asked - Counter(before) == left and 0 < left.total() < len(rows)


def request_of(row: dict[str, Any]) -> tuple[str, ...]:
    """What tells the requests of these records apart."""
    return row["question"], *row["images"]


def test_concurrency_is_bounded(folder: Path, tmp_path: Path) -> None:
    with serve(FakeServer()) as server:
        run(folder, tmp_path / "p.jsonl", server, preflight=False, concurrency=3)
    assert 1 < server.most_at_once <= 3


def test_retry_after_and_jitter() -> None:
    assert retry.parse_retry_after("7") == 7 and retry.parse_retry_after("0") == 0 and retry.parse_retry_after("900") == 60
    assert retry.parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT", now=1445412470.0) == 10
    assert retry.parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert [retry.parse_retry_after(odd) for odd in (None, "", "soon", "nan")] == [-1, -1, -1, -1]
    assert retry.parse_retry_after("-5") == 0
    rng = random.Random(0)
    assert all(0 <= retry.delay_s(attempt, -1, rng) <= min(60, retry.FIRST_DELAY_S * 2**attempt) for attempt in range(1, 12))
    assert retry.delay_s(9, 3.0, rng) == 3.0


def test_an_unknown_backend_is_named_with_the_nearest(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no backend 'olama'. Did you mean 'ollama'"):
        predict(Dataset(folder / "openeqa"), tmp_path / "p.jsonl", RunOptions(backend="olama", model="tiny"))


@pytest.mark.parametrize("backend", ["openai", "vllm", "ollama"])
def test_an_adapter_that_a_server_would_not_know_of_is_refused(backend: str, folder: Path, tmp_path: Path) -> None:
    with serve(FakeServer()) as server, pytest.raises(UsageError, match=f"the {backend} backend takes no adapter") as caught:
        run(folder, tmp_path / "p.jsonl", server, backend=backend, adapter="runs/lora")
    assert not server.asked and "--backend hf" in caught.value.cure
