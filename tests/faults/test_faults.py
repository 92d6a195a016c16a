"""A few faults on every command that writes; `make faults` does hundreds (`tests/faults/full.py`)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.faults.commands import CASES, Case
from tests.faults.trial import open_bench, trials

SHORT = ("convert jsonl", "info --merge", "export parquet", "predict")


@pytest.mark.parametrize("case", [case for case in CASES if case.name in SHORT], ids=lambda case: case.name)
def test_a_command_survives(case: Case, tmp_path: Path) -> None:
    counted: Counter[str] = Counter()
    with open_bench(case, tmp_path) as bench:
        trials(bench, counted, kills=2, tears=1, limits=1, disks=1, doubles=1, seed=0)
    assert counted["kills"] >= 2 and counted["double runs"] == 1
