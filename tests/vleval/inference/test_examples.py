"""The example under the help of every command that asks a model, run as it stands against a server on loopback."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from fixtures.openeqa import draw_openeqa
from tests.vleval.crosscheck.fake_model import FakeModel
from tests.vleval.inference.server import FakeServer, http, serve
from vldata.api.convert import convert
from vleval.cli import app
from vleval.inference import openai_wire
from vleval.inference.backends import BACKENDS
from vleval.inference.server import server as server_kind

ASKING = ("predict", "ping", "bench", "parity", "serve-cmd", "chat")
COMMANDS = {info.name: info for info in app.registered_commands}


@pytest.fixture
def here(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the examples name."""
    monkeypatch.chdir(tmp_path)
    draw_openeqa(tmp_path / "source", size=(384, 216))
    convert("openeqa", tmp_path / "source", frames=1, out=tmp_path / "prepared", name="openeqa_test", workers=1, limit=4)
    (tmp_path / "merged").symlink_to(tiny_model)
    return tmp_path


def stream(_attempt: int, body: dict[str, Any]) -> bytes | None:
    """Answers that stream where a stream is asked for."""
    if not body.get("stream"):
        return None
    events = [{"choices": [{"delta": {"content": word}}]} for word in ("a", " b")] + [{"choices": [], "usage": {"completion_tokens": 2}}]
    return http(200, "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n")


@pytest.mark.parametrize("name", ASKING)
def test_every_example_runs(name: str, here: Path, tiny_model: Path, vleval: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    example = COMMANDS[name].epilog.removeprefix("Example: ")
    shown = vleval(name, "--help")
    assert shown.code == 0
    assert re.sub(r"\s+", " ", shown.out).rstrip().endswith(f"Example: {example}")
    server = FakeModel(tiny_model) if name == "parity" else FakeServer(stream, model="tuned")
    server.model = "tuned"
    with serve(server):
        if name == "chat" and importlib.util.find_spec("gradio"):  # it would be served until interrupted: `make test-web` drives it
            monkeypatch.setattr("vleval.chatpage.page.build_page", lambda *_args: None)
            monkeypatch.setattr("vleval.chatpage.page.serve_page", lambda *_args, **_kwargs: None)
        monkeypatch.setitem(BACKENDS, "vllm", server_kind(openai_wire, f"{server.url}/v1"))
        ran = vleval(*shlex.split(example.replace("http://127.0.0.1:8000", server.url))[1:])
    assert "Traceback" not in ran.err
    if name == "chat" and not importlib.util.find_spec("gradio"):
        assert ran.code == 2 and "[web]" in ran.err  # the page itself is driven by `make test-web`
    elif name == "parity":  # a random model beside a hash: the prompts are the same, the answers are not
        assert ran.code == 1 and "prompt as ours" in ran.out and "tuned: first divergence: unexplained: " in ran.out
    else:
        assert ran.code == 0, ran.err
    if name == "predict":
        assert len((here / "preds.jsonl").read_text().splitlines()) == 4


@pytest.mark.parametrize("name", ASKING)
def test_every_option_has_a_help_text(name: str) -> None:
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    assert [option.name for option in command.params if option.name != "help" and not getattr(option, "help", "")] == []


def test_no_command_goes_without_an_example_that_is_run() -> None:
    assert set(COMMANDS) == {*ASKING, "score", "compare", "report", "detect", "gap"}  # the last five: tests/vleval/test_cli.py


def test_help_names_every_backend(vleval: Any) -> None:
    shown = vleval("predict", "--help").out
    assert [name for name in BACKENDS if name not in shown] == []
