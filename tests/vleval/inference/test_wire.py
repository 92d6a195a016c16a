"""What servers send, read: small replies in the shapes that each server uses, and, where they are at hand, the recorded ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.vleval.inference.server import FakeServer, http, serve
from vldata.errors import DataError
from vldata.files.gate import below
from vleval.inference import ollama_wire, openai_wire
from vleval.inference.ask import Ask, AskTurn, Sampler
from vleval.inference.bench import Level, Run, bench
from vleval.inference.client import Endpoint
from vleval.inference.pictures import PictureCache
from vleval.inference.retry import Answer, AskFault

RECORDED = Path(__file__).parents[4] / "shared" / "reference" / "backends" / "recorded"
needs_recordings = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded exchanges (../shared) are not on this machine")


def choice(content: Any, finish: str = "stop", **more: Any) -> dict[str, Any]:
    return {"index": 0, "message": {"role": "assistant", "content": content, **more}, "finish_reason": finish}


ANSWERS: dict[str, tuple[dict[str, Any], tuple[str, str, int, str]]] = {
    "vLLM": (
        {
            "id": "c-1", "object": "chat.completion", "model": "tuned", "choices": [{**choice("Four.", reasoning=None), "logprobs": None}],
            "service_tier": None, "system_fingerprint": "vllm-0.32.0-ab", "usage": {"prompt_tokens": 82, "completion_tokens": 3},
        },
        ("Four.", "stop", 82, "vllm-0.32.0-ab"),
    ),
    "LMDeploy": (
        {
            "model": "tuned", "choices": [{**choice("Four", "length", reasoning_content=None, tool_calls=None), "output_ids": None}],
            "usage": {"prompt_tokens": 82, "total_tokens": 83, "completion_tokens": 1},
        },
        ("Four", "length", 82, ""),
    ),
    "llama-server": (
        {
            "choices": [choice("")], "model": "tuned", "system_fingerprint": "b0-unknown", "timings": {"cache_n": 14, "prompt_n": 1},
            "usage": {"prompt_tokens": 15, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 14}},
        },
        ("", "stop", 15, "b0-unknown"),
    ),
    "transformers": (
        {"choices": [choice(" Four.\n")], "model": "/models/tuned@main", "object": "chat.completion"},
        (" Four.\n", "stop", -1, ""),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_taken_as_it_came(name: str) -> None:
    reply, (text, finish, tokens, fingerprint) = ANSWERS[name]
    answer = openai_wire.parse_reply(200, json.dumps(reply).encode())
    assert isinstance(answer, Answer)
    assert (answer.text, answer.finish_reason, answer.prompt_tokens, answer.fingerprint) == (text, finish, tokens, fingerprint)


ERRORS = {
    "vLLM": (400, '{"error":{"message":"too long","type":"BadRequestError","param":null,"code":400}}', "HTTP 400: too long"),
    "vLLM, no key": (401, '{"error":"Unauthorized"}', "HTTP 401: Unauthorized"),
    "LMDeploy, flat": (400, '{"message":"bad picture","type":"invalid","code":400,"param":null,"object":"error"}', "HTTP 400: bad picture"),
    "llama-server": (400, '{"error":{"code":400,"message":"exceeds","type":"exceed_context_size_error"}}', "HTTP 400: exceeds"),
    "transformers": (422, '{"detail":"Unexpected keys"}', "HTTP 422: Unexpected keys"),
    "FastAPI": (422, '{"detail":[{"loc":["body"],"msg":"Field required"},{"msg":"Bad value"}]}', "HTTP 422: Field required; Bad value"),
    "plain words": (500, "Internal Server Error", "HTTP 500: Internal Server Error"),
    "a page": (502, "<html>\n<h1>Bad  Gateway</h1></html>", "HTTP 502: <html> <h1>Bad Gateway</h1></html>"),
    "not text": (500, b"\xff\xfe", "HTTP 500: \ufffd\ufffd"),
    "nothing": (503, "", "HTTP 503: "),
}


@pytest.mark.parametrize("wire", [openai_wire, ollama_wire])
@pytest.mark.parametrize("name", ERRORS)
def test_an_error_keeps_the_servers_words(wire: Any, name: str) -> None:
    status, body, words = ERRORS[name]
    fault = wire.parse_reply(status, body if isinstance(body, bytes) else body.encode())
    assert isinstance(fault, AskFault) and fault.reason == words
    assert fault.fate == {400: "give_up", 401: "stop", 422: "give_up"}.get(status, "retry")


def ollama_line(content: str, **more: Any) -> str:
    return json.dumps({"model": "tuned", "message": {"role": "assistant", "content": content}, "done": False, **more}) + "\n"


END = ollama_line("", done=True, done_reason="length", prompt_eval_count=278, eval_count=2)


def test_ollamas_lines_are_one_answer() -> None:
    answer = ollama_wire.parse_reply(200, (ollama_line("4") + ollama_line("2") + "\n" + END).encode())
    assert answer == Answer(text="42", finish_reason="length", model="tuned", prompt_tokens=278, completion_tokens=2)


@pytest.mark.parametrize(
    ("lines", "words", "fate"),
    [
        (ollama_line("4") + '{"error":"model runner has unexpectedly stopped"}\n', "an error inside a 200: model runner has", "retry"),
        (ollama_line("4"), "ends before the answer is done", "retry"),
        ("", "ends before the answer is done", "retry"),
        (ollama_line("4") + END[:20], "not JSON, or is cut", "retry"),
        ('{"model":"tuned","done":true}', "no text", "retry"),
        (ollama_line("", done=True, done_reason="load"), "the model was not asked: done_reason 'load'", "give_up"),
    ],
)
def test_a_stream_of_ollama_that_goes_wrong_is_no_answer(lines: str, words: str, fate: str) -> None:
    fault = ollama_wire.parse_reply(200, lines.encode())
    assert isinstance(fault, AskFault) and words in fault.reason and fault.fate == fate


def picture_ask(tmp_path: Path) -> Ask:
    Image.new("RGB", (256, 256), "red").save(tmp_path / "a.png")
    turns = (AskTurn("system", ("Be brief.",)), AskTurn("user", ("Left:", None, "right:", None, "Which is larger?")))
    path = below(tmp_path, "a.png")
    return Ask(id="a", turns=turns, images=(path, path), image_names=("a.png", "a.png"), references=(), meta={}, question="")


def test_ollama_is_told_where_each_picture_stands(tmp_path: Path) -> None:
    body = json.loads(ollama_wire.build_body(picture_ask(tmp_path), "tuned", Sampler(max_tokens=7, stop=("\n",)), PictureCache()))
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert body["messages"][1]["content"] == "Left:[img]right:[img]Which is larger?"
    assert len(body["messages"][1]["images"]) == 2 and not body["messages"][1]["images"][0].startswith("data:")
    assert (body["truncate"], body["shift"], body["stream"]) == (False, False, False)
    assert body["options"] == {"temperature": 0.0, "num_predict": 7, "top_k": 1, "seed": 0, "stop": ["\n"]}


@pytest.mark.parametrize("text", ["What is [img] here?", "see [img-0]"])
def test_a_text_that_ollama_would_take_for_a_picture_is_refused(text: str, tmp_path: Path) -> None:
    ask = picture_ask(tmp_path)
    assert ollama_wire.refuse(ask) == ""
    odd = Ask(**{**{name: getattr(ask, name) for name in ask.__struct_fields__}, "turns": (AskTurn("user", (None, text)),)})
    assert "which Ollama takes for the place of a picture" in ollama_wire.refuse(odd)


def stream_of(wire: Any, body: bytes, tmp_path: Path) -> Level:
    """Read a stream through `vleval bench`; its one request must be answered.

    Raises:
        DataError: it is not, and why.
    """
    path = "/v1" if wire is openai_wire else ""
    with serve(FakeServer(lambda _attempt, _body: http(200, body), model="tuned")) as server:
        endpoint = Endpoint(base_url=server.url + path, model="tuned", sampler=Sampler(max_tokens=8))
        ask = picture_ask(tmp_path)
        alone = Ask(**{**{name: getattr(ask, name) for name in ask.__struct_fields__}, "turns": (AskTurn("user", (None, None, "What?")),)})
        (level,) = bench(endpoint, wire, [alone], Run(levels=(1,), requests=1, warmup=0))
    return level


def sse(*events: Any) -> bytes:
    return "".join(f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n" for event in events).encode()


def piece(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


USAGE = {"choices": [], "usage": {"completion_tokens": 12, "prompt_tokens": 26}}
STREAMS = {
    "vLLM, tokens without text": (sse(piece(role="assistant", content=""), piece("length", content=""), USAGE, "[DONE]"), 12),
    "LMDeploy, its role in every piece": (sse(piece(role="assistant", content="for"), piece("stop", role="assistant"), USAGE), 12),
    "llama-server, null first": (sse(piece(role="assistant", content=None), piece(content="4"), piece("length"), "[DONE]"), 1),
    "transformers, counted in its last piece": (sse(piece(role="assistant"), {**piece("length"), "usage": USAGE["usage"]}), 12),
    "a thought, comments and line ends": (
        b": ping\r\n\r\n" + sse(piece(reasoning_content="hm")).replace(b"\n", b"\r\n") + b"event: x\n" + sse(piece(content="4"), "[DONE]"),
        2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_counted_to_its_end(name: str, tmp_path: Path) -> None:
    body, tokens = STREAMS[name]
    level = stream_of(openai_wire, body, tmp_path)
    assert level.errors == 0 and level.tokens_per_s == pytest.approx(tokens * level.requests_per_s, rel=1e-2)


@pytest.mark.parametrize(
    ("wire", "body", "words"),
    [
        (openai_wire, sse(piece(content="4")), "the stream breaks off"),
        (openai_wire, sse(piece(content="4"), {"error": {"message": "engine died"}}), "an error inside the stream: engine died"),
        (openai_wire, sse(piece("stop", role="assistant"), "[DONE]"), "the stream ended without a token"),
        (openai_wire, b"", "the stream breaks off"),
        (openai_wire, b"data: {cut\n\n", "an event of the stream is not JSON"),
        (openai_wire, b"data: " + b'{"a":' * 100_000 + b"\n\n", "an event of the stream is "),
        (ollama_wire, (ollama_line("4") + '{"error":"runner stopped"}\n').encode(), "an error inside the stream: runner stopped"),
        (ollama_wire, ollama_line("4").encode(), "the stream breaks off"),
    ],
)
def test_a_stream_that_goes_wrong_is_an_error(wire: Any, body: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=words):
        stream_of(wire, body, tmp_path)


def recordings() -> list[tuple[Path, dict[str, Any], bytes]]:
    """Every exchange with a reply: where it is, the request, and the reply's body."""
    found = []
    for path in sorted(RECORDED.glob("*/*.json")):
        case = json.loads(path.read_text())
        reply = case.get("response") if isinstance(case, dict) else None
        if not isinstance(reply, dict) or reply.get("status") is None:
            continue
        text = reply["body_text"] if isinstance(reply.get("body_text"), str) else json.dumps(reply.get("body_json"))
        found.append((path, {**case["request"], "status": reply["status"]}, text.encode()))
    return found


