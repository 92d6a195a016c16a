"""ms-swift's metrics of `swift infer` (swift/metrics/nlg.py): word BLEU-4 and the ROUGE of the `rouge` package; raw equality as accuracy.

Rows with an empty side are left out of upstream's average; they are marked as dropped and count 0 in ours. Upstream stops the whole run
when a side holds nothing but full stops, and when a sentence of a side is longer than Python's recursion allows; we give ROUGE 0 to the
first and the true score to the second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from vleval.metric import Scorer, Scores
from vleval.metrics import msswift_long
from vleval.metrics.base import answer, mean_metric, pair_metric, references
from vleval.metrics.bleu import bleu4
from vleval.metrics.caching import cached
from vleval.metrics.lcs import lcs_items
from vleval.metrics.msswift_long import f1
from vleval.metrics.options import MetricOptions
from vleval.metrics.segment import words_and_blanks
from vleval.metrics.word_keys import LONG, lower_bound
from vleval.rows import Row

Sentences = tuple[tuple[str, ...], ...]


def exact_match(options: MetricOptions) -> Scorer:
    """`acc`: the strings are the same."""
    return pair_metric(lambda prediction, reference: float(prediction == reference), pick="first", signature="norm:none", binary=True)


def bleu_4(options: MetricOptions) -> Scorer:
    """BLEU-4 over jieba's words."""
    return _metric(_bleu, "tok:jieba smooth:nltk-method3")


def rouge_1(options: MetricOptions) -> Scorer:
    """ROUGE-1 over sets of words."""
    return _metric(lambda hypothesis, target: (_rouge(hypothesis, target)[0], False), "tok:jieba ngrams:set")


def rouge_2(options: MetricOptions) -> Scorer:
    """ROUGE-2 over sets of word pairs."""
    return _metric(lambda hypothesis, target: (_rouge(hypothesis, target)[1], False), "tok:jieba ngrams:set")


def rouge_l(options: MetricOptions) -> Scorer:
    """ROUGE-L, summary level: the distinct words of the union of common subsequences of all sentence pairs."""
    return _metric(lambda hypothesis, target: _rouge(hypothesis, target)[2:], "tok:jieba lcs:union sentences:full-stop")


def _bleu(hypothesis: str, target: str) -> tuple[float, bool]:
    long = len(hypothesis) > LONG or len(target) > LONG
    return (msswift_long.bleu(hypothesis, target) if long else bleu4(tokens(hypothesis), tokens(target))), False


def _rouge(hypothesis: str, target: str) -> tuple[float, float, float, bool]:
    if len(hypothesis) > LONG or len(target) > LONG:
        return msswift_long.rouge(hypothesis, target)
    return *rouge(tokens(hypothesis), tokens(target)), False


@cached(1 << 16)
def tokens(text: str) -> tuple[str, ...]:
    """The words of jieba without blanks; other white space stays."""
    return tuple(stripped for word in words_and_blanks(text) if (stripped := word.strip(" ")))


@cached(1 << 16)
def rouge(hypothesis: tuple[str, ...], target: tuple[str, ...]) -> tuple[float, float, float]:
    """ROUGE-1, -2 and -L F of the `rouge` package (1.0.1), 0 to 1; zeros where that package raises."""
    have, want = _sentences(hypothesis), _sentences(target)
    if not have or not want:
        return 0.0, 0.0, 0.0
    have_flat = tuple(word for sentence in have for word in sentence)
    want_flat = tuple(word for sentence in want for word in sentence)
    union: set[str] = set()
    for wanted in want:
        for sentence in have:
            union |= lcs_items(wanted, sentence)
    return (
        f1(len(_ngrams(have_flat, 1) & _ngrams(want_flat, 1)), len(_ngrams(have_flat, 1)), len(_ngrams(want_flat, 1))),
        f1(len(_ngrams(have_flat, 2) & _ngrams(want_flat, 2)), len(_ngrams(have_flat, 2)), len(_ngrams(want_flat, 2))),
        f1(len(union), len(set(have_flat)), len(set(want_flat))),
    )


def _sentences(pieces: tuple[str, ...]) -> Sentences:
    parts = [part for part in " ".join(pieces).split(".") if part]
    return tuple(tuple(" ".join(part.split()).split(" ")) for part in parts)


def _ngrams(flat: tuple[str, ...], order: int) -> set[tuple[str, ...]]:
    return {flat[i : i + order] for i in range(len(flat) - order + 1)}


def _metric(compare: Callable[[str, str], tuple[float, bool]], signature: str) -> Scorer:
    def score(rows: Sequence[Row]) -> Scores:
        values = np.zeros(len(rows))
        dropped = np.zeros(len(rows), dtype=np.bool_)
        bounds = 0
        for index, row in enumerate(rows):
            hypothesis, target = answer(row) or "", references(row)[0]
            if hypothesis.strip(" ") and target.strip(" "):
                value, cut = compare(hypothesis, target)
                values[index] = value * 100
                bounds += cut
            else:
                dropped[index] = True
        return Scores(values=values, dropped=dropped, inexact=lower_bound("rouge-l", bounds))

    return mean_metric(score, signature=f"{signature} refs:first", scale=100.0)
