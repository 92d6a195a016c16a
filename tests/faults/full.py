"""The long form, `make faults`: at least 400 kills, 150 tears, 150 failed writes and 60 double runs over every command that writes.

Prints what was done. `python -m tests.faults.full [NAME ...]` runs the commands whose names hold one of the words.
"""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from tests.faults.commands import CASES
from tests.faults.trial import open_bench, trials


def main() -> int:
    """Make the trials; returns how many commands failed."""
    words = sys.argv[1:]
    total: Counter[str] = Counter()
    failed = 0
    for case in CASES:
        if words and not any(word in case.name for word in words):
            continue
        begun, counted = time.monotonic(), Counter[str]()
        amounts = (10, 2, 3, 1, 1) if case.heavy else (20, 8, 5, 4, 3)
        try:
            with tempfile.TemporaryDirectory() as folder, open_bench(case, Path(folder)) as bench:
                kills, tears, limits, disks, doubles = amounts
                trials(bench, counted, kills=kills, tears=tears, limits=limits, disks=disks, doubles=doubles, seed=1)
        except Exception:
            failed += 1
            traceback.print_exc()
        total += counted
        print(f"{case.name}: {dict(counted)}, {time.monotonic() - begun:.0f} s", flush=True)
    print(f"All: {dict(total)}; {failed} of the commands failed.")
    return failed


if __name__ == "__main__":
    sys.exit(min(1, main()))
