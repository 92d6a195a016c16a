"""Answers as they come: a server's stream by either wire, whole replies of servers that do not stream, and a model in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.vleval.inference.server import FakeServer, http, serve
from vldata.errors import DataError
from vleval.chatpage.talking import ServerTalker, open_talker
from vleval.crosscheck.backends import Spec
from vleval.inference.ask import Ask, AskTurn, Sampler

ASK = Ask(id="chat", turns=(AskTurn("user", ("Say it.",)),), images=(), image_names=(), references=(), meta={}, question="Say it.")


def stream_of(*pieces: str) -> str:
    events = [{"model": "tiny", "choices": [{"delta": {"content": piece}}]} for piece in pieces]
    events.append({"model": "tiny", "choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9}})
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"


def ndjson_of(*pieces: str) -> str:
    lines = [{"model": "tiny", "message": {"content": piece}, "done": False} for piece in pieces]
    lines.append({"model": "tiny", "message": {"content": ""}, "done": True, "done_reason": "stop", "prompt_eval_count": 9})
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.mark.parametrize(("backend", "reply"), [("openai", stream_of("re", "d")), ("ollama", ndjson_of("re", "d"))])
def test_a_stream_is_told_as_it_comes(backend: str, reply: str) -> None:
    with serve(FakeServer(lambda _attempt, _body: http(200, reply))) as server:
        talker = open_talker(Spec(backend, "tiny", server.url))
        told = list(talker.stream(ASK, Sampler(max_tokens=5)))
    assert [each.answer for each in told] == ["re", "red", "red"]
    assert (told[-1].finish_reason, told[-1].prompt_tokens, told[-1].error) == ("stop", 9, "")
    assert server.bodies[0]["stream"] is True


def test_a_server_that_does_not_stream_is_heard_too() -> None:
    with serve(FakeServer()) as server:
        *_, last = open_talker(Spec("openai", "tiny", server.url)).stream(ASK, Sampler())
    assert last.answer and last.finish_reason == "stop"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (http(500, '{"error": "gone"}'), "HTTP 500: gone"),
        (http(200, stream_of("re").partition("\n")[0]), "cut|JSON"),
        ("reset", ""),
    ],
)
def test_what_fails_is_said(reply: bytes | str, words: str) -> None:
    import re

    with serve(FakeServer(lambda _attempt, _body: reply)) as server:
        *_, last = open_talker(Spec("openai", "tiny", server.url)).stream(ASK, Sampler())
    assert last.error and re.search(words, last.error)


def test_an_error_of_the_work_is_raised_here() -> None:
    from vleval.chatpage.talking import _as_it_comes

    def work(on_text: object) -> object:
        raise DataError("no picture")

    with pytest.raises(DataError, match="no picture"):
        list(_as_it_comes(work))  # type: ignore[arg-type]
    assert ServerTalker.__doc__


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_model_in_this_process_speaks_token_by_token(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from vldata.models.tiny import build_tiny_model
    from vleval.inference.hf import HfModel

    folder = build_tiny_model(tmp_path / "tiny", mixing=50)
    told = list(open_talker(Spec("hf", str(folder))).stream(ASK, Sampler(max_tokens=6)))
    assert len(told) > 2 and told[-1].prompt_tokens > 0
    assert told[-1].answer == HfModel(str(folder), sampler=Sampler(max_tokens=6)).look(ASK).text
    assert all(told[-1].answer.startswith(each.answer) for each in told[:-1])
