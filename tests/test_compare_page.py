"""The tables of docs/compare.md are those that were run."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from bench.compare import page
from bench.compare.__main__ import RESULTS
from bench.compare.answers import JOBS, LETTERS
from bench.compare.faults import case, faults
from bench.compare.scripted_model import CUT, FAILS, ITEMS, answering
from bench.compare.whole import judged_otherwise


def test_the_page_shows_what_was_run() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.filled(text, results) == text
    assert [name for name in page.tables(results) if f"<!-- {name} -->" not in text] == []  # what was run is shown
    assert set(results["data"]["faults"]) == {fault.name for fault in faults()}
    assert all(len(said) == len(JOBS[job]) for job, ways in results["answers"]["scores"].items() for said in ways.values())


def test_every_fault_is_a_folder_that_a_trainer_can_be_given() -> None:
    for fault in faults():
        made = case(fault)
        assert set(made.files) == {fault.file, "dataset_info.json"} and len(made.meant) == len(fault.rows)


def test_the_scripted_model_says_what_a_person_judged() -> None:
    with answering() as model:
        told = {}
        for item in range(ITEMS):
            content = [{"type": "text", "text": f"Which colour is box {item}?"}]
            body = json.dumps({"model": "scripted", "messages": [{"role": "user", "content": content}]}).encode()
            request = urllib.request.Request(f"{model.url}/chat/completions", body, {"Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=10) as reply:
                    told[item] = json.load(reply)["choices"][0]["message"]["content"]
            except urllib.error.HTTPError as error:
                told[item] = error.code
    assert [told[item] for item in range(len(LETTERS))] == [given.text for given in LETTERS]
    assert told[FAILS] == 500 and [asked.item for asked in model.asked] == list(range(ITEMS))


def test_what_is_judged_otherwise_than_by_a_person() -> None:
    right = {str(item): float(item != CUT and LETTERS[item].right) for item in range(ITEMS) if item != FAILS}
    assert judged_otherwise(right) == [] and judged_otherwise({}) == [item for item in range(ITEMS) if item != FAILS]
    assert judged_otherwise({**right, "0": 1 - right["0"], str(CUT): 1.0, str(FAILS): 0.0}) == [0, CUT]


def test_an_empty_place_for_a_table_takes_nothing_of_what_follows() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    text = "<!-- work -->\n<!-- end -->\n\n## More\n\n<!-- wrong -->\nold\n<!-- end -->\nThe end.\n"
    filled = page.filled(text, results)
    assert "## More" in filled and filled.endswith("The end.\n") and "old" not in filled
    assert page.filled(filled, results) == filled
