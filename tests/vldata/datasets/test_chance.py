"""Rows drawn by chance: one seed has always meant the same rows."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples
from vldata.datasets import mixture
from vldata.datasets.chance import draw_rows


@given(st.integers(0, 10**6), st.integers(1, 3_000), st.floats(0, 1), st.integers(0, 99))
@settings(max_examples=examples(40), deadline=None)
def test_they_are_those_of_random_sample(seed, of, share, first):
    count = round(of * share)
    mine, theirs = random.Random(seed), random.Random(seed)
    assert list(draw_rows(mine, count, of, first=first)) == theirs.sample(range(first, first + of), count)
    assert mine.getstate() == theirs.getstate()


@pytest.mark.parametrize("count", [333, 334, 341, 342, 1_365, 1_366, 5_000])
@pytest.mark.parametrize("of", [5_000, 1_045, 1_046, 4_117, 4_118, 16_406, 40_000])
def test_also_where_the_way_changes(count, of):
    if count <= of:
        assert list(draw_rows(random.Random(3), count, of)) == random.Random(3).sample(range(of), count)


@given(st.lists(st.integers(0, 8), min_size=1, max_size=40), st.integers(1, 9))
@settings(max_examples=examples(60), deadline=None)
def test_a_row_taken_again_knows_how_often_it_was(ids, at_once):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mixture, "_AT_ONCE", at_once)
        found = mixture._occurrences(np.array(ids, np.uint64))
    assert list(found) == [ids[: place + 1].count(name) for place, name in enumerate(ids)]
