from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fixtures.openeqa import draw_openeqa
from tests.vleval.inference.server import FakeServer, http, serve
from vldata.api.convert import convert
from vldata.datasets.dataset import Dataset
from vldata.errors import DataError, UsageError
from vleval.cli import main
from vleval.inference import openai_wire
from vleval.inference.ask import Sampler, iter_asks
from vleval.inference.backends import find_server
from vleval.inference.bench import bench
from vleval.inference.bench_chart import draw_chart
from vleval.inference.client import Endpoint


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
        levels = bench(endpoint(server), openai_wire, asks, [1, 4], requests=20, warmup=3)
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
            bench(endpoint(server), openai_wire, asks, [2], requests=10, warmup=2, fresh_images=fresh)
            seen = {body["messages"][0]["content"][0]["image_url"]["url"] for body in server.bodies}
        assert len(seen) == pictures


def test_what_is_no_server_cannot_be_measured() -> None:
    with pytest.raises(UsageError, match="there is no server to ask"):
        find_server("hf")


def test_failures_are_counted_and_a_server_that_answers_nothing_is_named(folder: Path) -> None:
    asks = list(iter_asks(Dataset(folder / "openeqa")))

    def sometimes(attempt: int, body: dict[str, Any]) -> bytes:
        return http(500, '{"error":{"message":"busy"}}') if "rug" in str(body["messages"]) else stream(attempt, body)

    with serve(FakeServer(sometimes)) as server:
        (level,) = bench(endpoint(server), openai_wire, asks, [2], requests=12, warmup=0)
    assert 0 < level.errors < 12 and level.first_error == "HTTP 500: busy"
    words = "no request was answered; the first: the stream ended without a token"
    empty = FakeServer(lambda _attempt, _body: http(200, "data: [DONE]\n\n"))
    with serve(empty) as server, pytest.raises(DataError, match=words):
        bench(endpoint(server), openai_wire, asks, [1], requests=2, warmup=0)


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
        (level,) = bench(endpoint(server), openai_wire, asks, [4], requests=40, warmup=0)
    assert (level.requests, level.errors) == (40, 0)
