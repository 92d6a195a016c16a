"""Long answers: the same numbers as sacrebleu's, and time that grows with the text."""

from __future__ import annotations

import math
import time
import tracemalloc
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein
from sacrebleu.metrics import BLEU, CHRF, TER

from tests.effort import examples
from vleval.metrics import cider, long_texts, numeric, pieces, sacre
from vleval.metrics.bleu import bleu4
from vleval.metrics.bleu_batch import bleu4_characters
from vleval.metrics.cjk import split_cjk
from vleval.metrics.long_texts import bleu_counts, chrf_counts
from vleval.profiles import resolve
from vleval.rows import Row

TEXT = st.text(alphabet="abc 是的.,([!?:;&q\n\u20283-", max_size=80)
REFERENCES = st.lists(TEXT, min_size=1, max_size=3)


@settings(max_examples=examples(200), deadline=None)
@given(TEXT, REFERENCES, st.integers(3, 40), st.sampled_from((0, 2)), st.sampled_from((-1, 50_000)))
def test_chrf_counts_are_sacrebleus(answer, references, piece, word_order, long):
    metric = CHRF(word_order=word_order)
    known = metric._extract_corpus_statistics([answer], [[reference] for reference in references])[0]
    before, long_texts._PIECE = long_texts._PIECE, piece
    pieces.PIECE = piece
    kept, long_texts.LONG = long_texts.LONG, long
    try:
        mine = chrf_counts(answer, references, metric._compute_f_score, 6, word_order=word_order)
    finally:
        long_texts._PIECE, pieces.PIECE, long_texts.LONG = before, 1 << 13, kept
    assert metric._compute_f_score(mine) == pytest.approx(metric._compute_f_score(known))
    assert len(references) > 1 or mine == known


@settings(max_examples=examples(200), deadline=None)
@given(TEXT, REFERENCES, st.integers(3, 40), st.sampled_from(("13a", "zh", "char")))
@example("3. :", [""], 3, "zh")
@example("x .5", [""], 3, "zh")
def test_bleu_counts_are_sacrebleus(answer, references, piece, tokenize):
    metric = BLEU(effective_order=True, tokenize=tokenize)
    known = metric._extract_corpus_statistics([answer], [[reference] for reference in references])[0]
    before, pieces.PIECE = pieces.PIECE, piece
    try:
        mine = bleu_counts(answer, references, metric.tokenizer, 4, breaks=long_texts.BREAKS[tokenize])
    finally:
        pieces.PIECE = before
    assert mine == known


@settings(max_examples=examples(60), deadline=None)
@given(TEXT, REFERENCES, st.integers(3, 40), st.booleans())
def test_ter_without_shifts_is_the_distance_of_all_words(answer, references, piece, asian):
    metric = TER(normalized=asian, asian_support=asian)
    answer, targets = (answer.replace("\n", " "), [reference.replace("\n", " ") for reference in references])
    words = [metric._preprocess_segment(text).split() for text in (answer, *targets)]
    before, pieces.PIECE = pieces.PIECE, piece
    try:
        row = Row(id="1", prediction=answer, references=tuple(targets))
        mine = sacre._unshifted(metric.tokenizer, row, sacre._ASIAN_BREAKS if asian else pieces.SPACES)
    finally:
        pieces.PIECE = before
    assert mine == (min(Levenshtein.distance(words[0], target) for target in words[1:]), sum(map(len, words[1:])) / len(targets))


@settings(max_examples=examples(80), deadline=None)
@given(st.text(alphabet="5.,$\\ *_£a(;", max_size=60), st.integers(1, 9))
def test_marks_around_numbers_are_stripped_alike_in_parts(text, piece):
    whole = numeric._stripped(text)
    kept = pieces.PIECE, numeric.PIECE
    pieces.PIECE = numeric.PIECE = piece
    try:
        assert numeric._strip_marks(text) == whole
    finally:
        pieces.PIECE, numeric.PIECE = kept


def test_many_references_are_not_counted_at_once():
    rows = [
        Row(id=str(number), prediction=f"a red {number}", references=(f"the {number:x} flower {number} stands " * 6,))
        for number in range(1_500)
    ]
    size = sum(len(row.prediction) + len(row.references[0]) for row in rows)
    for name in ("chrf", "sacrebleu", "cider"):
        metric = resolve("vlkit", name)
        metric.score(rows[:2])
        tracemalloc.start()
        metric.score(rows)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8 * size + 6_000_000, name  # what is counted at a time; all n-grams at once took 50 to 200 times the size


def test_a_long_answer_scores_as_a_short_one_does():
    row = Row(id="1", prediction="a red flower " * 5_000, references=("a red flower stands", "一朵花"))
    for name, metric in (("chrf", CHRF()), ("sacrebleu", BLEU(effective_order=True, tokenize="zh"))):
        assert resolve("vlkit", name).score([row]).values[0] == pytest.approx(
            metric.sentence_score(row.prediction, list(row.references)).score
        )


