"""ROUGE of the `rouge-score` package (Lin 2004): n-gram counts and sentence-level LCS over [a-z0-9] words, no stemming.

In vlkit a text with CJK characters, of which that package keeps nothing, is split into words and CJK characters instead, and so is its
partner. The best F1 over the references counts, as the package's `score_multi` does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from rapidfuzz.distance import LCSseq

from vleval.metric import Scorer, Scores
from vleval.metrics.base import mean_metric, mean_of, over_pairs
from vleval.metrics.caching import cached
from vleval.metrics.cjk import split_cjk
from vleval.metrics.options import MetricOptions
from vleval.metrics.text import has_cjk
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
    if has_cjk(prediction) or has_cjk(reference):
        return _cjk_tokens(prediction), _cjk_tokens(reference)
    return tokens(prediction), tokens(reference)


@cached(1 << 15)
def tokens(text: str) -> tuple[str, ...]:
    """The package's default tokenizer."""
    return tuple(_WORD.findall(text.lower()))


@cached(1 << 15)
def _cjk_tokens(text: str) -> tuple[str, ...]:
    return tuple(split_cjk(text.lower()))


def _ngrams(items: tuple[str, ...], order: int) -> list[tuple[str, ...]]:
    return [items[i : i + order] for i in range(len(items) - order + 1)]


def _f1(common: int, have: int, want: int) -> float:
    precision, recall = common / max(have, 1), common / max(want, 1)
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _build(compare: Callable[[str, str], float], signature: str) -> Callable[[MetricOptions], Scorer]:
    per_row = over_pairs(compare, "max")

    def score(rows: Sequence[Row]) -> Scores:
        split = sum(1 for row in rows if has_cjk(row.prediction or "") or any(map(has_cjk, row.references)))
        note = f"{split} of {len(rows)} rows have CJK text, which rouge-score would drop; they are split into characters."
        return Scores(values=mean_of(per_row)(rows).values, notes=(note,) if split else ())

    return lambda options: mean_metric(score, signature=f"{signature} tok:rouge-score+cjk-chars stem:no refs:max")


rouge1 = _build(lambda prediction, reference: rouge_n(prediction, reference, 1), "rouge:1")
rouge2 = _build(lambda prediction, reference: rouge_n(prediction, reference, 2), "rouge:2")
rougel = _build(rouge_l, "rouge:L")
