"""Memory and time of every command by the number of records: `make scale`.

    python -m bench.scale [--records 10000,100000,1000000] [--only convert,split] [--limit-s 600] [--work DIR [--keep]]

Records are text only, about 330 bytes each, their questions all different. Every command runs in a process of its own.
Printed are the peak memory of that process (its workers apart), the seconds of processors that it and its workers took, wall time, and
microseconds of processors a record, also over that of the size before. Other work on the machine changes wall time more than the other.
A command that passes the limit is named.

With --keep the files of each size stay in DIR, and a later run with it uses what is there: a dataset is converted once, and split where
`certify` or `leaks` wants sides and there are none.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

# VmHWM rather than ru_maxrss: the latter begins at what the parent held.
CHILD = """
import re, sys
from importlib import import_module
from pathlib import Path
try:
    getattr(import_module("vldata.start" if sys.argv[1] == "vldata" else "vleval.start"), sys.argv.pop(1))()
finally:
    text = Path("/proc/self/status").read_text()
    print("peak", int(re.search(r"VmHWM:\\s+(\\d+)", text).group(1)) / 1024, file=sys.stderr)
"""
VERBS = ["checks", "counts", "draws", "finds", "keeps", "moves", "names", "opens", "pulls", "reads", "sends", "takes"]
THINGS = ["anchors", "baskets", "candles", "drawers", "engines", "folders", "gardens", "hammers", "islands", "jackets", "kettles",
          "ladders", "mirrors", "needles"]  # fmt: skip


def write_source(path: Path, count: int) -> None:
    """Write conversations of two turns, each its own."""
    with path.open("w", encoding="utf-8") as lines:
        for number in range(count):
            words = [VERBS[number % 12], THINGS[number // 12 % 14], THINGS[number // 168 % 14], str(number * 7919 % 1_000_003)]
            question = f"Who {words[0]} {number} {words[1]} beside the {words[2]} of house {words[3]}? Explain it in some words."
            turns = [
                {"role": "user", "content": question},
                {"role": "assistant", "content": f"Number {number * 31 % 9973} {words[0]} them."},
            ]
            lines.write(json.dumps({"id": f"rec-{number:08d}", "messages": turns}) + "\n")


def write_predictions(files: Sequence[Path], path: Path) -> None:
    """Write an answer to every record."""
    with path.open("w", encoding="utf-8") as lines:
        for file in files:
            with file.open(encoding="utf-8") as records:
                for line in records:
                    record = json.loads(line)
                    lines.write(json.dumps({"id": record["id"], "prediction": record["messages"][-1]["content"]}) + "\n")


def commands(folder: Path, size: int) -> dict[str, list[str]]:
    """Every command in the order in which each finds what it needs."""
    out, dataset = str(folder / "prepared"), str(folder / "prepared" / "d")
    again = "--overwrite"
    return {
        "convert": ["vldata", "convert", "sharegpt", str(folder / "source.jsonl"), "--out", out, "--name", "d"],
        "validate": ["vldata", "validate", dataset],
        "stats": ["vldata", "stats", dataset],
        "split": ["vldata", "split", dataset, "--test", str(size // 10), "--group-by", "none", again],
        "certify": ["vldata", "certify", dataset],
        "leaks": ["vldata", "leaks", f"{dataset}_train", f"{dataset}_test"],
        "sample": ["vldata", "sample", dataset, "--count", str(size // 2), again],
        "filter": ["vldata", "filter", dataset, "--where", "turns>=2", again],
        "mix": ["vldata", "mix", f"{dataset}=1", "--as", "mixed", again],
        "pii": ["vldata", "pii", dataset],
        "preview": ["vldata", "preview", dataset],
        "export": ["vldata", "export", dataset, "--to", "parquet", "--rows-per-shard", "100000", "--out", str(folder / "exported")],
        "score": ["vleval", "score", str(folder / "preds.jsonl"), "--data", dataset, "--metric", "exact_match"],
    }


class Measured(NamedTuple):
    """MiB at most, seconds of processors, and of the wall."""

    mib: float
    cpu_s: float
    wall_s: float


def measure(arguments: list[str], limit_s: float) -> Measured | str:
    """Return what a command took, or why there is nothing to tell."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    try:
        child = subprocess.run([sys.executable, "-c", CHILD, *arguments], capture_output=True, text=True, check=False, timeout=limit_s)
    except subprocess.TimeoutExpired:
        return f"over {limit_s:,.0f} s"
    wall_s, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = re.search(r"^peak (\S+)", child.stderr, re.MULTILINE)
    told_nothing = child.returncode == 1 and not child.stdout  # findings are told; an error is not a measurement
    if not found or child.returncode not in (0, 1) or told_nothing or "Traceback" in child.stderr:
        return f"failed: {child.stderr.strip().splitlines()[-2:]}"
    return Measured(float(found.group(1)), cpu_s, wall_s)


def prepare(what: str, folder: Path, size: int) -> None:
    """Make what a command reads that no other one of the table makes."""
    source, predictions = folder / "source.jsonl", folder / "preds.jsonl"
    if what == "convert" and not source.exists():
        write_source(source, size)
    if what == "export":
        shutil.rmtree(folder / "exported", ignore_errors=True)
    if what == "score" and not predictions.exists():
        shards = sorted((folder / "prepared" / "d").glob("*.jsonl"))
        write_predictions(shards or [folder / "prepared" / "d.jsonl"], predictions)


def wanted(only: set[str], folder: Path) -> list[str]:
    """The commands to run, with those whose output they need and that is not there."""
    every = list(commands(folder, 0))
    prepared = folder / "prepared"
    run = set(only or every)
    if {"certify", "leaks"} & run and not (prepared / "d_test.contract.json").exists():
        run.add("split")
    if (prepared / "d.contract.json").exists():
        run.discard("convert")
    else:
        run.add("convert")
    return [what for what in every if what in run]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", default="10000,100000,1000000")
    parser.add_argument("--only", default="")
    parser.add_argument("--limit-s", type=float, default=600)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    if given.keep and not given.work:
        parser.error("--keep wants --work DIR.")
    before: dict[str, float] = {}
    for size in [int(part) for part in given.records.split(",")]:
        with tempfile.TemporaryDirectory(dir=given.work) as name:
            folder = given.work / str(size) if given.keep else Path(name)
            folder.mkdir(exist_ok=True)
            for what in wanted(set(filter(None, given.only.split(","))), folder):
                prepare(what, folder, size)
                found = measure(commands(folder, size)[what], given.limit_s)
                if isinstance(found, str):
                    print(f"{size:>11,} records  {what:<8} {found}", flush=True)
                    continue
                each = found.cpu_s / size * 1e6
                growth = f"{each / before[what]:5.2f} x" if what in before else ""
                before[what] = each
                took = f"{found.mib:7.0f} MiB {found.cpu_s:8.1f} s of processors {found.wall_s:8.1f} s"
                print(f"{size:>11,} records  {what:<8} {took} {each:9.1f} us a record {growth}", flush=True)


if __name__ == "__main__":
    main()
