"""From the start of the process to the numbers: `vleval score` of 258 ASCII rows under the llamafactory profile, and `vleval --help`.

    python bench/score_start.py [--repeats 5]

Prints one JSON line with the medians in seconds; 1 s is allowed for the score. A bare `python -c pass` is timed in the same run.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROWS = 258
WORDS = (
    "red",
    "blue",
    "sofa",
    "table",
    "lamp",
    "on",
    "the",
    "left",
    "of",
    "next",
    "to",
    "window",
    "door",
    "kitchen",
    "two",
    "three",
    "yes",
    "no",
    "wooden",
    "large",
    "small",
)


def write_rows(path: Path) -> None:
    """Write generated_predictions.jsonl with short English answers."""
    generator = random.Random(0)
    with path.open("w", encoding="utf-8") as handle:
        for number in range(ROWS):
            label = " ".join(generator.choices(WORDS, k=generator.randint(1, 9))).capitalize() + "."
            predict = label if generator.random() < 0.4 else " ".join(generator.choices(WORDS, k=generator.randint(1, 9)))
            handle.write(json.dumps({"prompt": f"question {number}", "predict": predict, "label": label}) + "\n")


def median(command: list[str], repeats: int) -> float:
    """The median wall time of a command."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return round(statistics.median(times), 3)


def main() -> None:
    """Time the commands and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    run = [sys.executable, "-c", "from vleval.cli import main; main()"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "generated_predictions.jsonl")
        write_rows(path)
        scored = median([*run, "score", str(path), "--profile", "llamafactory", "--json"], repeats)
    figures = {"score_258_rows": scored, "allowed": 1, "help": median([*run, "--help"], repeats)}
    print(json.dumps(figures | {"bare_python": median([sys.executable, "-c", "pass"], repeats)}))


if __name__ == "__main__":
    main()