NO_LISTS = (
    *(
        "exact_match",
        "token_f1",
        "anls",
        "vqa_accuracy",
        "rouge1",
        "rouge2",
        "rougeL",
        "rougeLsum",
        "cider",
        "chrf",
        "chrf:++",
        "sacrebleu",
    ),
    *("numeric_match", "solution_match"),
)
WORDS = st.text(alphabet="ab the 是的のไ́.,-3\n\t", max_size=120)


@settings(max_examples=examples(60), deadline=None)
@given(WORDS, WORDS.filter(str.strip), st.integers(1, 20))
def test_pieces_change_no_score(answer, reference, piece):
    rows = [Row(id="1", prediction=answer, references=(reference,)), Row(id="2", prediction="a b", references=("a 是",))]
    for profile, name in (
        *(("vlkit", name) for name in NO_LISTS),
        ("inspect", "token_f1"),
        ("inspect", "exact_match"),
        ("evalscope", "vqa_accuracy"),
    ):
        whole = resolve(profile, name).score(rows).values
        before, pieces.PIECE = pieces.PIECE, piece
        try:
            assert resolve(profile, name).score(rows).values == pytest.approx(whole), name
        finally:
            pieces.PIECE = before


def test_character_bleu_of_a_long_answer_is_that_of_its_counts():
    pairs = [("a red flower " * 5_000, "a red flower stands"), ("一朵红花 " * 20_000, "一朵花"), ("a", "a b"), ("x" * 60_000, "a")]
    assert bleu4_characters(pairs) == pytest.approx([bleu4(*pair) for pair in pairs])


SHAPES = ("A red flower. ", "一朵红色的花。", "\n", "1, 2, ", "[{(", '"a": "b", ')
NAMES = (
    "exact_match",
    "token_f1",
    "relaxed_accuracy",
    "anls",
    "vqa_accuracy",
    "multiple_choice",
    "numeric_match",
    "rouge1",
    "rougeL",
    "chrf",
    "sacrebleu",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_megabyte_is_soon_scored(name):
    for shape in SHAPES:
        text = "5 " + shape * (300_000 // len(shape))
        metric = resolve("vlkit", name)
        began = time.thread_time()
        metric.score([Row(id="1", prediction=text, references=("a red flower", "5"))])
        assert time.thread_time() - began < 4, shape


@pytest.mark.parametrize("name", ["exact_match", "token_f1", "anls", "vqa_accuracy", "rouge1", "rougeLsum", "cider"])
def test_a_long_answer_takes_few_times_its_own_memory(name):
    for shape in ("1, 2, ", "一朵红色的花。"):
        text = "5 " + shape * (400_000 // len(shape.encode()))
        metric = resolve("vlkit", name)
        metric.score([Row(id="1", prediction="x", references=("a red flower",))])
        tracemalloc.start()
        metric.score([Row(id="1", prediction=text, references=("a red flower",))])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 12 * len(text.encode()), shape  # 8 from a megabyte on, where the parts weigh little: bench/metric_growth.py


PHRASES = st.lists(st.sampled_from(["a", "red", "cat", "cats", "一只", "the the"]), max_size=12).map(" ".join)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.tuples(PHRASES, st.lists(PHRASES, min_size=1, max_size=3)), min_size=1, max_size=5), st.integers(1, 9))
def test_cider_is_that_of_dictionaries(pairs, at_once):
    rows = [Row(id=str(number), prediction=answer, references=tuple(known)) for number, (answer, known) in enumerate(pairs)]
    before, cider._AT_ONCE = cider._AT_ONCE, at_once
    try:
        mine = resolve("vlkit", "cider").score(rows).values
    finally:
        cider._AT_ONCE = before
    assert mine == pytest.approx([_cider(row, rows) for row in rows], abs=1e-9)


def _cider(row, rows):
    """The paper's formula (equations 1 to 4 of CIDEr-D) over dictionaries."""

    def grams(text, order):
        words = split_cjk(text)
        return Counter(zip(*(words[place:] for place in range(order)), strict=False))

    total = 0.0
    for reference in row.references:
        for order in range(1, 5):
            found = Counter(gram for other in rows for gram in set().union(*(grams(known, order) for known in other.references)))
            have, want = (
                {gram: count * math.log(len(rows) / max(found[gram], 1)) for gram, count in grams(text, order).items()}
                for text in (row.prediction, reference)
            )
            norm = math.sqrt(sum(w * w for w in have.values()) * sum(w * w for w in want.values()))
            lengths = [max(len(split_cjk(text)) - 1, 0) for text in (row.prediction, reference)]
            common = sum(min(have.get(gram, 0.0), weight) * weight for gram, weight in want.items())
            total += (common / norm if norm else 0.0) * math.exp(-((lengths[0] - lengths[1]) ** 2) / 72)
    return 10 * total / 4 / len(row.references)
