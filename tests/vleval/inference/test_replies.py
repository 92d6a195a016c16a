"""Replies of real servers beyond plain text, requests that a server wants otherwise, and refusals that meet every question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.vleval.inference.server import FakeServer, http, serve
from vldata.datasets.dataset import Dataset
from vldata.errors import UsageError
from vleval.inference import openai_wire
from vleval.inference.ask import Sampler
from vleval.inference.client import StopRun
from vleval.inference.options import RunOptions
from vleval.inference.run import predict


def reply(message: dict[str, Any], finish: str | None = "stop") -> Any:
    return openai_wire.parse_reply(200, json.dumps({"model": "m", "choices": [{"message": message, "finish_reason": finish}]}).encode())


@pytest.mark.parametrize(
    ("message", "finish", "wanted"),
    [
        ({"content": [{"type": "text", "text": "c"}, {"type": "text", "text": "at"}]}, "stop", ("cat", "stop")),
        ({"content": [{"type": "thinking", "thinking": "x"}, {"type": "text", "text": "cat"}]}, "stop", ("cat", "stop")),
        ({"content": None}, "length", ("", "length")),
        ({"content": None}, "content_filter", ("", "content_filter")),
        ({"content": None, "tool_calls": [{"id": "1"}]}, "tool_calls", ("", "tool_calls")),
        ({"content": None, "refusal": "I cannot."}, "stop", ("I cannot.", "refusal")),
        ({"content": [{"type": "refusal", "refusal": "No."}]}, "stop", ("No.", "refusal")),
        ({"content": None, "reasoning_content": "hm"}, "stop", ("", "reasoning_only")),
        ({"content": "", "reasoning": "hm"}, "length", ("", "length")),
        ({"content": "cat", "reasoning_content": "hm"}, "stop", ("cat", "stop")),
        ({"content": ""}, "stop", ("", "stop")),
    ],
)
def test_a_reply_is_what_it_is_and_not_asked_again(message: dict[str, Any], finish: str, wanted: tuple[str, str]) -> None:
    answer = reply(message, finish)
    assert (answer.text, answer.finish_reason) == wanted


def test_replies_without_an_answer_are_counted_as_what_they_are(prepared: Path, tmp_path: Path, vleval: Any) -> None:
    ends = ("length", "content_filter", "tool_calls", "refusal", "stop")

    def silent(_attempt: int, _body: dict[str, Any]) -> bytes:
        end = ends[(len(server.bodies) - 1) % len(ends)]
        message = {"content": None, "reasoning_content": "hm" if end == "stop" else None}
        return http(200, json.dumps({"choices": [{"message": message, "finish_reason": end}], "usage": {"prompt_tokens": 300}}))

    with serve(FakeServer(silent)) as server:
        line = f"predict --data {prepared}/openeqa --backend openai --model tiny --base-url {server.url} --no-preflight --concurrency 1"
        ran = vleval(*line.split(), "--out", tmp_path / "p.jsonl")
    assert len(server.bodies) == 6  # nothing is asked again
    assert "3 answers were cut at --max-tokens 256, or are a thought without an answer." in ran.err
    assert "3 replies are refusals, were stopped by a filter, or call a tool" in ran.err


def test_a_reply_that_says_nothing_and_not_why_is_asked_again() -> None:
    assert reply({"content": None}, "stop").fate == "retry"
    assert reply({}, None).fate == "retry"


STREAM = (
    'data: {"model": "m", "choices": [{"delta": {"role": "assistant"}}]}\n\n'
    'data: {"choices": [{"delta": {"content": "c"}}]}\n\ndata: {"choices": [{"delta": {"content": "at"}, "finish_reason": "stop"}]}\n\n'
    'data: {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}\n\ndata: [DONE]\n\n'
)


def test_an_answer_that_only_streams_is_read() -> None:
    answer = openai_wire.parse_reply(200, STREAM.encode())
    assert (answer.text, answer.finish_reason, answer.model, answer.prompt_tokens) == ("cat", "stop", "m", 9)
    assert openai_wire.parse_reply(200, STREAM[:150].encode()).fate == "retry"
    assert openai_wire.parse_reply(200, b'data: {"error": {"message": "overloaded"}}\n\n').fate == "retry"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("http://h:8000", "http://h:8000/v1"),
        ("http://h:8000/", "http://h:8000/v1"),
        ("http://h:8000/v1/", "http://h:8000/v1"),
        ("http://h/v1/chat/completions", "http://h/v1"),
        ("https://g/v1beta/openai/", "https://g/v1beta/openai"),
        ("https://z/api/paas/v4", "https://z/api/paas/v4"),
        ("https://a/api/v3", "https://a/api/v3"),
        ("http://h/gateway", "http://h/gateway/v1"),
    ],
)
def test_an_address_with_a_version_is_taken_as_given(given: str, wanted: str) -> None:
    assert openai_wire.normalise_base_url(given) == wanted


def run(prepared: Path, out: Path, server: FakeServer, **options: Any) -> list[dict[str, Any]]:
    given = RunOptions(
        **{"backend": "openai", "model": "tiny", "base_url": server.url, "preflight": False, "retries": 0, "concurrency": 1, **options}
    )
    predict(Dataset(prepared / "openeqa"), out, given)
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_fields_that_a_server_refuses_are_left_out(prepared: Path, tmp_path: Path) -> None:
    with serve(FakeServer()) as server:
        run(prepared, tmp_path / "p.jsonl", server, sampler=Sampler(omit="max_tokens,temperature, seed"))
    assert {"max_tokens", "temperature", "seed"}.isdisjoint(server.bodies[0])
    with pytest.raises(UsageError, match="there is no field 'tokens'"):
        Sampler(omit="tokens")


def test_another_name_for_the_most_tokens_is_found_out(prepared: Path, tmp_path: Path) -> None:
    refusal = json.dumps(
        {"error": {"message": "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."}}
    )
    with serve(FakeServer(lambda _attempt, body: http(400, refusal) if "max_tokens" in body else None)) as server:
        rows = run(prepared, tmp_path / "p.jsonl", server)
    assert [row["error"] for row in rows] == [None] * len(rows)
    assert sum("max_tokens" in body for body in server.bodies) == 1
    assert server.bodies[-1]["max_completion_tokens"] == 256


def test_a_server_that_only_streams_is_asked_for_a_stream(prepared: Path, tmp_path: Path) -> None:
    refusal = json.dumps({"error": {"message": "This model only support stream mode, please set stream=true"}})
    with serve(FakeServer(lambda _attempt, body: http(200, STREAM) if body.get("stream") else http(400, refusal))) as server:
        rows = run(prepared, tmp_path / "p.jsonl", server)
    assert {row["prediction"] for row in rows} == {"cat"}


@pytest.mark.parametrize(
    ("status", "words", "cure"),
    [
        (413, "Request Entity Too Large", "Send smaller images"),
        (400, "At most 1 image(s) may be provided in one request.", "--limit-mm-per-prompt"),
        (400, "'temperature' does not support 0.0 with this model.", "--omit temperature"),
    ],
)
def test_a_refusal_that_meets_every_question_stops_the_run(status: int, words: str, cure: str, prepared: Path, tmp_path: Path) -> None:
    with (
        serve(FakeServer(lambda _attempt, _body: http(status, json.dumps({"error": {"message": words}})))) as server,
        pytest.raises(StopRun) as caught,
    ):
        run(prepared, tmp_path / "p.jsonl", server)
    assert cure in caught.value.cure
    assert caught.value.what.startswith(f"5 questions and no answer, each with: HTTP {status}")
    assert len(server.bodies) == 5


def test_ping_fails_where_the_server_does_not_see_the_images(prepared: Path, vleval: Any) -> None:
    for tokens, code in ((0, 1), (86, 0)):
        with serve(FakeServer(tokens_a_picture=tokens)) as server:
            ran = vleval("ping", "--data", prepared / "openeqa", "--model", "tiny", "--base-url", server.url)
        assert ran.code == code, ran.out + ran.err
