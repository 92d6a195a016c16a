"""The look at a server before a run: what stops it, what is warned of, and whose answers count."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.vleval.inference.server import FakeServer, http, serve
from vldata.datasets.dataset import Dataset
from vldata.errors import DataError
from vleval.inference import retry
from vleval.inference.client import StopRun
from vleval.inference.options import RunOptions
from vleval.inference.preflight import Check, announce
from vleval.inference.run import check_server, predict

GOOD_TOKENS = 86  # of a written picture: 384x224 is 84 tokens and two delimiters
Misbehave = Callable[[int, dict[str, Any]], bytes | None]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_DELAY_S", 0.001)


def ask(prepared: Path, out: Path, server: FakeServer, **options: Any) -> list[str]:
    """Run with a look at the server first; returns what was noted."""
    notes: list[str] = []
    given = RunOptions(**{"backend": "openai", "model": "tiny", "base_url": server.url, "retries": 2, **options})
    predict(Dataset(prepared / "openeqa"), out, given, note=notes.append)
    return notes


def test_preflight_stops_on_what_cannot_work(prepared: Path, tmp_path: Path) -> None:
    with serve(FakeServer(model="other")) as server, pytest.raises(StopRun, match=r"does not list 'tiny'.\n  It serves: other"):
        ask(prepared, tmp_path / "p.jsonl", server)
    assert not server.asked
    with serve(FakeServer(key="secret")) as server, pytest.raises(StopRun, match=r"the key is refused.\n  Set the key in the environment"):
        ask(prepared, tmp_path / "p.jsonl", server)
    with pytest.raises(StopRun, match="no server answers"):
        ask(prepared, tmp_path / "p.jsonl", server)
    with serve(FakeServer(key="secret")) as server:
        options = RunOptions(backend="openai", model="tiny", base_url=server.url, limit=1)
        assert predict(Dataset(prepared / "openeqa"), tmp_path / "k.jsonl", options, api_key="secret").answered == 1
    assert "secret" not in (tmp_path / "k.jsonl.run.json").read_text() + (tmp_path / "k.jsonl.journal").read_text()


@pytest.mark.parametrize(
    ("tokens", "warning"),
    [(GOOD_TOKENS, ""), (0, "the server does not see them"), (100, "pictures cost 200 tokens on the server, 172 by our count")],
)
def test_preflight_counts_what_pictures_cost(tokens: int, warning: str, prepared: Path, tmp_path: Path) -> None:
    notes: list[str] = []
    with serve(FakeServer(tokens_a_picture=tokens)) as server:
        options = RunOptions(backend="openai", model="tiny", base_url=server.url, limit=1)
        if not tokens:
            with pytest.raises(DataError, match=r"does not see them.\n  Serve a model with its vision tower, or give --allow-blind"):
                predict(Dataset(prepared / "openeqa"), tmp_path / "p.jsonl", options, note=notes.append)
            options = msgspec.structs.replace(options, allow_blind=True)
        predict(Dataset(prepared / "openeqa"), tmp_path / "p.jsonl", options, note=notes.append)
        assert any(warning in note for note in notes) if warning else not notes
        if warning:
            with pytest.raises(DataError, match="Drop --strict"):
                predict(Dataset(prepared / "openeqa"), tmp_path / "q.jsonl", msgspec.structs.replace(options, strict=True))


def answer_as(names: list[str], say: str = "x") -> Misbehave:
    """Answers under these names in turn, the last one from then on."""
    left = list(names)

    def misbehave(_attempt: int, _body: dict[str, Any]) -> bytes:
        name = left.pop(0) if len(left) > 1 else left[0]
        usage = {"prompt_tokens": -1}
        return http(200, json.dumps({"model": name, "choices": [{"message": {"content": say}}], "usage": usage}))

    return misbehave


def errors(out: Path) -> set[str]:
    return {json.loads(line)["error"] or "" for line in out.read_text().splitlines()}


@pytest.mark.parametrize("known_as", ["tiny-2026-11-21", "/models/tiny@main", ""])
def test_a_model_may_answer_under_another_name_of_its_own(known_as: str, prepared: Path, tmp_path: Path) -> None:
    with serve(FakeServer(answer_as([known_as]))) as server:
        assert ask(prepared, tmp_path / "p.jsonl", server, strict=True) == []
    assert errors(tmp_path / "p.jsonl") == {""}
    document = json.loads((tmp_path / "p.jsonl.run.json").read_text())
    assert document["answered_as"] == ["tiny", *([known_as] if known_as else [])]


@pytest.mark.parametrize("names", [["other", "tiny"], ["tiny", "other", "tiny"], ["other", "other", "tiny"]])
def test_a_stray_name_in_a_probe_is_no_name_of_the_model(names: list[str], prepared: Path, tmp_path: Path) -> None:
    with serve(FakeServer(answer_as([*names, "other", "tiny"]))) as server:
        notes = ask(prepared, tmp_path / "p.jsonl", server)
    assert notes == ["Warning: 'other' answered instead of 'tiny'; such answers are errors."]
    assert errors(tmp_path / "p.jsonl") == {""}  # the stray answer in the run was asked for again
    assert json.loads((tmp_path / "p.jsonl.run.json").read_text())["answered_as"] == ["tiny"]


@pytest.mark.parametrize(("root", "accepted"), [("other", False), ("tiny", True)])
def test_another_model_of_the_list_is_another_model(root: str, accepted: bool, prepared: Path, tmp_path: Path) -> None:
    """vLLM lists every name of a model, and answers under the first; `root` says what is the same."""
    server = FakeServer(answer_as(["other"]))
    server.listed = [{"id": "tiny", "root": "tiny"}, {"id": "other", "root": root}]
    with serve(server):
        notes = ask(prepared, tmp_path / "p.jsonl", server, retries=0)
    assert bool(notes) is not accepted
    assert errors(tmp_path / "p.jsonl") == ({""} if accepted else {"'other' answered instead of 'tiny' (after 1 attempts)"})


@pytest.mark.parametrize("detail", ["HTTP 500: it broke", "HTTP 500: it broke.", "HTTP 500: it broke!"])
def test_words_end_with_one_mark(detail: str) -> None:
    notes: list[str] = []
    with pytest.raises(DataError) as caught:
        announce([Check("a picture is answered", False, detail)], notes.append, strict=True)
    end = detail if detail.endswith("!") else detail.removesuffix(".") + "."
    assert notes == [f"Warning: {end}"]
    assert str(caught.value).splitlines()[0] == f"preflight: {end}"


def test_ping_says_what_it_saw_as_text_and_as_json(prepared: Path, vleval: Any) -> None:
    with serve(FakeServer(tokens_a_picture=100)) as server:
        ask = ("ping", "--data", prepared / "openeqa", "--model", "tiny", "--base-url", server.url)
        shown, told, strict = vleval(*ask), vleval(*ask, "--json"), vleval(*ask, "--json", "--strict")
    assert shown.code == told.code == 0 and strict.code == 1
    assert [line[:4].strip() for line in shown.out.splitlines()] == ["yes", "yes", "yes", "NO"]
    document = json.loads(told.out)
    assert (document["model"], document["names"]) == ("tiny", ["tiny"])
    again = json.loads(strict.out)
    assert document["checks"][1].pop("detail").startswith("in ") and again["checks"][1].pop("detail").startswith("in ")
    assert again == document
    assert [check["good"] for check in document["checks"]] == [True, True, True, False]


def test_a_long_list_of_models_is_read_to_its_end(prepared: Path) -> None:
    server = FakeServer()
    server.listed = [{"id": f"another-{number}", "about": "x" * 100} for number in range(20_000)] + [{"id": "tiny"}]
    with serve(server):
        seen = check_server(Dataset(prepared / "openeqa"), RunOptions(backend="openai", model="tiny", base_url=server.url))
    assert seen.checks[0] == Check("model is listed", True, "tiny")
