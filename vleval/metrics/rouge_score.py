"""ROUGE of the `rouge-score` package (Lin 2004): n-gram counts and sentence-level LCS over [a-z0-9] words, no stemming.

In vlkit a text with letters beyond ASCII, which that package drops, is split by the kinds of its characters instead (`words`), and so is
its partner. The best F1 over the references counts, as the package's `score_multi` does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from rapidfuzz.distance import LCSseq

from vleval.metric import Scorer, Scores
from vleval.metrics.base import mean_metric, mean_of, over_pairs
from vleval.metrics.caching import cached
from vleval.metrics.options import MetricOptions
from vleval.metrics.words import cached_words, needs_unicode, script_notes
from vleval.rows import Row

_WORD = re.compile("[a-z0-9]+")


def rouge_n(prediction: str, reference: str, order: int) -> float:
    """F1 of n-gram counts, 0 to 1."""
    have, want = _pair(prediction, reference)
    grams, targets = Counter(_ngrams(have, order)), Counter(_ngrams(want, order))
    common = sum(min(count, targets[gram]) for gram, count in grams.items() if gram in targets)
    return _f1(common, sum(grams.values()), sum(targets.values()))


def rouge_l(prediction: str, reference: str) -> float:
    """F1 of the longest common subsequence of the whole texts, 0 to 1."""
    have, want = _pair(prediction, reference)
    return _f1(LCSseq.similarity(have, want), len(have), len(want)) if have and want else 0.0


def _pair(prediction: str, reference: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if needs_unicode(prediction) or needs_unicode(reference):
        return cached_words(prediction), cached_words(reference)
    return tokens(prediction), tokens(reference)


@cached(1 << 15)
def tokens(text: str) -> tuple[str, ...]:
    """The package's default tokenizer."""
    return tuple(_WORD.findall(text.lower()))


def _ngrams(items: tuple[str, ...], order: int) -> list[tuple[str, ...]]:
    return [items[i : i + order] for i in range(len(items) - order + 1)]


def _f1(common: int, have: int, want: int) -> float:
    precision, recall = common / max(have, 1), common / max(want, 1)
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _build(compare: Callable[[str, str], float], signature: str) -> Callable[[MetricOptions], Scorer]:
    per_row = over_pairs(compare, "max")

    def score(rows: Sequence[Row]) -> Scores:
        return Scores(values=mean_of(per_row)(rows).values, notes=script_notes(rows))

    return lambda options: mean_metric(score, signature=f"{signature} tok:rouge-score+unicode-words stem:no refs:max")


rouge1 = _build(lambda prediction, reference: rouge_n(prediction, reference, 1), "rouge:1")
rouge2 = _build(lambda prediction, reference: rouge_n(prediction, reference, 2), "rouge:2")
rougel = _build(rouge_l, "rouge:L")
