"""LLaMA-Factory's sft metric (train/sft/metric.py, scripts/eval_bleu_rouge.py): character BLEU-4 and jieba ROUGE, one reference.

Per record everything is times 100 and rounded to 4 places, as upstream does, and then averaged. Only the first reference counts; the
texts are raw: case, punctuation and `<think>` count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from rapidfuzz.distance import LCSseq

from vleval.metric import Scorer, Scores
from vleval.metrics.base import answer, mean_metric, pair_metric, references
from vleval.metrics.bleu_batch import bleu4_characters
from vleval.metrics.caching import cached
from vleval.metrics.options import MetricOptions
from vleval.metrics.segment import words, words_and_blanks
from vleval.rows import Row

_SENTENCE_ENDS = (
    (re.compile(r"([。！？\?])([^”’])"), "\\1\n\\2"),
    (re.compile(r"(\.{6})([^”’])"), "\\1\n\\2"),
    (re.compile(r"(…{2})([^”’])"), "\\1\n\\2"),
    (re.compile(r"([。！？\?][”’])([^，。！？\?])"), "\\1\n\\2"),
)


@cached(1 << 17)
def rouge(prediction: str, reference: str) -> tuple[float, float, float]:
    """ROUGE-1, -2 and -L F of rouge_chinese over jieba's words, 0 to 1; all 0 when a side has no word."""
    hypothesis, target = rouge_tokens(prediction), rouge_tokens(reference)
    if not hypothesis or not target:
        return 0.0, 0.0, 0.0
    unigrams = _set_f1(frozenset(hypothesis), frozenset(target))
    bigrams = _set_f1(frozenset(pairwise(hypothesis)), frozenset(pairwise(target)))
    common = LCSseq.similarity(_told_apart(hypothesis), _told_apart(target))
    return unigrams, bigrams, _f1(common, len(hypothesis), len(target))


@cached(1 << 16)
def rouge_tokens(text: str) -> tuple[str, ...]:
    """The flat token list upstream compares: jieba's words cut into sentences and lines, where a blank line leaves an empty token."""
    pieces = words(text)
    if not pieces or not _breaks(text):
        return tuple(pieces)
    joined = " ".join(words_and_blanks(text))
    for pattern, replacement in _SENTENCE_ENDS:
        joined = pattern.sub(replacement, joined)
    lines = [" ".join(line.split()) for line in joined.rstrip().split("\n") if line]
    return tuple(token for line in lines for token in line.split(" "))


def _breaks(text: str) -> bool:
    if "\n" in text or "?" in text or "......" in text:
        return True
    return not text.isascii() and any(mark in text for mark in ("。", "！", "？", "……"))


def _told_apart(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """Without empty tokens, which rapidfuzz takes for NUL characters; no token is a newline."""
    return tuple([token or "\n" for token in tokens]) if "" in tokens else tokens


def _set_f1(have: frozenset[Any], want: frozenset[Any]) -> float:
    return _f1(len(have & want), len(have), len(want))


def _f1(common: int, have: int, want: int) -> float:
    precision = common / have if have else 0.0
    recall = common / want if want else 0.0
    return 2.0 * ((precision * recall) / (precision + recall + 1e-8))


def bleu_4(options: MetricOptions) -> Scorer:
    """`predict_bleu-4`."""

    def score(rows: Sequence[Row]) -> Scores:
        pairs = [(answer(row) or "", references(row)[0]) for row in rows]
        return Scores(values=np.array([round(value * 100, 4) for value in bleu4_characters(pairs)], dtype=np.float64))

    return mean_metric(score, signature="tok:char smooth:nltk-method3 round:4 refs:first", scale=100.0)


def rouge_1(options: MetricOptions) -> Scorer:
    """`predict_rouge-1`."""
    return _metric(lambda prediction, reference: round(rouge(prediction, reference)[0] * 100, 4), "tok:jieba ngrams:set")


def rouge_2(options: MetricOptions) -> Scorer:
    """`predict_rouge-2`."""
    return _metric(lambda prediction, reference: round(rouge(prediction, reference)[1] * 100, 4), "tok:jieba ngrams:set")


def rouge_l(options: MetricOptions) -> Scorer:
    """`predict_rouge-l`."""
    return _metric(lambda prediction, reference: round(rouge(prediction, reference)[2] * 100, 4), "tok:jieba lcs:flat")


def _metric(compare: Callable[[str, str], float], signature: str) -> Scorer:
    return pair_metric(compare, pick="first", signature=f"{signature} round:4", scale=100.0)
