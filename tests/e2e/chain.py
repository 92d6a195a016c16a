"""The whole way by the installed commands: squares drawn, converted, split, learned by a tiny model, asked, merged.

Used by the test beside it and, with real servers at the end, by `make servers`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fixtures.colours import draw_pairs

# A command line, run; returns what it printed on stdout.
Call = Callable[[list[str]], str]


def prepare(call: Call, work: Path, *, train: int, test: int) -> Path:
    """Convert, validate, split and certify; returns the folder."""
    source = draw_pairs(work / "drawn", count=train + test)
    out = work / "prepared"
    call(["vldata", "convert", "jsonl", str(source), "--image-root", str(source.parent), "--name", "squares", "--out", str(out)])
    call(["vldata", "validate", str(out)])
    call(["vldata", "split", str(out / "squares"), "--test", str(test), "--group-by", "none"])
    call(["vldata", "certify", str(out / "squares")])
    return out


def train(call: Call, work: Path, base: Path, data: Path, *, steps: int) -> Path:
    """Train an adapter and merge it; returns the merged folder. The adapter is `work/adapter`."""
    recipe = work / "recipe.yaml"
    settings = {
        "model": base,
        "data": data / "squares_train",
        "output": work / "adapter",
        "precision": "fp32",
        "batch_size": 8,
        "learning_rate": 1e-2,
        "warmup": 10,
        "max_steps": steps,
        "checkpointing": "false",
        "workers": 0,
        "plot": "false",
        "tensorboard": "false",
    }
    recipe.write_text("".join(f"{key}: {value}\n" for key, value in settings.items()))
    call(["vltrain", "sft", str(recipe)])
    call(["vltrain", "merge", str(recipe), "--out", str(work / "merged")])
    return work / "merged"


def ask(call: Call, data: Path, out: Path, *options: str) -> list[dict[str, Any]]:
    """Ask with `vleval predict`; returns the prediction lines."""
    call(["vleval", "predict", "--data", str(data), "--out", str(out), "--max-tokens", "8", *options])
    return read_lines(out)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read a JSON Lines file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def exact_match(call: Call, predictions: Path, data: Path) -> float:
    """The score that `vleval score` gives."""
    shown = json.loads(call(["vleval", "score", str(predictions), "--data", str(data), "--metric", "exact_match", "--json"]))
    return float(shown["metrics"]["exact_match"]["value"])
