"""The gate of model families (`make families`): for each, a tiny random model learns coloured squares, merges, reloads, and answers.

Every step is the command a user types. Prints a line a model type and exits 1 where a gate is missed; half an hour on two cores for all.

    python -m tests.families [--type qwen3_5] [--work DIR] [--steps 300] [--report FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from tools.parity_families import note_tried
from vldata.models.families import FAMILIES
from vldata.models.families.family import Family

_BUILDING = threading.Lock()  # random weights come from one seed of the process
GATE = 0.9  # exact match on the squares it was trained on
RECIPE = """\
model: {model}
data: {data}
output: {output}
precision: fp32
batch_size: 8
learning_rate: 3e-3
warmup: 10
max_steps: {steps}
checkpointing: false
workers: 0
tensorboard: false
plot: false
seed: 0
"""


class Missed(Exception):
    """A step that failed, with what it said."""


def run(*words: str, work: Path) -> str:
    """Run a command of ours.

    Raises:
        Missed: it failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, check=False, cwd=work, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    if done.returncode:
        raise Missed(f"{' '.join(words[:2])}: {' '.join((done.stderr or done.stdout).split())[-400:]}")
    return done.stdout


def pass_gate(family: Family, kind: str, work: Path, *, steps: int) -> dict[str, Any]:
    """Take one model type through: squares converted for it, trained, merged, reloaded and asked."""
    from fixtures.colours import convert_colours
    from vldata.models.tiny_families import build_tiny_family

    work.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with _BUILDING:
        model = build_tiny_family(family, work / "model", model_type=kind)
        data = convert_colours(work / "data", count=16, processor=family.name)
    (work / "recipe.yaml").write_text(RECIPE.format(model=model, data=data, output=work / "out", steps=steps))
    trained = json.loads(run("vltrain", "sft", "recipe.yaml", "--json", work=work))
    run("vltrain", "merge", "--model", str(model), "--adapter", str(work / "out"), "--out", str(work / "merged"), work=work)
    certified = json.loads(run("vltrain", "certify", "recipe.yaml", "--json", work=work))
    if not certified["holds"]:
        raise Missed(f"samples of a batch change each other: {certified['gradient_error']:.1e}")
    scores = {}
    for name, folder, more in (("adapter", model, ["--adapter", str(work / "out")]), ("merged", work / "merged", [])):
        out = str(work / f"{name}.jsonl")
        run(
            "vleval",
            "predict",
            "--data",
            data,
            "--backend",
            "hf",
            "--model",
            str(folder),
            *more,
            "--out",
            out,
            "--max-tokens",
            "6",
            work=work,
        )
        scores[name] = _right(Path(out), Path(data))
    return {"loss": round(trained["train_loss"], 3), **scores, "seconds": round(time.perf_counter() - began, 1)}


def _right(predictions: Path, data: Path) -> float:
    wanted = {row["id"]: row["messages"][-1]["content"] for row in map(json.loads, Path(f"{data}.jsonl").read_text().splitlines())}
    rows = [json.loads(line) for line in predictions.read_text().splitlines()]
    return sum((row.get("prediction") or "").strip() == wanted[row["id"]] for row in rows) / len(wanted)


def _tried(family: Family, kind: str, work: Path, steps: int) -> dict[str, Any]:
    try:
        return pass_gate(family, kind, work, steps=steps)
    except Missed as error:
        return {"missed": str(error)}


def main(words: Sequence[str] | None = None) -> int:
    """Run the gates, and exit 1 where one is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--type", action="append", help="only these model types")
    parser.add_argument("--without", action="append", default=[], help="not these model types")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=2, help="model types at a time; each command takes one core")
    parser.add_argument("--report", type=Path, help="note what was seen in this file, for docs/models.md")
    arguments = parser.parse_args(words)
    import transformers

    chosen = [
        (family, kind)
        for family in FAMILIES.values()
        for kind in family.model_types
        if kind not in arguments.without and (not arguments.type or kind in arguments.type)
    ]
    seen: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(arguments.jobs) as pool:
        root = arguments.work or Path(name)
        running = {pool.submit(_tried, family, kind, root / kind, arguments.steps): kind for family, kind in chosen}
        for done in as_completed(running):
            seen[running[done]] = done.result()
            print(running[done], json.dumps(done.result()), flush=True)
    if arguments.report:
        note_tried(arguments.report, "gates", transformers.__version__, seen)
    return 0 if all(min(row.get("adapter", 0), row.get("merged", 0)) >= GATE for row in seen.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
