"""Words and n-grams of long texts counted in few times their memory: the counts of plain dictionaries."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from functools import reduce
from operator import or_

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples
from vldata.errors import DataError
from vleval.metrics import rouge_score, token_f1, word_bags
from vleval.metrics.multiple_choice import read_vlmevalkit
from vleval.metrics.word_bags import Bag, clipped_matches
from vleval.profiles import resolve
from vleval.rows import Row

NUMBERS = st.lists(st.integers(0, 5), max_size=40)
WORDS = st.lists(st.sampled_from(["a", "b", "red", "猫", "1"]), max_size=30)


@settings(max_examples=examples(60), deadline=None)
@given(NUMBERS, NUMBERS, st.integers(1, 7))
def test_a_bag_counts_as_a_dictionary_does(first, second, size):
    bags = []
    before, word_bags._WAITING = word_bags._WAITING, 3
    for numbers in (first, second):
        bag = Bag()
        for start in range(0, len(numbers), size):
            bag.add(np.array(numbers[start : start + size], np.uint64))
        bags.append(bag)
    word_bags._WAITING = before
    assert bags[0].common(bags[1]) == (Counter(first) & Counter(second)).total()
    assert [bag.total for bag in bags] == [len(first), len(second)]


@settings(max_examples=examples(40), deadline=None)
@given(WORDS, st.lists(WORDS, min_size=1, max_size=3), st.integers(1, 7))
def test_clipped_matches_are_those_of_all_n_grams(first, targets, size):
    def cut(words):
        return lambda: (words[start : start + size] for start in range(0, len(words), size))

    def grams(words, order):
        return Counter(zip(*(words[place:] for place in range(order)), strict=False))

    most = [reduce(or_, (grams(target, order) for target in targets)) for order in range(1, 5)]
    wanted = [(grams(first, order) & known).total() for order, known in enumerate(most, start=1)]
    before, word_bags._AT_ONCE = word_bags._AT_ONCE, 4
    try:
        assert clipped_matches(cut(first), [cut(target) for target in targets], 4) == (len(first), [*map(len, targets)], wanted)
    finally:
        word_bags._AT_ONCE = before


@settings(max_examples=examples(40), deadline=None)
@given(WORDS, WORDS)
def test_the_long_way_of_token_f1_is_the_short_one(first, second):
    row = Row(id="1", prediction=" ".join(first), references=(" ".join(second), "x"))
    for profile in ("vlkit", "inspect"):
        short = resolve(profile, "token_f1").score([row]).values[0]
        before, token_f1.LONG = token_f1.LONG, -1
        try:
            assert resolve(profile, "token_f1").score([row]).values[0] == short
        finally:
            token_f1.LONG = before


@settings(max_examples=examples(40), deadline=None)
@given(WORDS, WORDS)
def test_the_long_way_of_rouge_is_the_short_one(first, second):
    row = Row(id="1", prediction=" ".join(first), references=(" ".join(second), "x"))
    for name in ("rouge1", "rouge2", "rougeL"):
        short = resolve("vlkit", name).score([row]).values[0]
        before, rouge_score.LONG = rouge_score.LONG, -1
        try:
            assert resolve("vlkit", name).score([row]).values[0] == short
        finally:
            rouge_score.LONG = before


def test_rouge_of_summaries_refuses_a_reference_of_megabytes():
    with pytest.raises(DataError, match="at most 50,000 characters; this one has 60,000") as stopped:
        resolve("vlkit", "rougeLsum").score([Row(id="q7", prediction="a", references=("a b\n" * 15_000,))])
    assert stopped.value.where == "q7"


@pytest.mark.parametrize(("name", "worst"), [("chrf", 0), ("chrf:++", 0), ("sacrebleu", 0), ("ter", 100)])
def test_a_failed_answer_to_a_long_reference_is_worst(name, worst):
    text = "a red flower " * 5_000
    assert resolve("vlkit", name).score([Row(id="1", prediction=text, error="timeout", references=(text,))]).values[0] == worst


def test_ter_refuses_two_texts_of_megabytes():
    text = "a b " * 110_000
    with pytest.raises(DataError, match="an answer of 220,000 words and a reference of 220,000") as stopped:
        resolve("vlkit", "ter").score([Row(id="q7", prediction=text, references=(text,))])
    assert stopped.value.where == "q7"


LONG_REFERENCE = (
    *("exact_match", "token_f1", "anls", "rouge1", "rouge2", "rougeL", "cider"),
    *("chrf", "sacrebleu", "ter", "numeric_match", "solution_match"),
)


@pytest.mark.parametrize("name", LONG_REFERENCE)
@pytest.mark.parametrize("text", [" ".join(f"{number:x}" for number in range(4096, 15_000)), "一朵红色的花。" * 7_500])
def test_a_long_reference_takes_few_times_its_own_memory(name, text):
    metric = resolve("vlkit", name)
    metric.score([Row(id="1", prediction="x", references=("a red flower",))])
    tracemalloc.start()
    metric.score([Row(id="1", prediction="a red flower", references=(text,))])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * len(text.encode()) + 5_000_000  # what is counted at a time: bench/metric_growth.py


def test_ter_makes_no_list_of_a_long_answers_words():
    text = "1, " * 40_000
    metric = resolve("vlkit", "ter")
    metric.score([Row(id="0", prediction="a " * 20_000, references=("a",))])  # imports
    tracemalloc.start()
    metric.score([Row(id="1", prediction=text, references=("a red flower",))])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * len(text)


def test_a_long_answer_of_marks_is_read_as_a_short_one():
    for tail, letter in (("B", "B"), ("B x y z w", ""), ("A B", "")):
        assert read_vlmevalkit(f"{'?! ' * 20_000}{tail}", ("cat", "dog")) == letter
        assert read_vlmevalkit(f"?! {tail}", ("cat", "dog")) == letter