@needs_recordings
def test_the_recorded_replies_are_read_as_they_were() -> None:
    seen = 0
    for path, request, body in recordings():
        if request["method"] != "POST" or '"stream": true' in json.dumps(request.get("body_json")):
            continue
        wire = ollama_wire if "/api/chat" in request["path"] else openai_wire
        result = wire.parse_reply(request["status"], body)
        seen += 1
        if request["status"] != 200:
            assert isinstance(result, AskFault) and result.reason.startswith(f"HTTP {request['status']}: "), path
            assert "{" not in result.reason[:14], (path, result.reason)
        elif path.stem.startswith("ok_") and not path.stem.endswith("empty_messages"):
            assert isinstance(result, Answer) and result.finish_reason in ("stop", "length"), (path, result)
    assert seen >= 234


@needs_recordings
def test_the_recorded_streams_are_read_to_their_end(tmp_path: Path) -> None:
    seen = 0
    for path, request, body in recordings():
        if '"stream": true' not in json.dumps(request.get("body_json")) or request["status"] != 200:
            continue
        wire = ollama_wire if "/api/chat" in request["path"] else openai_wire
        counted = b"completion_tokens" in body or b"eval_count" in body or b'"content": "for"' in body
        seen += 1
        if path.stem == "stream_error_midway" or not counted:  # without usage, twelve tokens without text are no token
            with pytest.raises(DataError, match=r"an error inside the stream|without a token"):
                stream_of(wire, body, tmp_path)
        else:
            level = stream_of(wire, body, tmp_path)
            assert level.errors == 0 and level.tokens_per_s >= 3 * level.requests_per_s * 0.9, path
    assert seen >= 10


@needs_recordings
def test_the_recorded_lists_of_models_are_read() -> None:
    lists: dict[str, Any] = {}
    for path, request, body in recordings():
        if path.stem == "get_v1_models" and request["status"] == 200:
            lists[path.parent.name.split("-")[0]] = openai_wire.read_models(body)
        if path.stem == "get_tags":
            lists["ollama"] = ollama_wire.read_models(body)
    assert {server: set(names) for server, names in lists.items()} == {
        "vllm": {"tiny"},
        "llama": {"tiny"},
        "lmdeploy": {"tiny"},
        "ollama": {"qwen3-vl-ft:latest", "qwen3-vl-ft"},
    }
