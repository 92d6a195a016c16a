"""Conversion by a Ray cluster of this machine beside the local engine, in turns, at sizes where starting is most of it and where it is not.

    python -m bench.ray_engine [--pictures 300,3000] [--size 640x480] [--rounds 3]

Run it with the Python of `make ray`. One cluster with a processor a core is started before and stays; its workers are as nice as everybody
else, where Ray would have them 15 nicer, so that other work on the machine would slow one engine alone. Printed for each size are the wall
times of the rounds, and the median of Ray's over the local one's of the same round.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.image_writers import draw


def convert(rows: Path, out: Path, *more: str) -> float:
    """Wall seconds of a conversion into a new folder."""
    started = time.perf_counter()
    call = [sys.executable, "-m", "vldata", "convert", "sharegpt", str(rows), "--out", str(out), "--name", "p", *more]
    subprocess.run(call, check=True, capture_output=True)
    seconds = time.perf_counter() - started
    shutil.rmtree(out)
    return seconds


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", default="300,3000")
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")
    import ray

    width, height = map(int, given.size.split("x"))
    cores = len(os.sched_getaffinity(0))
    address = ray.init(num_cpus=cores, include_dashboard=False, log_to_driver=False).address_info["gcs_address"]
    for count in map(int, given.pictures.split(",")):
        with tempfile.TemporaryDirectory() as name:
            work = Path(name)
            draw(work, count, (width, height))
            found = []
            for number in range(given.rounds):
                by = {"local": (), "ray": ("--engine", "ray", "--ray-address", address)}
                order = list(by) if number % 2 else list(by)[::-1]
                found.append({engine: convert(work / "rows.jsonl", work / engine, *by[engine]) for engine in order})
            ratio = statistics.median(one["ray"] / one["local"] for one in found)
            shown = "; ".join(f"local {one['local']:.1f} s, ray {one['ray']:.1f} s" for one in found)
            print(f"{count:>7,} pictures of {given.size} on {cores} cores: {ratio:.2f} x ({shown})", flush=True)


if __name__ == "__main__":
    main()
