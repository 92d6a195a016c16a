"""What a run leaves behind for people: the log line by line, the curves, the results, and the manifest of what went in."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from transformers import TrainerCallback

from vldata.errors import DataError
from vldata.files.durable import write_atomic
from vldata.models.layout import model_file
from vltrain.data import LoadedSet
from vltrain.identity import weights_digest
from vltrain.planning import VERSIONED, Prepared
from vltrain.recipe import Levers, Recipe

LOG = "trainer_log.jsonl"
MANIFEST = "run_manifest.json"
RESULTS = "all_results.json"


class LogFile(TrainerCallback):
    """Writes trainer_log.jsonl as LLaMA-Factory does, one line a log with progress and time left, and says the same to the user."""

    def __init__(self, folder: Path, say: Callable[[str], None] = lambda line: None) -> None:
        self._path = folder / LOG
        self._say = say
        self._began = 0.0
        self._first_step = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Keep the lines up to the step that is resumed from."""
        self._began, self._first_step = time.perf_counter(), state.global_step
        if not state.is_world_process_zero:
            return
        lines = self._path.read_bytes().splitlines() if state.global_step and self._path.exists() else []
        kept = [line for line in lines if _step_of(line) <= state.global_step]
        write_atomic(self._path, b"".join(line + b"\n" for line in kept))

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Append a line."""
        if not state.is_world_process_zero or not logs or not ({"loss", "eval_loss"} & set(logs)):
            return
        elapsed = time.perf_counter() - self._began
        done = state.global_step - self._first_step
        left = elapsed / done * (state.max_steps - state.global_step) if done else 0.0
        entry = {
            "current_steps": state.global_step,
            "total_steps": state.max_steps,
            "loss": logs.get("loss"),
            "eval_loss": logs.get("eval_loss"),
            "lr": logs.get("learning_rate"),
            "epoch": logs.get("epoch", state.epoch),
            "percentage": round(100 * state.global_step / state.max_steps, 2) if state.max_steps else 100,
            "elapsed_time": _clock(elapsed),
            "remaining_time": _clock(left),
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({key: value for key, value in entry.items() if value is not None}) + "\n")
        figures = [f"{name} {logs[key]:.4g}" for key, name in _SPOKEN.items() if key in logs]
        self._say(f"step {state.global_step:,} of {state.max_steps:,}: {', '.join(figures)}; {_clock(left)} left")


_SPOKEN = {"loss": "loss", "eval_loss": "evaluation loss", "grad_norm": "gradient norm", "learning_rate": "learning rate"}


def _step_of(line: bytes) -> int:
    try:
        return int(json.loads(line)["current_steps"])
    except (ValueError, KeyError, TypeError):
        return 2**62  # a torn line of a killed run goes


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def make_manifest(recipe: Recipe, prepared: Prepared, levers: Levers, precision: str) -> dict[str, Any]:
    """Gather everything that decides a run: recipe, digests of data and model, versions, what was left out."""
    versions = {}
    for package in VERSIONED:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "schema": "vlkit.run/1",
        "recipe": msgspec.to_builtins(recipe),
        "precision": precision,
        "levers": msgspec.to_builtins(levers),
        "data": [_describe(loaded) for loaded in prepared.sets],
        "model": {
            "path": recipe.model,
            "config": hashlib.sha256(model_file(Path(recipe.model), "config.json").read()).hexdigest(),
            "weights": weights_digest(Path(recipe.model)),
        },
        "records": {"train": prepared.plan.train_records, "eval": prepared.plan.eval_records, "over_cutoff": list(prepared.dropped)},
        "versions": versions,
        "prompts": _prompts(prepared),
    }


def _prompts(prepared: Prepared) -> dict[str, int]:
    """What a server needs room for, from above: tokens of the longest record, its answers among them, most images and their pixels."""
    examples = (*prepared.train.examples, *prepared.validation.examples)
    areas = [width * height for example in examples for width, height in example.sizes]
    return {
        "tokens": max((*prepared.train.tokens, *prepared.validation.tokens), default=0),
        "pictures": max((len(example.sizes) for example in examples), default=0),
        "least_pixels": min(areas, default=0),
        "most_pixels": max(areas, default=0),
    }


def _describe(loaded: LoadedSet) -> dict[str, Any]:
    return {"target": loaded.target, "files": {file.name: file.sha256 for file in loaded.files}, "contract": loaded.contract is not None}


def check_resumable(folder: Path, manifest: dict[str, Any]) -> None:
    """Hold a run that is to go on to the data and model it began with.

    Raises:
        DataError: they differ.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return
    try:
        before = json.loads(path.read_bytes())
        differs = [key for key in ("data", "model") if before[key] != json.loads(json.dumps(manifest[key]))]
    except (ValueError, KeyError, TypeError):
        raise DataError("cannot be read.", where=str(path), cure="Set overwrite: true to begin again.") from None
    if differs:
        raise DataError(
            f"the run here began with other {' and '.join(differs)}.", where=str(folder), cure="Set overwrite: true, or another output."
        )


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file for people, in one step."""
    write_atomic(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())
