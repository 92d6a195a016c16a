"""Two cores beside one: convert, validate, stats and export, each pinned to one core and to two, in turns.

    python -m bench.two_cores [--pictures 600] [--size 1600x1200] [--records 300000] [--rounds 3]

Pictures are converted, validated and exported; records without any are converted, validated, counted and exported. Printed is the wall
time on one core over that on two, the median of the rounds, and how busy both cores were: on a machine with other work they are not two.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.image_writers import draw
from bench.scale import write_source


def commands(work: Path, out: Path) -> dict[str, list[str]]:
    """The commands by what they do; each writes into `out`, which is new for every run."""
    pictures, texts = str(work / "ready" / "p"), str(work / "ready" / "t")
    return {
        "convert pictures": ["convert", "sharegpt", str(work / "rows.jsonl"), "--out", str(out), "--name", "p"],
        "validate pictures": ["validate", pictures],
        "export pictures": ["export", pictures, "--to", "webdataset", "--out", str(out)],
        "convert texts": ["convert", "sharegpt", str(work / "texts.jsonl"), "--out", str(out), "--name", "t", "--shard-size", "50000"],
        "validate texts": ["validate", texts],
        "stats texts": ["stats", texts],
        "export texts": ["export", texts, "--to", "parquet", "--out", str(out)],
    }


def measure(arguments: list[str], cores: int) -> tuple[float, float]:
    """Wall and processor seconds of a command that may use so many cores."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    call = [sys.executable, "-m", "vldata", *arguments]
    subprocess.run(call, check=True, capture_output=True, preexec_fn=lambda: os.sched_setaffinity(0, range(cores)))
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=600)
    parser.add_argument("--size", default="1600x1200")
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.work) as name:
        work = Path(name)
        width, height = map(int, given.size.split("x"))
        draw(work, given.pictures, (width, height))
        write_source(work / "texts.jsonl", given.records)
        for what in ("convert pictures", "convert texts"):
            measure(commands(work, work / "ready")[what], 2)
        for what in commands(work, work):
            ratios, busy = [], []
            for number in range(given.rounds):
                (one, _), (two, used) = (measure(commands(work, work / f"{what[:3]}{number}{n}")[what], n) for n in (1, 2))
                ratios.append(one / two)
                busy.append(used / two)
            print(f"{what:<18} {statistics.median(ratios):5.2f} x   ({statistics.median(busy):.2f} cores busy with it)", flush=True)


if __name__ == "__main__":
    main()
