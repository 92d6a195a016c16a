"""The whole way on one machine without a server: what was trained is what answers, with the adapter and merged, behind a wire or not."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

import pytest

from tests.e2e import chain
from tests.vleval.inference.server import FakeServer, serve

pytest.importorskip("peft")

import torch

torch.set_num_threads(1)

# Of other packages, about each other.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{warning}")
    for warning in (".*is_gradient_checkpointing:FutureWarning", ":DeprecationWarning:torch.*", ".*pin_memory.*:UserWarning")
]


def call(command: list[str]) -> str:
    """Run a command in this process, which has torch loaded already."""
    from importlib import import_module

    out = io.StringIO()
    argv, sys.argv = sys.argv, command
    try:
        with contextlib.redirect_stdout(out):
            import_module(f"{command[0]}.cli").main()
    except SystemExit as ended:
        assert not ended.code, (command, ended.code, out.getvalue())
    finally:
        sys.argv = argv
    return out.getvalue()


def test_convert_split_train_ask_merge_score_compare_report(tmp_path: Path) -> None:
    from vldata.models.tiny import build_tiny_model

    data = chain.prepare(call, tmp_path, train=16, test=4)
    base = build_tiny_model(tmp_path / "tiny", embedding_std=0.15)
    merged = chain.train(call, tmp_path, base, data, steps=150)
    learned = data / "squares_train"
    here = ("--backend", "hf", "--model")
    before = chain.ask(call, learned, tmp_path / "base.jsonl", *here, str(base))
    adapter = chain.ask(call, learned, tmp_path / "adapter.jsonl", *here, str(base), "--adapter", str(tmp_path / "adapter"))
    whole = chain.ask(call, learned, tmp_path / "merged.jsonl", *here, str(merged))
    said = {row["question"]: row for row in whole}
    assert len(said) == 1 and len(whole) == 16

    scores = {name: chain.exact_match(call, tmp_path / f"{name}.jsonl", learned) for name in ("base", "adapter", "merged")}
    assert scores["base"] < 0.5 and scores["adapter"] >= 0.9 and scores["merged"] == scores["adapter"]
    assert [row["prediction"] for row in adapter] == [row["prediction"] for row in whole] != [row["prediction"] for row in before]

    with serve(FakeServer()) as server:  # the same questions over a wire: the same ids, prompts and order
        wire = chain.ask(call, learned, tmp_path / "wire.jsonl", "--backend", "vllm", "--base-url", server.url, "--model", "tiny")
    assert [(row["id"], row["question"], row["images"]) for row in wire] == [(row["id"], row["question"], row["images"]) for row in whole]

    files = [str(tmp_path / f"{name}.jsonl") for name in ("base", "merged")]
    told = call(["vleval", "compare", *files, "--data", str(learned), "--metric", "exact_match"])
    assert "better" in told and "n=16" in told
    call(["vleval", "report", *files, "--data", str(learned), "--metric", "exact_match", "--out", str(tmp_path / "report.html")])
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html")
