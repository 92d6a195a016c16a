"""The harnesses run whole, each in a venv of its own: one multiple-choice task of 24 pictures, asked of a scripted model on loopback.

    bash bench/compare/setup_harnesses.sh VENVS UPSTREAM
    python -m bench.compare whole --venvs VENVS --upstream UPSTREAM

Of each: what the user writes, the seconds, the number it prints, over how many items, and every item that it judges otherwise than a
person does. One item's request fails each time, one answer is cut by its limit of tokens.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bench.compare import whole_task
from bench.compare.answers import LETTERS
from bench.compare.data_side import environment
from bench.compare.scripted_model import CUT, FAILS, ITEMS, Model, answering
from vleval.gaps.table import harness_of
from vleval.readers import read_records

HERE = Path(__file__).parent
TASK = HERE / "lmms_task"
LIMIT_S = 600
WAY_NAMES = ("by hand", "VLMEvalKit", "lmms-eval", "evalscope", "evalscope --ignore-errors", "vleval")
Command = Callable[[Path, str], list[list[str]]]


class Whole(NamedTuple):
    """One way to the number: how its rows are written, the commands (of its folder and the model's URL), and the file of verdicts."""

    name: str
    rows: Callable[[Path], Path]
    commands: Command
    file: str
    lines: int = 0
    environment: Mapping[str, str] = {}


class Places(NamedTuple):
    """The venvs, and the check-outs."""

    venvs: Path
    upstream: Path


def ways(places: Places) -> tuple[Whole, ...]:
    """Every way, in the order of the page."""
    scope = str(places.venvs / "evalscope/bin/evalscope")
    kit, lmms = str(places.venvs / "vlmevalkit/bin/python"), str(places.venvs / "lmms-eval/bin/python")
    vldata, vleval = [sys.executable, "-m", "vldata"], [sys.executable, "-m", "vleval"]

    def hand(folder: Path, url: str) -> list[list[str]]:
        script = str(HERE / "handwritten_eval.py")
        return [[str(places.venvs / "evalscope/bin/python"), script, f"{whole_task.NAME}.jsonl", url, "verdicts.jsonl"]]

    def vlmevalkit(folder: Path, url: str) -> list[list[str]]:
        at = ["--base-url", url, "--judge", "exact_matching", "--work-dir", str(folder / "out")]
        return [[kit, str(places.upstream / "VLMEvalKit/run.py"), "--data", whole_task.NAME, "--model", "scripted", *at]]

    def lmms_eval(folder: Path, url: str) -> list[list[str]]:
        model = ["--model", "openai", "--model_args", f"model_version=scripted,base_url={url},api_key=none"]
        task = ["--tasks", whole_task.NAME, "--include_path", str(folder / "task"), "--output_path", "out", "--log_samples"]
        return [[lmms, "-m", "lmms_eval", *model, *task]]

    def evalscope(*more: str) -> Command:
        def commands(folder: Path, url: str) -> list[list[str]]:
            told = {"general_vmcq": {"local_path": str(folder), "subset_list": [whole_task.NAME]}}
            data = ["--datasets", "general_vmcq", "--dataset-args", json.dumps(told), "--work-dir", "out", "--no-timestamp"]
            return [[scope, "eval", "--model", "scripted", "--api-url", url, "--api-key", "none", *data, *more]]

        return commands

    def ours(folder: Path, url: str) -> list[list[str]]:
        name = whole_task.NAME
        return [
            [*vldata, "convert", "jsonl", f"{name}.jsonl", "--image-root", ".", "--name", name, "--out", "prepared"],
            [*vleval, "predict", "--data", f"prepared/{name}", "--backend", "openai", "--base-url", url.removesuffix("/v1"), "--model",
             "scripted", "--out", "predictions.jsonl"],
            [*vleval, "score", "predictions.jsonl", "--data", f"prepared/{name}", "--per-record", "verdicts.jsonl"],
        ]  # fmt: skip

    reviews = "out/reviews/**/*.jsonl"
    quiet = {"HF_HUB_OFFLINE": "1", "OPENAI_API_KEY": "none"}
    table = {**quiet, "LMUData": "."}
    scope_rows, ignoring = whole_task.for_evalscope, evalscope("--ignore-errors")
    return (
        Whole("by hand", whole_task.for_vldata, hand, "verdicts.jsonl", lines_of(HERE / "handwritten_eval.py")),
        Whole("VLMEvalKit", whole_task.for_vlmevalkit, vlmevalkit, "out/**/*_result.*", environment=table),
        Whole("lmms-eval", whole_task.for_lmms_eval, lmms_eval, "out/**/*_samples_*.jsonl", lines_of(*TASK.glob("*.*")), quiet),
        Whole("evalscope", scope_rows, evalscope(), reviews, environment=quiet),
        Whole("evalscope --ignore-errors", scope_rows, ignoring, reviews, environment=quiet),
        Whole("vleval", whole_task.for_vldata, ours, "verdicts.jsonl"),
    )


def lines_of(*files: Path) -> int:
    """Lines that are not blank."""
    return sum(bool(line.strip()) for file in files for line in file.read_text().splitlines())


def run(work: Path, places: Places, only: tuple[str, ...] = ()) -> dict[str, Any]:
    """Run every way; returns what came of each by its name."""
    found = {}
    for way in ways(places):
        if only and way.name not in only:
            continue
        folder = work / way.name.replace(" ", "_")
        shutil.rmtree(folder, ignore_errors=True)
        file = way.rows(folder)
        if way.name == "lmms-eval":
            shutil.copytree(TASK, folder / "task")
            task = folder / "task/boxes.yaml"
            task.write_text(task.read_text().replace("BOXES_JSONL", str(file)))
        with answering() as model:
            found[way.name] = {"lines": way.lines, **_run(way, folder, model)}
        print(f"{way.name}: {json.dumps({key: value for key, value in found[way.name].items() if key != 'said'})}", flush=True)
    return found


def _run(way: Whole, folder: Path, model: Model) -> dict[str, Any]:
    commands = way.commands(folder, model.url)
    own = {**environment(), **way.environment}
    if way.name != "vleval":
        del own["PYTHONPATH"]
    codes, said = [], []
    start = time.monotonic()
    for words in commands:
        done = subprocess.run(words, cwd=folder, env=own, capture_output=True, timeout=LIMIT_S, check=False)
        codes.append(done.returncode)
        said.append((done.stdout + done.stderr).decode("utf-8", "replace"))
        (folder / "said.txt").write_text("\n".join(said))
    took = time.monotonic() - start
    files = sorted(folder.glob(way.file))
    verdicts = read_verdicts(way, files[-1]) if files else {}
    return {
        "commands": len(commands),
        "codes": codes,
        "seconds": round(took, 1),
        "verdicts": {str(item): verdicts.get(item) for item in range(ITEMS)},
        "requests": len(model.asked),
        "of_the_failing": sum(asked.item == FAILS for asked in model.asked),
        "sizes": sorted({f"{width}x{height}" for asked in model.asked for width, height in asked.pictures}),
        "said": "\n".join(said)[-4_000:],
    }


def read_verdicts(way: Whole, file: Path) -> dict[int, float | None]:
    """What a way gives each item: 1 or 0. Items that its file lacks are not there."""
    if way.name in ("by hand", "vleval"):
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        return {int(str(row["id"]).rpartition("/")[2]): float(row["multiple_choice"]) for row in rows}
    loaded, records = read_records(file)
    told = [harness_of(loaded.format).told(record) for record in records]
    return {int(row.id): one.score for row, one in zip(loaded.rows, told, strict=True)}


def right_to_a_person(item: int) -> bool:
    """Whether a person takes the answer of an item, which has one, for right."""
    return item != CUT and LETTERS[item].right


def judged_otherwise(verdicts: Mapping[str, float | None]) -> list[int]:
    """Items that are judged otherwise than by a person, those without a verdict among them; but for the one whose request fails."""
    return [
        item
        for item in range(ITEMS)
        if item != FAILS and ((verdict := verdicts.get(str(item))) is None or bool(verdict) is not right_to_a_person(item))
    ]


def as_json(found: Mapping[str, Any]) -> Any:
    """As results.json keeps it: without what was said."""
    return msgspec.to_builtins({name: {key: value for key, value in one.items() if key != "said"} for name, one in found.items()})
