from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import vleval.inference.bench as bench_module
from fixtures.openeqa import draw_openeqa
from tests.vleval.inference.server import FakeServer, http, serve
from vldata.api.convert import convert
from vldata.datasets.dataset import Dataset
from vldata.errors import DataError, UsageError
from vleval.cli import main
from vleval.inference import openai_wire
from vleval.inference.ask import Sampler, iter_asks
from vleval.inference.backends import find_server
from vleval.inference.bench import Run, bench, kept_goal
from vleval.inference.bench_chart import draw_chart
from vleval.inference.bench_engine import bench_engine
from vleval.inference.client import Endpoint, Outcome
from vleval.inference.retry import Answer, AskFault


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bench")
    draw_openeqa(root / "source", size=(384, 216))
    convert("openeqa", root / "source", frames=1, out=root / "prepared", workers=1, limit=6)
    return root / "prepared"


def stream(_attempt: int, body: dict[str, Any]) -> bytes:
    """Four tokens and a count, as a stream; the fake server has waited 2 ms before it."""
    assert body["stream"] is True and body["stream_options"] == {"include_usage": True}
    events = [{"choices": [{"delta": {"role": "assistant", "content": ""}}]}]
    events += [{"choices": [{"delta": {"content": word}}]} for word in ("It", " is", " a", " sofa")]
    events += [{"choices": [], "usage": {"completion_tokens": 5}}]
    lines = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    return http(200, lines)


def endpoint(server: FakeServer) -> Endpoint:
    return Endpoint(base_url=f"{server.url}/v1", model="tiny", sampler=Sampler(max_tokens=8))


def test_levels_count_requests_tokens_and_times(folder: Path) -> None:
    asks = list(iter_asks(Dataset(folder / "openeqa")))
    with serve(FakeServer(stream)) as server:
        levels = bench(endpoint(server), openai_wire, asks, Run(levels=(1, 4), requests=20, warmup=3))
        assert len(server.bodies) == 43 and server.most_at_once <= 4
    for level in levels:
        assert (level.requests, level.errors) == (20, 0)
        assert 2 <= level.ttft_ms["p50"] <= level.ttft_ms["p95"] <= level.total_ms["p99"]
        assert level.tokens_per_s == pytest.approx(5 * level.requests_per_s, rel=1e-3)
        assert level.requests_per_s == pytest.approx(20 / level.seconds, rel=1e-2)
    svg = draw_chart(levels)
    assert svg.startswith("<svg") and svg.count("<polyline") == 6 and "tokens a second" in svg


def test_fresh_images_differ_in_every_request(folder: Path) -> None:
    asks = list(iter_asks(Dataset(folder / "openeqa"), 1))
    for fresh, pictures in ((False, 1), (True, 12)):
        with serve(FakeServer(stream)) as server:
            bench(endpoint(server), openai_wire, asks, Run(levels=(2,), requests=10, warmup=2, fresh_images=fresh))
            seen = {body["messages"][0]["content"][0]["image_url"]["url"] for body in server.bodies}
        assert len(seen) == pictures


def test_fresh_images_are_made_before_the_clock_starts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asks, made = list(iter_asks(Dataset(folder / "openeqa"), 1)), []
    real = bench_module.streaming
    monkeypatch.setattr(bench_module, "streaming", lambda body, wire: made.append(len(server.bodies)) or real(body, wire))
    with serve(FakeServer(stream)) as server:
        bench(endpoint(server), openai_wire, asks, Run(levels=(2,), requests=6, warmup=0, fresh_images=True))
    assert made == [0] * 6
    monkeypatch.setattr(bench_module, "_MOST_MADE", 1_000)
    with serve(FakeServer(stream)) as server, pytest.raises(UsageError, match="made before the clock starts"):
        bench(endpoint(server), openai_wire, asks, Run(levels=(2,), requests=6, warmup=0, fresh_images=True))


def test_an_open_loop_sends_when_requests_are_due(folder: Path) -> None:
    asks = list(iter_asks(Dataset(folder / "openeqa")))
    with serve(FakeServer(stream)) as server:
        levels = bench(endpoint(server), openai_wire, asks, Run(rates=(200.0,), requests=40, warmup=1))
    (level,) = levels
    assert (level.rate, level.requests, level.errors) == (200.0, 40, 0)
    assert level.concurrency >= 1 and level.seconds > 0.1 and set(level.late_ms) == {"p50", "p95", "p99"}
    assert level.total_ms["p50"] >= level.ttft_ms["p50"] >= 2


def test_the_search_ends_between_a_rate_that_keeps_the_goal_and_one_that_does_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_module, "_FIRST", 64.0)
    monkeypatch.setattr(bench_module, "_LOWEST", 16.0)
    asks = list(iter_asks(Dataset(folder / "openeqa")))
    run = Run(goal_ms=1.0, requests=4, warmup=0)  # the fake server waits 2 ms: no rate can keep it
    with serve(FakeServer(stream)) as server:
        tried = bench(endpoint(server), openai_wire, asks, run)
    assert [level.rate for level in tried] == [64.0, 32.0, 16.0] and not any(kept_goal(level, run) for level in tried)
    easy = Run(goal_ms=60_000.0, requests=1, warmup=0)
    with serve(FakeServer(stream)) as server:
        tried = bench(endpoint(server), openai_wire, asks, easy)
    assert all(kept_goal(level, easy) for level in tried) and tried[-1].rate == 64.0 * 2**12


