"""ANLS of two texts that would take minutes is a named lower bound."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from tests.effort import examples
from vleval.metrics import anls
from vleval.profiles import resolve
from vleval.rows import Row

TEXT = st.text(alphabet="abcd ", min_size=1, max_size=60)


@settings(max_examples=examples(100))
@given(TEXT, TEXT)
def test_the_distance_in_parts_is_never_smaller(one: str, other: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(anls, "MOST_CELLS", 0)
        patch.setattr(anls, "_PART", 7)
        assert anls._distance(one, other, 1_000) >= Levenshtein.distance(one, other)
        assert anls._distance(one, one, 1_000) == 0


@pytest.mark.parametrize("metric", ["anls", "anls_star"])
def test_a_bound_is_named_and_an_exact_value_is_not(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Row(id="1", prediction="a red flower", references=("a red flowers",)), Row(id="2", prediction="x", references=("x",))]
    exact = resolve("vlkit", metric).score(rows)
    assert not exact.inexact
    monkeypatch.setattr(anls, "MOST_CELLS", 100)
    monkeypatch.setattr(anls, "_PART", 6)
    bound = resolve("vlkit", metric).score(rows)
    assert bound.inexact == "ANLS of 1 row is a lower bound: both sides are so long that they are compared part by part."
    assert bound.values[0] <= exact.values[0] and bound.values[1] == 1.0
