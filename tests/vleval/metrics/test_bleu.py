from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vleval.metrics.bleu import bleu4, clipped
from vleval.metrics.bleu_batch import bleu4_characters

TEXT = st.text(alphabet="ab c.中𠀀\ud800", max_size=30)


@pytest.mark.parametrize(("text", "wanted"), [("a", 35.36), ("no", 59.46), ("yes", 84.09), ("door", 100.0)])
def test_short_exact_matches_lose(text, wanted):
    assert round(100 * bleu4(text, text), 2) == wanted


@given(st.lists(st.tuples(TEXT, TEXT), max_size=20))
def test_many_at_once_is_the_same_to_the_last_digit(pairs):
    assert bleu4_characters(pairs) == [bleu4(hypothesis, reference) for hypothesis, reference in pairs]


def test_many_chunks_and_many_kinds_of_characters():
    pairs = [(chr(0x4E00 + i % 20000) * (i % 5) + "ab", chr(0x4E00 + i % 20000) + "abc") for i in range(1200)]
    pairs.append(("".join(map(chr, range(0x4E00, 0x9FA5))), "".join(map(chr, range(0xAC00, 0xD7A0))) + "一丁"))
    assert bleu4_characters(pairs) == [bleu4(hypothesis, reference) for hypothesis, reference in pairs]


@given(st.lists(st.integers(0, 4), max_size=12), st.lists(st.integers(0, 4), max_size=12))
def test_clipped_is_the_multiset_intersection(have, want):
    assert clipped(have, want) == sum(min(have.count(item), want.count(item)) for item in set(have))
