"""Sentence BLEU-4 over any sequence, as nltk computes it with smoothing method 3 (NIST geometric)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence


def bleu4(hypothesis: str | tuple[str, ...], reference: str | tuple[str, ...]) -> float:
    """`sentence_bleu([reference], hypothesis, smoothing_function=SmoothingFunction().method3)` of nltk, 0 to 1.

    The items are characters of strings or tokens of tuples. An order without a match counts 1/2, 1/4, 1/8 of a match; no common
    item at all gives 0.
    """
    matches = _matches(hypothesis, reference)
    if not matches[0]:
        return 0.0
    length = len(hypothesis)
    logs = []
    smoothing = 1
    for order, common in enumerate(matches):
        total = max(1, length - order)
        if common:
            logs.append(0.25 * math.log(common / total))
        else:
            logs.append(0.25 * math.log(1 / (2**smoothing * total)))
            smoothing += 1
    penalty = 1.0 if length > len(reference) else math.exp(1 - len(reference) / length)
    return penalty * math.exp(math.fsum(logs))


def _matches(hypothesis: str | tuple[str, ...], reference: str | tuple[str, ...]) -> list[int]:
    """Clipped n-gram matches of orders 1 to 4; without a match of one order there is none of a higher one."""
    if hypothesis == reference:
        return [max(0, len(hypothesis) - order) for order in range(4)]
    result = [0, 0, 0, 0]
    have: list[Hashable] = list(hypothesis)
    want: list[Hashable] = list(reference)
    for order in range(4):
        if order:
            have = list(zip(hypothesis, *(hypothesis[i:] for i in range(1, order + 1)), strict=False))
            want = list(zip(reference, *(reference[i:] for i in range(1, order + 1)), strict=False))
        common = clipped(have, want)
        if not common:
            break
        result[order] = common
    return result


def clipped(have: Sequence[Hashable], want: Sequence[Hashable]) -> int:
    """Size of the common part of two multisets."""
    distinct, targets = set(have), set(want)
    common = distinct & targets
    if not common or len(distinct) == len(have) or len(targets) == len(want):
        return len(common)
    counts, limits = Counter(have), Counter(want)
    return sum([counts[item] if counts[item] < limits[item] else limits[item] for item in common])
