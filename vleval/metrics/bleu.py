"""Sentence BLEU-4 over any sequence, as nltk computes it with smoothing method 3 (NIST geometric)."""

from __future__ import annotations

import math
from collections import Counter


def bleu4(hypothesis: str | tuple[str, ...], reference: str | tuple[str, ...]) -> float:
    """`sentence_bleu([reference], hypothesis, smoothing_function=SmoothingFunction().method3)` of nltk, 0 to 1.

    The items are characters of strings or tokens of tuples. An order without a match counts 1/2, 1/4, 1/8 of a match; no common
    item at all gives 0.
    """
    length = len(hypothesis)
    logs: list[float] = []
    smoothing = 1
    for order in (1, 2, 3, 4):
        matches = _clipped(hypothesis, reference, order) if length >= order else 0
        total = max(1, length - order + 1)
        if matches:
            logs.append(0.25 * math.log(matches / total))
        elif order == 1:
            return 0.0
        else:
            logs.append(0.25 * math.log(1 / (2**smoothing * total)))
            smoothing += 1
    penalty = 1.0 if length > len(reference) else math.exp(1 - len(reference) / length)
    return penalty * math.exp(math.fsum(logs))


def _clipped(hypothesis: str | tuple[str, ...], reference: str | tuple[str, ...], order: int) -> int:
    if order == 1:
        have, want = Counter(hypothesis), Counter(reference)
    else:
        have = Counter([hypothesis[i : i + order] for i in range(len(hypothesis) - order + 1)])  # type: ignore[misc]
        want = Counter([reference[i : i + order] for i in range(len(reference) - order + 1)])  # type: ignore[misc]
    if len(want) < len(have):
        have, want = want, have
    return sum([min(count, want[gram]) for gram, count in have.items() if gram in want])
