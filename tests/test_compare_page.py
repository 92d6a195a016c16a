"""The tables of docs/compare.md are those that were run."""

from __future__ import annotations

import json

from bench.compare import page
from bench.compare.__main__ import RESULTS
from bench.compare.answers import JOBS
from bench.compare.faults import case, faults


def test_the_page_shows_what_was_run() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.filled(text, results) == text
    assert set(results["data"]["faults"]) == {fault.name for fault in faults()}
    assert all(len(said) == len(JOBS[job]) for job, ways in results["answers"]["scores"].items() for said in ways.values())


def test_every_fault_is_a_folder_that_a_trainer_can_be_given() -> None:
    for fault in faults():
        made = case(fault)
        assert set(made.files) == {fault.file, "dataset_info.json"} and len(made.meant) == len(fault.rows)
