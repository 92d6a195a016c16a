"""Long texts under the profiles that count jieba's words: the numbers of the short way, which equals the tools', in bounded memory."""

from __future__ import annotations

import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rouge_score import rouge_scorer

from tests.effort import examples
from vldata.errors import DataError
from vleval.metrics import jieba_cut, lcs, llamafactory, msswift, msswift_long, pieces, segment, word_keys
from vleval.metrics.lcs import common_places, lcs_items
from vleval.profiles import resolve
from vleval.rows import Row
from vleval.scoring import score
from vleval.settings import Reading, Scoring

PARTS = st.sampled_from(
    [
        *" \n\t.,-a1?!。！？”…\r龘靐齉",
        *(
            "\r\n",
            "\n\n",
            "3.5",
            "C++",
            "AT&T",
            "......",
            ".......",
            "............." + " ",
            "中国",
            "北京大学",
            "我爱你",
            "乔布斯",
            "T恤",
            "a red",
        ),
        *("\u3000", "\x1c", "😀", "é", "flower ", ". ", " .", "龘靐齉爩鱻"),
    ]
)
TEXT = st.lists(PARTS, max_size=30).map("".join)


@contextmanager
def small(piece: int):
    """Parts of few characters, and every text long."""
    before = pieces.PIECE, jieba_cut._CHUNK, jieba_cut._LONG_RUN
    pieces.PIECE, jieba_cut._CHUNK, jieba_cut._LONG_RUN = piece, piece, 2
    try:
        yield
    finally:
        pieces.PIECE, jieba_cut._CHUNK, jieba_cut._LONG_RUN = before


@settings(max_examples=examples(200), deadline=None)
@given(TEXT, st.integers(1, 20))
@example("北京大学龘靐齉爩鱻abc中" * 3, 1)
@example("\r\n\r\r\n\n", 1)
def test_batches_are_the_words(text, piece):
    whole = segment.words_and_blanks(text)
    segment._cut_block.cache_clear()
    with small(piece):
        assert [word for batch in segment.batches(text) for word in batch] == whole
    segment._cut_block.cache_clear()


@settings(max_examples=examples(200), deadline=None)
@given(TEXT, TEXT, st.integers(1, 20))
@example("\n\na", "\r\na\n \nb", 1)
@example("a。\n\n b", "b ............. 。”c", 2)
def test_long_rouge_of_llamafactory_is_the_short_one(answer, reference, piece):
    with small(piece):
        found = [word for batch in llamafactory.rouge_batches(answer) for word in batch]
        long = llamafactory._long_rouge(answer, reference)
    assert tuple(found) == llamafactory.rouge_tokens(answer)
    assert long == (*llamafactory.short_rouge(answer, reference), False)


@settings(max_examples=examples(200), deadline=None)
@given(TEXT, TEXT, st.integers(1, 20))
@example("...", "a", 1)
@example("a. .b", ". .", 1)
def test_long_scores_of_ms_swift_are_the_short_ones(answer, reference, piece):
    wanted = (
        msswift.bleu4(msswift.tokens(answer), msswift.tokens(reference)),
        msswift.rouge(msswift.tokens(answer), msswift.tokens(reference)),
    )
    with small(piece):
        assert msswift_long.bleu(answer, reference) == pytest.approx(wanted[0], abs=1e-12)
        assert msswift_long.rouge(answer, reference) == (*wanted[1], False)


CODES = st.lists(st.integers(0, 4), max_size=40)


@settings(max_examples=examples(300), deadline=None)
@given(CODES, CODES)
def test_the_walk_over_bits_takes_the_way_of_the_table(first, second):
    letters = "abcde"
    items = lcs_items([letters[code] for code in first], [letters[code] for code in second])
    assert {letters[first[place]] for place, _ in common_places(first, second)} == items
    table = rouge_scorer._lcs_table(first, second)
    assert [place for _, place in common_places(second, first)][::-1] == rouge_scorer._backtrack_norec(table, first, second)
    before, lcs._MOST_CELLS = lcs._MOST_CELLS, 0
    try:
        assert lcs_items([letters[code] for code in first], [letters[code] for code in second]) == items
    finally:
        lcs._MOST_CELLS = before


@given(st.lists(st.integers(0, 2**64 - 1), max_size=60), st.integers(1, 9))
def test_distinct_numbers_of_a_stream(numbers, size):
    kept = word_keys.Distinct()
    for start in range(0, len(numbers), size):
        kept.add(np.array(numbers[start : start + size], np.uint64))
        if start % 2:
            kept.sorted()
    assert kept.sorted().tolist() == sorted(set(numbers))


def test_no_word_of_the_dictionary_is_longer_than_the_reach():
    assert max(map(len, jieba_cut.dictionary()[0])) < jieba_cut.LONGEST


@pytest.mark.parametrize("shape", ["1, 2, ", "a-b-", "一朵红色的花。", "\n", "龘靐齉", "c++"])
def test_no_list_is_as_long_as_the_text(shape):
    text = "花 " + shape * (60_000 // len(shape))
    sizes = [len(batch) for batch in segment.batches(text)]
    assert max(sizes) <= sum(sizes) / 2


@pytest.mark.parametrize("profile", ["llamafactory", "ms-swift"])
def test_an_answer_takes_few_times_its_own_memory(profile):
    metric = resolve(profile, "rouge-l")
    text = "5, 3, " * 10_000
    tracemalloc.start()
    metric.score([Row(id="1", prediction=text, references=("a red flower 5",))])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * len(text)  # 8 from a megabyte on, where the parts weigh little: bench/metric_growth.py


@pytest.mark.parametrize(("profile", "name"), [("llamafactory", "rouge-l"), ("ms-swift", "rouge-l"), ("vlkit", "rougeL")])
def test_a_common_subsequence_that_would_take_hours_is_a_lower_bound_aloud(profile, name, monkeypatch):
    monkeypatch.setattr(word_keys, "MOST_CELLS", 100)
    monkeypatch.setattr(msswift_long, "WALKED_CELLS", 100)
    for module in (llamafactory, msswift):
        monkeypatch.setattr(module, "LONG", 100)
    row = Row(id="1", prediction="a b c d e f " * 20, references=("a b c d e f " * 20,))
    scores = resolve(profile, name).score([row])
    assert "lower bound" in scores.inexact
    assert 0 < scores.values[0] <= 100
    scoring = Scoring(profile=profile, metrics=(name,), extras=False)
    assert any("lower bound" in note for note in score([row], scoring=scoring).metrics[name].notes)
    with pytest.raises(DataError, match="lower bound"):
        score([row], scoring=scoring, reading=Reading(strict=True))
