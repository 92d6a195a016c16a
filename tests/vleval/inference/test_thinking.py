"""Thinking models: asked to think or not, by the wire that each server knows; thought and answer stand apart."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.vleval.inference.server import FakeServer, http, serve
from vldata.errors import UsageError
from vldata.models.families import find_family
from vldata.models.serving import Exposure, Limits, launch_line
from vleval.inference.ask import Ask, AskTurn, Sampler, request_key
from vleval.inference.lines import make_prediction
from vleval.inference.ollama_wire import build_body as ollama_body
from vleval.inference.ollama_wire import parse_reply as ollama_reply
from vleval.inference.openai_wire import build_body
from vleval.inference.pictures import PictureCache
from vleval.inference.retry import Answer

ASK = Ask(id="a", turns=(AskTurn("user", ("What?",)),), images=(), image_names=(), references=("cat",), question="What?", meta={})
LIMITS = Limits(prompt_tokens=100, pictures=1)


@pytest.mark.parametrize(("thinking", "wanted"), [("on", True), ("off", False)])
def test_the_wish_goes_by_each_wire(thinking: Any, wanted: bool) -> None:
    sampler = Sampler(thinking=thinking)
    assert json.loads(build_body(ASK, "m", sampler, PictureCache()))["chat_template_kwargs"] == {"enable_thinking": wanted}
    assert json.loads(ollama_body(ASK, "m", sampler, PictureCache()))["think"] is wanted


def test_without_a_wish_nothing_changes() -> None:
    for build in (build_body, ollama_body):
        assert not {"chat_template_kwargs", "think"} & set(json.loads(build(ASK, "m", Sampler(), PictureCache())))
    keys = {request_key(ASK, backend="hf", model="m", sampler=Sampler(thinking=thinking)) for thinking in ("auto", "on", "off")}
    assert len(keys) == 3
    old = {"max_tokens": 256, "temperature": 0.0, "top_p": 1.0, "seed": 0, "stop": (), "omit": "", "extra": {}}
    import hashlib

    payload = msgspec.msgpack.encode(("hf", "m", old, ASK.turns, ASK.image_names))  # a journal of before is gone on with
    assert hashlib.blake2b(payload, digest_size=16).hexdigest() in keys


@pytest.mark.parametrize(
    ("answer", "text", "thought"),
    [
        (Answer(text="A cat", reasoning="It has whiskers."), "A cat", "It has whiskers."),
        (Answer(text="<think>\nIt has whiskers.\n</think>\n\nA cat"), "A cat", "It has whiskers."),
        (Answer(text="It has whiskers.\n</think>\n\nA cat"), "A cat", "It has whiskers.\n</think>"),  # the prompt held the opening mark
        (Answer(text="A cat"), "A cat", None),
        (Answer(text="<think>It has whisk", finish_reason="length"), "<think>It has whisk", None),  # cut in its thought: as it came
        (Answer(text="<think>a</think>b<think>c</think>d"), "<think>a</think>b<think>c</think>d", None),
        (Answer(text="The tag </b> is HTML"), "The tag </b> is HTML", None),
    ],
)
def test_thought_and_answer_stand_apart(answer: Answer, text: str, thought: str | None) -> None:
    line = json.loads(msgspec.json.encode(make_prediction(ASK, answer)))
    assert (line["prediction"], line.get("reasoning")) == (text, thought)


def test_ollamas_thought_is_kept() -> None:
    body = {"model": "m", "message": {"content": "A cat", "thinking": "Whiskers."}, "done": True, "done_reason": "stop"}
    found = ollama_reply(200, json.dumps(body).encode())
    assert isinstance(found, Answer) and (found.text, found.reasoning) == ("A cat", "Whiskers.")


def test_a_servers_thought_is_in_the_line_and_not_scored(prepared: Path, tmp_path: Path, vleval: Any) -> None:
    def thinks(_attempt: int, body: dict[str, Any]) -> bytes:
        thought = "The answer is Wrong." if body["chat_template_kwargs"]["enable_thinking"] else None
        message = {"content": "Yellow", "reasoning": thought}
        return http(200, json.dumps({"choices": [{"message": message, "finish_reason": "stop"}], "usage": {"prompt_tokens": 300}}))

    with serve(FakeServer(thinks)) as server:
        line = f"predict --data {prepared}/openeqa --backend openai --model tiny --base-url {server.url} --no-preflight --thinking"
        for wish in ("on", "off"):
            assert vleval(*line.split(), wish, "--out", tmp_path / f"{wish}.jsonl").code == 0
    on, off = (json.loads((tmp_path / f"{wish}.jsonl").read_text().splitlines()[0]) for wish in ("on", "off"))
    assert on["prediction"] == off["prediction"] == "Yellow" and on["reasoning"] == "The answer is Wrong." and "reasoning" not in off
    scored = [vleval("score", tmp_path / f"{wish}.jsonl", "--metric", "exact_match").out.split(" | ")[0] for wish in ("on", "off")]
    assert scored[0] == scored[1]


def test_a_thought_that_was_never_opened_is_told(prepared: Path, tmp_path: Path, vleval: Any) -> None:
    text = "The cup is red.\n</think>\n\nYellow"
    body = json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 300}})
    with serve(FakeServer(lambda _attempt, _body: http(200, body))) as server:
        line = f"predict --data {prepared}/openeqa --backend openai --model tiny --base-url {server.url} --no-preflight"
        ran = vleval(*line.split(), "--out", tmp_path / "p.jsonl")
    rows = [json.loads(row) for row in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert f"{len(rows)} answers close a thought that they never opened" in ran.err
    assert {(row["prediction"], row["reasoning"]) for row in rows} == {("Yellow", "The cup is red.\n</think>")}
    raw = tmp_path / "raw.jsonl"
    raw.write_text("".join(json.dumps({"id": row["id"], "prediction": text}) + "\n" for row in rows))
    said = vleval("score", raw, "--references", f"{prepared}/openeqa", "--metric", "exact_match")
    assert f"{len(rows)} of {len(rows)} answers close a thought that they never opened" in said.err


def test_a_model_without_the_switch_says_so(prepared: Path, tiny_model: Path, tmp_path: Path, vleval: Any) -> None:
    ran = vleval(
        "predict",
        "--data",
        f"{prepared}/openeqa",
        "--backend",
        "hf",
        "--model",
        tiny_model,
        "--thinking",
        "on",
        "--out",
        tmp_path / "p.jsonl",
    )
    assert ran.code == 2 and "has no switch for it" in ran.err


def test_lines_of_servers_read_thoughts_apart() -> None:
    family = find_family("qwen3.5")
    line = launch_line("vllm", "m", LIMITS, exposure=Exposure(thinking=False), family=family)
    assert "--reasoning-parser qwen3 --default-chat-template-kwargs '{\"enable_thinking\": false}'" in line
    assert "--reasoning-parser" not in launch_line("vllm", "m", LIMITS)
    with pytest.raises(UsageError, match="transformers has no flag for thinking"):
        launch_line("transformers", "m", LIMITS, exposure=Exposure(thinking=True), family=family)


def test_the_switch_reaches_the_template(tiny_model: Path, tmp_path: Path) -> None:
    from vldata.models.prompt import Prompter
    from vldata.records.record import Message

    folder = Path(shutil.copytree(tiny_model, tmp_path / "hybrid"))
    template = (folder / "chat_template.jinja").read_text()
    ending = "{%- if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{%- endif %}"
    (folder / "chat_template.jinja").write_text(template + ending)
    prompter, ask = Prompter(folder), [Message("user", "What?")]
    plain = prompter.render(ask, ask=True)
    prompter.choose_thinking(False)
    assert prompter.render(ask, ask=True) == f"{plain}<think>\n\n</think>"
    prompter.choose_thinking(None)
    assert prompter.render(ask, ask=True) == plain
