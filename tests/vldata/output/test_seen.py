from __future__ import annotations

import json
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from vldata.output.contract import spread
from vldata.output.seen import SeenIds

IDS = st.lists(st.lists(st.text("abc", max_size=3), max_size=8), max_size=12)


@given(IDS)
def test_it_answers_as_a_set_of_all_ids_would(parts: list[list[str]]) -> None:
    written: list[str] = []

    def lines() -> Iterator[bytes]:
        return (json.dumps({"id": text, "more": 1}).encode() for text in written)

    seen = SeenIds(lines)
    for part in parts:
        assert seen.repeated(part) == set(part) & set(written)
        fresh = list(dict.fromkeys(text for text in part if text not in written))
        seen.add(fresh)
        written += fresh


@given(st.lists(st.integers(0, 50), min_size=1))
def test_spread_is_that_of_the_sorted_values(values: list[int]) -> None:
    ordered = sorted(values)
    p50, p95 = (ordered[-(-len(ordered) * percent // 100) - 1] for percent in (50, 95))
    found = spread(values)
    assert (found.mean, found.p50, found.p95, found.max) == (round(sum(values) / len(values), 3), p50, p95, ordered[-1])
