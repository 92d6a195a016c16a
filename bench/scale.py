"""Memory and time of every command by the number of records: `make scale`.

    python -m bench.scale [--records 10000,100000,1000000] [--only convert,split] [--limit-s 600] [--work DIR]

Records are text only, about 330 bytes each, their questions all different. Every command runs in a process of its own.
Printed are the peak memory of that process (its workers apart), wall time, and microseconds a record, also over that of the size before.
A command that passes the limit is named.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

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
    return {
        "convert": ["vldata", "convert", "sharegpt", str(folder / "source.jsonl"), "--out", out, "--name", "d"],
        "validate": ["vldata", "validate", dataset],
        "stats": ["vldata", "stats", dataset],
        "split": ["vldata", "split", dataset, "--test", str(size // 10), "--group-by", "none"],
        "certify": ["vldata", "certify", dataset],
        "leaks": ["vldata", "leaks", f"{dataset}_train", f"{dataset}_test"],
        "sample": ["vldata", "sample", dataset, "--count", str(size // 2)],
        "filter": ["vldata", "filter", dataset, "--where", "turns>=2"],
        "mix": ["vldata", "mix", f"{dataset}=1", "--as", "mixed"],
        "pii": ["vldata", "pii", dataset],
        "preview": ["vldata", "preview", dataset],
        "export": ["vldata", "export", dataset, "--to", "parquet", "--rows-per-shard", "100000"],
        "score": ["vleval", "score", str(folder / "preds.jsonl"), "--data", dataset, "--metric", "exact_match"],
    }


def measure(arguments: list[str], limit_s: float) -> tuple[float, float] | str:
    """Return MiB and seconds of a command, or why there are none."""
    started = time.perf_counter()
    try:
        child = subprocess.run([sys.executable, "-c", CHILD, *arguments], capture_output=True, text=True, check=False, timeout=limit_s)
    except subprocess.TimeoutExpired:
        return f"over {limit_s:,.0f} s"
    seconds = time.perf_counter() - started
    found = re.search(r"^peak (\S+)", child.stderr, re.MULTILINE)
    told_nothing = child.returncode == 1 and not child.stdout  # findings are told; an error is not a measurement
    if not found or child.returncode not in (0, 1) or told_nothing or "Traceback" in child.stderr:
        return f"failed: {child.stderr.strip().splitlines()[-2:]}"
    return float(found.group(1)), seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", default="10000,100000,1000000")
    parser.add_argument("--only", default="")
    parser.add_argument("--limit-s", type=float, default=600)
    parser.add_argument("--work")
    given = parser.parse_args()
    only = given.only.split(",") if given.only else []
    before: dict[str, float] = {}
    for size in [int(part) for part in given.records.split(",")]:
        with tempfile.TemporaryDirectory(dir=given.work) as name:
            folder = Path(name)
            write_source(folder / "source.jsonl", size)
            for what, arguments in commands(folder, size).items():
                if only and what not in only and what != "convert" and not (what == "split" and {"certify", "leaks"} & set(only)):
                    continue
                if what == "score":
                    shards = sorted((folder / "prepared" / "d").glob("*.jsonl"))
                    write_predictions(shards or [folder / "prepared" / "d.jsonl"], folder / "preds.jsonl")
                found = measure(arguments, given.limit_s)
                if isinstance(found, str):
                    print(f"{size:>11,} records  {what:<8} {found}", flush=True)
                    continue
                memory, seconds = found
                each = seconds / size * 1e6
                growth = f"{each / before[what]:5.2f} x" if what in before else ""
                before[what] = each
                print(f"{size:>11,} records  {what:<8} {memory:7.0f} MiB {seconds:8.1f} s {each:9.1f} us a record {growth}", flush=True)


if __name__ == "__main__":
    main()
