"""Speed and memory of checking records alone.

python bench/validate_records.py            # one-image and eight-image records, on one core, in our bytes and in foreign ones
python bench/validate_records.py --memory   # peak memory at 10,000 and at 1,000,000 records
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vldata.records.check import RecordChecker
from vldata.records.findings import FindingList
from vldata.records.record import Message, Record, encode_record


def write_records(path: Path, count: int, images: int) -> None:
    """Write records of the usual shape: a question of 50 letters, a short answer, six meta columns."""
    with path.open("wb") as handle:
        for number in range(count):
            digests = [f"{number * images + place:064x}" for place in range(images)]
            record = Record(
                id=f"openeqa/f2e82760-5c3c-41b1-88b6-{number:012x}",
                messages=(
                    Message(role="user", content="<image>" * images + "What is the white object on the wall above the TV?"),
                    Message(role="assistant", content="Air conditioning unit"),
                ),
                images=tuple(f"images/{digest[:2]}/{digest}.jpg" for digest in digests),
                references=("Air conditioning unit",),
                meta={"source": "openeqa", "task": "vqa", "category": "object", "episode": "hm3d-v0/000", "scene": "BFR", "extra": ""},
            )
            handle.write(encode_record(record) + b"\n")


FOREIGN: dict[str, Callable[[dict[str, Any]], str]] = {
    "spaces after colons and commas": lambda row: json.dumps(row, ensure_ascii=False),
    "other order of keys": lambda row: json.dumps(dict(reversed(row.items())), separators=(",", ":"), ensure_ascii=False),
    r"\u escapes": lambda row: json.dumps({**row, "references": ["\u00e9" + text for text in row["references"]]}, separators=(",", ":")),
}


def write_foreign(path: Path, source: Path, form: str) -> None:
    """Write the records of a file in bytes that are not ours."""
    with source.open() as rows, path.open("w", encoding="utf-8") as handle:
        for line in rows:
            handle.write(FOREIGN[form](json.loads(line)) + "\n")


def check(path: Path) -> tuple[float, int]:
    """Check a file: (seconds of the processor, records)."""
    findings = FindingList()
    started = time.process_time()
    checker = RecordChecker(None, findings, collect_images=False)
    count = checker.check_file(path)
    checker.finish()
    assert not findings.total
    return time.process_time() - started, count


def peak_of(path: Path) -> int:
    """Peak resident bytes of a process that checks a file."""
    script = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import validate_records as v; v.report_peak({str(path)!r})"
    return int(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout)


def report_peak(path: str) -> None:
    """Print the peak of this process after checking a file."""
    check(Path(path))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def main() -> None:
    """Print rates, or memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memory", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records.jsonl"
        if args.memory:
            peaks = []
            for count in (10_000, 1_000_000):
                write_records(path, count, 1)
                peaks.append(peak_of(path))
                print(f"{count:>9,} records: peak {peaks[-1] / 2**20:.1f} MiB")
            print(f"{(peaks[1] - peaks[0]) / 990_000:.1f} bytes a record (limit 32)")
            return
        for images in (1, 8):
            write_records(path, 200_000, images)
            best = min(check(path)[0] for _ in range(5))
            print(f"{images} image(s) a record: {200_000 / best:,.0f} records/s on one core (best of 5)")
            for form in FOREIGN:
                write_foreign(other := path.with_name("foreign.jsonl"), path, form)
                foreign = min(check(other)[0] for _ in range(5))
                print(f"  {form}: {200_000 / foreign:,.0f} records/s, {best / foreign:.0%} of the rate of our bytes")


if __name__ == "__main__":
    main()
