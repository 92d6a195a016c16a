"""Speed and memory of converting text: ShareGPT and JSONL records without pictures, end to end through `convert`.

python bench/convert_text.py            # records a second of one process, beside what reading and writing JSON alone takes
python bench/convert_text.py --memory   # peak memory at 1, 20 and 500 MB of JSONL
python bench/convert_text.py --profile  # where the time goes
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from vldata.conversion import convert
from vldata.output.options import ConvertOptions
from vldata.sources import load_converter

QUESTION = "What is the capital of France, and how many people live there today, number {}?"
ANSWER = "Paris is the capital of France. About 2.1 million people live in the city proper."


def _sharegpt(number: int) -> dict[str, object]:
    turns = [{"from": "human", "value": QUESTION.format(number)}, {"from": "gpt", "value": ANSWER}]
    return {"id": f"a{number:08d}", "conversations": turns}


def _pair(number: int) -> dict[str, object]:
    return {"id": f"a{number:08d}", "image": "", "question": QUESTION.format(number), "answer": ANSWER}


SHAPES: dict[str, Callable[[int], dict[str, object]]] = {"sharegpt": _sharegpt, "jsonl": _pair}


def write_rows(path: Path, shape: str, count: int) -> Path:
    """Write so many rows; those of jsonl name an image field that is empty."""
    with path.open("wb") as handle:
        if shape == "jsonl":  # the field must have been seen once
            handle.write(b"")
        for number in range(count):
            handle.write(json.dumps(SHAPES[shape](number)).encode() + b"\n")
    return path


def run_convert(path: Path, shape: str, out: Path) -> tuple[float, int]:
    """Convert a file: (seconds of the processor, records written)."""
    options = {"image_field": "image"} if shape == "jsonl" else {}
    started = time.process_time()
    opened = load_converter(shape)(path, **options)
    (source,) = opened if isinstance(opened, list) else [opened]
    result = convert(source, ConvertOptions(out=out, workers=1, overwrite=True))
    assert not result.counts.rejected
    return time.process_time() - started, result.counts.written


def bare_json(path: Path) -> float:
    """Seconds to decode every line with msgspec and encode it again: the least any converter must do."""
    started = time.process_time()
    with path.open("rb") as source, path.with_suffix(".bare").open("wb") as target:
        for line in source:
            target.write(msgspec.json.encode(msgspec.json.decode(line)) + b"\n")
    return time.process_time() - started


def _peak(path: str, shape: str) -> None:
    run_convert(Path(path), shape, Path(path).parent / "out")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def report_memory(folder: Path) -> None:
    """Print the peak of a process of its own for each size."""
    for megabytes in (1, 20, 500):
        path = write_rows(folder / f"rows{megabytes}.jsonl", "sharegpt", megabytes * 1_000_000 // 240)
        command = [sys.executable, __file__, "--peak", str(path)]
        peak = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(f"{path.stat().st_size / 1e6:7.1f} MB of JSONL: peak {peak:,.0f} MiB")


def report_speed(folder: Path, count: int) -> None:
    """Print rates, best of three."""
    for shape in SHAPES:
        path = write_rows(folder / f"{shape}.jsonl", shape, count)
        best = min(run_convert(path, shape, folder / "out")[0] for _ in range(3))
        bare = min(bare_json(path) for _ in range(3))
        print(f"{shape}: {count / best:,.0f} records/s; {best / bare:.1f} x of decoding and encoding the JSON alone")


def main() -> None:
    """Print what the flags ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--peak", metavar="FILE")
    args = parser.parse_args()
    if args.peak:
        _peak(args.peak, "sharegpt")
        return
    with tempfile.TemporaryDirectory() as folder:
        if args.memory:
            report_memory(Path(folder))
        elif args.profile:
            path = write_rows(Path(folder) / "rows.jsonl", "sharegpt", args.records)
            profile = cProfile.Profile()
            profile.runcall(run_convert, path, "sharegpt", Path(folder) / "out")
            pstats.Stats(profile).sort_stats("tottime").print_stats(32)
        else:
            report_speed(Path(folder), args.records)


if __name__ == "__main__":
    main()
