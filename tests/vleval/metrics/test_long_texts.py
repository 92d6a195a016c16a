"""Long answers: the same numbers as sacrebleu's, and time that grows with the text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU, CHRF

from vleval.metrics import long_texts
from vleval.metrics.long_texts import bleu_counts, chrf_counts
from vleval.profiles import resolve
from vleval.rows import Row

TEXT = st.text(alphabet="abc 是的.,\n\u20283", max_size=80)
REFERENCES = st.lists(TEXT, min_size=1, max_size=3)


@settings(max_examples=200, deadline=None)
@given(TEXT, REFERENCES, st.integers(3, 40))
def test_chrf_counts_are_sacrebleus(answer, references, piece):
    metric = CHRF()
    known = metric._extract_corpus_statistics([answer], [[reference] for reference in references])[0]
    before, long_texts._PIECE = long_texts._PIECE, piece
    try:
        mine = chrf_counts(answer, references, metric._compute_f_score, 6)
    finally:
        long_texts._PIECE = before
    assert metric._compute_f_score(mine) == pytest.approx(metric._compute_f_score(known))
    assert len(references) > 1 or mine == known


@settings(max_examples=200, deadline=None)
@given(TEXT, REFERENCES, st.integers(3, 40))
def test_bleu_counts_are_sacrebleus(answer, references, piece):
    metric = BLEU(effective_order=True)
    known = metric._extract_corpus_statistics([answer], [[reference] for reference in references])[0]
    before, long_texts._PIECE = long_texts._PIECE, piece
    try:
        mine = bleu_counts(answer, references, metric.tokenizer, 4)
    finally:
        long_texts._PIECE = before
    assert mine == known


def test_a_long_answer_scores_as_a_short_one_does():
    row = Row(id="1", prediction="a red flower " * 5_000, references=("a red flower stands", "一朵花"))
    for name, metric in (("chrf", CHRF()), ("sacrebleu", BLEU(effective_order=True, tokenize="zh"))):
        assert resolve("vlkit", name).score([row]).values[0] == pytest.approx(
            metric.sentence_score(row.prediction, list(row.references)).score
        )


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