def test_a_long_line_of_a_stream_is_read(folder: Path) -> None:
    """Ollama's last line holds the context; vLLM's lines grow with it."""

    def long(attempt: int, body: dict[str, Any]) -> bytes:
        event = json.dumps({"choices": [{"delta": {"content": "x" * 300_000}}]})
        return http(200, f'data: {event}\n\ndata: {{"choices":[],"usage":{{"completion_tokens":5}}}}\n\ndata: [DONE]\n\n')

    with serve(FakeServer(long)) as server:
        (level,) = bench(endpoint(server), openai_wire, list(iter_asks(Dataset(folder / "openeqa"))), Run(requests=3, warmup=0))
    assert (level.errors, level.requests) == (0, 3)


def test_a_model_in_this_process_is_timed(folder: Path) -> None:
    class Slow:
        names = ()

        def answer(self, asks: Any, on_done: Any) -> None:
            for key, ask in asks:
                bad = AskFault(fate="give_up", reason="too long") if "rug" in ask.question else Answer(text="x", completion_tokens=3)
                on_done(Outcome(key, ask, bad, 1, 0.0))

    asks = list(iter_asks(Dataset(folder / "openeqa")))
    levels = bench_engine(Slow(), asks, Run(levels=(1, 4), requests=12))
    assert [(level.concurrency, level.requests) for level in levels] == [(1, 12), (4, 12)]
    assert all(level.ttft_ms == {} and level.total_ms["p50"] >= 0 and level.first_error == "too long" for level in levels)


def test_loads_that_cannot_be_are_named(folder: Path, vleval: Any) -> None:
    start = ("bench", "--data", folder / "openeqa", "--model", "m", "--base-url", "http://127.0.0.1:9")
    for more, words in (
        (("--rate", "a"), "not a list of numbers"),
        (("--rate", "0"), "0.001 to 10,000"),
        (("--rate", "1", "--goal-ms", "5"), "searches the rate itself"),
    ):
        ran = vleval(*start, *more)
        assert ran.code == 2 and words in ran.err
    ran = vleval("bench", "--data", folder / "openeqa", "--model", "m", "--backend", "hf", "--rate", "1")
    assert ran.code == 2 and "are for servers" in ran.err


def test_what_is_no_server_cannot_be_measured() -> None:
    with pytest.raises(UsageError, match="there is no server to ask"):
        find_server("hf")


def test_failures_are_counted_and_a_server_that_answers_nothing_is_named(folder: Path) -> None:
    asks = list(iter_asks(Dataset(folder / "openeqa")))

    def sometimes(attempt: int, body: dict[str, Any]) -> bytes:
        return http(500, '{"error":{"message":"busy"}}') if "rug" in str(body["messages"]) else stream(attempt, body)

    with serve(FakeServer(sometimes)) as server:
        (level,) = bench(endpoint(server), openai_wire, asks, Run(levels=(2,), requests=12, warmup=0))
    assert 0 < level.errors < 12 and level.first_error == "HTTP 500: busy"
    words = "no request was answered; the first: the stream ended without a token"
    empty = FakeServer(lambda _attempt, _body: http(200, "data: [DONE]\n\n"))
    with serve(empty) as server, pytest.raises(DataError, match=words):
        bench(endpoint(server), openai_wire, asks, Run(levels=(1,), requests=2, warmup=0))


def test_the_command_prints_a_table_or_json(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(FakeServer(stream)) as server:
        args = ["vleval", "bench", "--data", str(folder / "openeqa"), "--model", "tiny", "--base-url", server.url, "--concurrency", "1,2"]
        for more in ([], ["--json", "--chart", str(tmp_path / "c.svg")]):
            monkeypatch.setattr(sys, "argv", [*args, "--requests", "4", *more])
            with pytest.raises(SystemExit) as ended:
                main()
            assert not ended.value.code
            out = capsys.readouterr().out
            if more:
                assert [level["concurrency"] for level in json.loads(out)["levels"]] == [1, 2]
            else:
                head = "in flight req/s tok/s first p50 p95 p99 token p50 p95 p99 answer p50 p95 p99 errors"
                assert " ".join(out.splitlines()[0].split()) == head
                assert out.splitlines()[1].split()[0] == "1" and out.splitlines()[1].endswith("0 of 4")
    assert (tmp_path / "c.svg").read_text().startswith("<svg")


def test_a_chart_that_cannot_be_written_is_a_sentence(folder: Path, tmp_path: Path, vleval: Any) -> None:
    with serve(FakeServer(stream)) as server:
        args = ("--data", folder / "openeqa", "--model", "tiny", "--base-url", server.url, "--concurrency", "1", "--requests", "1")
        ran = vleval("bench", *args, "--chart", tmp_path / "no" / "c.svg")
    assert ran.code == 1 and "cannot be written: No such file or directory." in ran.err and "Traceback" not in ran.err


def test_a_kept_connection_that_was_closed_is_no_error(folder: Path) -> None:
    """As llama-server does: every stream ends its connection, though nothing in it says so."""
    asks = list(iter_asks(Dataset(folder / "openeqa")))

    def closing(attempt: int, body: dict[str, Any]) -> bytes:
        return stream(attempt, body).replace(b"Content-Type", b"X-Fake: Connection: close\r\nContent-Type", 1)

    with serve(FakeServer(closing)) as server:
        (level,) = bench(endpoint(server), openai_wire, asks, Run(levels=(4,), requests=40, warmup=0))
    assert (level.requests, level.errors) == (40, 0)
