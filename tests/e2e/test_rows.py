"""The table of rows is whole, and a verdict follows from what was seen; `make rows` replays them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.replay.bench import Bench, Look, NotHereError
from tests.e2e.rows import AFTER, TUTORIALS, replay, with_earlier

COUNTS = {"0": 30, "1": 16, "2": 22, "3": 15, "4": 12}


def test_every_row_is_there_once() -> None:
    names = [row for rows in TUTORIALS.values() for row, _, _ in rows]
    assert names == [f"{tutorial}.{number}" for tutorial, count in COUNTS.items() for number in range(1, count + 1)]
    assert len(names) == 95
    assert all(names.index(earlier) < names.index(row) for row, earlier in AFTER.items())
    assert with_earlier(["4.4", "0.1"]) == {"4.4", "4.3", "4.2", "0.1"} and with_earlier([]) == set()
    with pytest.raises(SystemExit, match=r"no row '9\.9'"):
        with_earlier(["9.9"])


def test_rows_that_need_more_are_on_the_page() -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs" / "rows.md").read_text(encoding="utf-8")
    code = "\n".join(path.read_text(encoding="utf-8") for path in (root / "tests" / "e2e" / "replay").glob("*.py"))
    functions = {
        name for name, body in re.findall(r"^def (\w+)\(look: Look\).*?:\n(.*?)(?=^def |\Z)", code, re.S | re.M) if "needs(" in body
    }
    needing = {row for rows in TUTORIALS.values() for row, _, function in rows if function.__name__ in functions}
    for row in sorted(needing):
        assert re.search(rf"\b{re.escape(row)}\b", page), row


@pytest.mark.parametrize(
    ("seen", "needs", "verdict"),
    [
        ([True, True], [], "whole"),
        ([True], ["a GPU"], "whole here"),
        ([], ["a GPU"], "cannot run here"),
        ([True, False], ["a GPU"], "partly"),
        ([False], [], "not"),
        ([], [], "not"),
    ],
)
def test_a_verdict_follows_from_what_was_seen(seen: list[bool], needs: list[str], verdict: str, tmp_path: Path) -> None:
    def row(look: Look) -> None:
        for holds in seen:
            look.see("something", holds)
        for what in needs:
            raise NotHereError(what)

    outcome = replay(Bench(tmp_path, tmp_path, root=tmp_path), "9.9", "a row", row)
    assert outcome.verdict == verdict and outcome.needs == needs


def test_what_a_row_dies_of_is_a_fault_of_it(tmp_path: Path) -> None:
    outcome = replay(Bench(tmp_path, tmp_path, root=tmp_path), "9.9", "a row", lambda look: look.run("vldata no such file"))
    assert outcome.verdict == "not" and "FileNotFoundError" in outcome.failed[0]
