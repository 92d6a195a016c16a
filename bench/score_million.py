"""1,000,000 predictions with exact match, relaxed accuracy and ANLS: seconds and peak memory of `vleval score`.

    python bench/score_million.py [--rows 1000000]

Prints one JSON line: rows, seconds, peak_mib, and what is allowed (60 s, 2,048 MiB).
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORDS = (
    "yes",
    "no",
    "12",
    "45%",
    "$5.00",
    "1,234",
    "2019",
    "blue",
    "on the table",
    "next to the sofa in the living room",
    "Air conditioning unit",
)


def write_rows(path: Path, rows: int) -> None:
    """Write predictions of which most are right, some nearly, with two references now and then."""
    generator = random.Random(0)
    with path.open("w", encoding="utf-8") as handle:
        for number in range(rows):
            answer = f"{generator.choice(WORDS)} {generator.randrange(1000)}" if number % 3 else str(generator.randrange(100_000))
            given = answer if generator.random() < 0.6 else answer[:-1] + generator.choice("0189ex")
            references = [answer] if number % 5 else [answer, answer.upper()]
            handle.write(json.dumps({"id": f"q{number}", "prediction": given, "references": references}) + "\n")


def main() -> None:
    """Write the rows, score them in a process of its own and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "preds.jsonl")
        write_rows(path, rows)
        metrics = [part for name in ("exact_match", "relaxed_accuracy", "anls") for part in ("--metric", name)]
        command = [sys.executable, "-c", "from vleval.cli import main; main()", "score", str(path), *metrics, "--json"]
        start = time.perf_counter()
        done = subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    values = {name: metric["value"] for name, metric in json.loads(done.stdout)["metrics"].items()}
    print(json.dumps({"rows": rows, "seconds": round(seconds, 1), "peak_mib": peak, "allowed": [60, 2048], "values": values}))


if __name__ == "__main__":
    main()
