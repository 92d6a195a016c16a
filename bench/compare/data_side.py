"""The data side: a foreign dump becomes something a trainer trains, by each way; what became of every faulty row, and who said so."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bench.compare.faults import ENTRY, MARK, A, Fault, case, draw, faults, good, meaning
from tests.lint.cases import Case, Meant, truth, write

ROOT = Path(__file__).resolve().parents[2]
CUTOFF = 2048
ENTRY_LINES = len(json.dumps({"data": {"file_name": "data.json", **ENTRY}}, indent=2).splitlines())
ABOUT = (MARK, "bad-7", A, "wide.jpg", "turned.jpg", "gone.jpg", "cut.jpg", "p5.jpg", "data.json[2]", "/home/someone")
# What became of a faulty row, from best to worst.
AS_MEANT = "as meant"
MENDED = "mended, said"
NAMED = "left out, named"
STOP_NAMED = "stops, named"
LEFT = "left out, not named"
STOP = "stops, not named"
WRONG_SAID = "trained wrongly, said"
DROPPED = "lost, nothing said"
WRONG = "trained wrongly, nothing said"
ORDER = (AS_MEANT, MENDED, NAMED, STOP_NAMED, LEFT, STOP, WRONG_SAID, DROPPED, WRONG)
COMPLAINTS = ("errors in the dataset", "Skipping this abnormal", "rejected")  # rows go, and somebody says so
SILENT = (DROPPED, WRONG)
_FRAMES = re.compile(r'^\s*File ".*$', re.M)  # of a traceback: its line numbers are those of code


class Way(NamedTuple):
    """One way to do the job: the name on the page, how a case is made ready (returns what was said), and who trains it."""

    name: str
    ready: Callable[[Path, Path], str] | None
    trainer: str


def environment() -> dict[str, str]:
    """Of every command: our checkout, one thread, no network."""
    path = os.pathsep.join((str(ROOT), str(ROOT / "train")))
    return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def said_by(*words: str, cwd: Path) -> str:
    """What a command prints, on both streams."""
    ran = subprocess.run(words, cwd=cwd, env=environment(), capture_output=True, text=True, check=False)
    return ran.stdout + ran.stderr


def by_hand(source: Path, out: Path) -> str:
    """The hand-written script."""
    return said_by(sys.executable, str(ROOT / "bench/compare/handwritten.py"), source.name, str(out), cwd=source.parent)


def by_vldata(source: Path, out: Path) -> str:
    """`vldata convert`, and the file of rejects that it names."""
    words = ("-m", "vldata", "convert", "sharegpt", source.name, "--out", str(out), "--name", "data", "--repair", "--max-rejects", "1")
    said = said_by(sys.executable, *words, cwd=source.parent)
    if "Traceback" in said:
        raise RuntimeError(said)
    files = [path.read_text() for path in (out / "data.rejects.jsonl", out / "data.repairs.jsonl") if path.exists()]
    return "\n".join((said, *files))


WAYS = (
    Way("LLaMA-Factory", None, "llamafactory"),
    Way("ms-swift", None, "swift"),
    Way("by hand", by_hand, "llamafactory"),
    Way("vldata", by_vldata, "llamafactory"),
)


def run_way(way: Way, cases: list[Case], work: Path, venvs: Path, model: Path) -> dict[str, dict[str, Any]]:
    """Every case by one way: name -> what the trainer made of it, with `ready`, what was said before."""
    folder = work / way.trainer if way.ready is None else work / way.name.replace(" ", "-")
    shutil.rmtree(folder, ignore_errors=True)
    ready = {}
    for each in cases:
        place = write(each, work / "drawn" / way.name, work / "pictures")
        target = folder / each.name
        if way.ready is None:
            shutil.copytree(place, target)
            continue
        target.mkdir(parents=True)
        ready[each.name] = way.ready(place / each.spec["file"], target)
        file = "data.json" if (target / "data.json").exists() else "data.jsonl"
        (target / "case.json").write_text(json.dumps({"meant": [], "file": file}))
    out = work / f"{folder.name}.json"
    python = venvs / way.trainer / "bin/python"
    script = ROOT / "bench/compare/in_trainer.py"
    log = (work / f"{folder.name}.log").open("w")
    bare = {key: value for key, value in environment().items() if key != "PYTHONPATH"}
    subprocess.run([str(python), str(script), way.trainer, str(folder), str(model), str(out)], env=bare, stdout=log, stderr=log, check=True)
    found: dict[str, dict[str, Any]] = json.loads(out.read_text())
    return {name: {**what, "ready": ready.get(name, "")} for name, what in found.items()}


def verdicts(fault: Fault, found: Mapping[str, Any], way: Way) -> tuple[str, int]:
    """What became of the faulty row (of the worst one, where a file is at fault), and how many good rows beside it were lost."""
    said = "\n".join((found["ready"], found["said"], found["message"]))
    rows = found["rows"]
    lost, worst = 0, AS_MEANT
    for each in fault.rows:
        number = each["id"][-1]
        if MARK in json.dumps(each):
            continue
        became = _became(meaning(int(number)), f"scene {number} here", rows)
        lost += became != AS_MEANT
        worst = max(worst, became, key=ORDER.index)
    if fault.whole_file:
        stopped = STOP_NAMED if any(word in _FRAMES.sub("", said) for word in fault.about) else STOP
        return (stopped if found["stage"] or not rows else worst), 0
    named = any(word in said for word in ABOUT) or any(word in row.get("message", "") for row in rows for word in ABOUT)
    named = named or any(word in said for word in fault.about)
    meant = (fault.after if way.ready is by_vldata else None) or fault.meant
    became = _became(meant, MARK, rows, twice=fault.twice)
    if found["stage"] and not rows:
        return (STOP_NAMED if named else STOP), lost
    crash = next((row["message"] for row in rows if MARK in row["text"] and row["message"]), "")
    if crash:
        return (STOP_NAMED if any(word in crash for word in ABOUT) else STOP), lost
    if became == AS_MEANT:
        return (MENDED if named and way.ready else AS_MEANT), lost
    if became == DROPPED:
        told = bool(found["message"]) or any(word in said for word in COMPLAINTS)
        return (NAMED if named else LEFT if told else DROPPED), lost
    return (WRONG_SAID if named else WRONG), lost


def _became(meant: Meant | None, mark: str, rows: list[dict[str, Any]], *, twice: bool = False) -> str:
    mine = [row for row in rows if mark in row["text"]]
    if not mine:
        return DROPPED
    if meant is None or (twice and len(mine) > 1):
        return WRONG
    return AS_MEANT if all(truth(meant, row, CUTOFF) == "train" for row in mine) else WRONG


def clean(folder: Path, count: int) -> None:
    """A dump without faults, for the clock."""
    folder.mkdir(parents=True, exist_ok=True)
    draw(folder)
    rows = [{**good(number % 8), "id": str(number)} for number in range(count)]
    (folder / "data.json").write_text(json.dumps(rows))


def seconds(work: Path, count: int) -> dict[str, float]:
    """Wall seconds of making `count` clean rows ready, a way that has a step of its own."""
    took = {}
    for way in WAYS:
        if way.ready is not None:
            folder, out = work / "clean", work / f"clean-{way.name.replace(' ', '-')}"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(out, ignore_errors=True)
            clean(folder, count)
            out.mkdir()
            began = time.perf_counter()
            way.ready(folder / "data.json", out)
            took[way.name] = time.perf_counter() - began
    return took


def lint_tells(work: Path, fault: Fault) -> bool:
    """Whether `vldata lint`, which converts nothing, tells of the fault: of a row that is not as meant, and is not a good one."""
    place = work / "drawn" / WAYS[0].name / fault.name
    words = (sys.executable, "-m", "vldata", "lint", str(place), "--as", "llamafactory")
    return subprocess.run(words, env=environment(), capture_output=True, check=False).returncode == 1


def run(work: Path, venvs: Path, model: Path, only: Collection[str] = ()) -> dict[str, Any]:
    """Every fault by every way, or those named; a document with the verdicts."""
    draw(work / "pictures")
    every = [fault for fault in faults() if not only or fault.name in only]
    cases = [case(fault) for fault in every]
    table: dict[str, dict[str, Any]] = {fault.name: {"what": fault.what, "rows": fault.faulty_rows} for fault in every}
    for way in WAYS:
        found = run_way(way, cases, work, venvs, model)
        for fault in every:
            verdict, lost = verdicts(fault, found[fault.name], way)
            table[fault.name][way.name] = [verdict, lost]
    for fault in every:
        table[fault.name]["lint"] = lint_tells(work, fault)
    return {"faults": table} if only else {"faults": table, "seconds": seconds(work, 300)}
