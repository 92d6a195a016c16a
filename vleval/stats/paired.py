"""Tests of a difference between two systems on the same rows: sign-flip permutation over clusters, exact McNemar, Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from vleval.metric import CorpusStats, Floats
from vleval.stats.bootstrap import block_sums
from vleval.stats.groups import Groups

PERMUTATIONS = 10_000
_EXACT_CLUSTERS = 13  # 2^13 sign patterns are fewer than the random ones
_MAX_CLUSTERS = 20_000  # more are folded into blocks first, whose signs flip as one
_BATCH = 1_000
_Z_SUM = 1.96 + 0.84  # 5 % two-sided, 80 % power


def sign_flip(differences: Floats, groups: Groups, *, seed: int = 0, permutations: int = PERMUTATIONS) -> float:
    """Two-sided p of a mean difference: under the null each cluster's difference is as likely to have the other sign.

    All patterns are tried for 13 clusters or fewer, else `permutations` random ones; the observed pattern counts among them.
    """
    totals = groups.sums(differences)
    if len(totals) > _MAX_CLUSTERS:
        totals = block_sums(differences[:, None], groups, seed)[:, 0]
    observed = abs(float(totals.sum()))
    totals = totals[totals != 0]
    if not len(totals):
        return 1.0
    slack = 1e-12 * float(np.abs(totals).sum())
    return _share(lambda signs: np.abs(signs @ totals) >= observed - slack, len(totals), seed, permutations)


def swap_test(first: CorpusStats, second: CorpusStats, groups: Groups, *, seed: int = 0, permutations: int = PERMUTATIONS) -> float:
    """Two-sided p for a corpus metric: under the null the two systems' answers to a cluster may be swapped."""
    a, b = block_sums(first.rows, groups, seed), block_sums(second.rows, groups, seed)
    middle, half = (a + b) / 2.0, (b - a) / 2.0
    moving = np.any(half != 0, axis=1)
    base, half = middle.sum(axis=0), half[moving]
    if not len(half):
        return 1.0

    def gap(signs: Floats) -> Floats:
        moved = signs @ half
        return np.abs(second.value(base + moved) - first.value(base - moved))

    observed = float(gap(np.ones((1, len(half))))[0])
    return _share(lambda signs: gap(signs) >= observed * (1 - 1e-12) - 1e-15, len(half), seed, permutations)


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided McNemar p from the counts of rows that one system alone has right."""
    discordant = only_first + only_second
    if discordant == 0:
        return 1.0
    smaller = min(only_first, only_second)
    logs = [math.lgamma(discordant + 1) - math.lgamma(k + 1) - math.lgamma(discordant - k + 1) for k in range(smaller + 1)]
    tail = math.fsum(math.exp(log - discordant * math.log(2.0)) for log in logs)
    return min(1.0, 2.0 * tail)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values, in the order given."""
    order = sorted(range(len(p_values)), key=lambda position: p_values[position])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, position in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[position]))
        adjusted[position] = running
    return adjusted


def questions_needed(difference: float, se: float, n: int) -> int | None:
    """How many more questions of this kind would show a difference of this size (5 % two-sided, 80 % power).

    ((1.96 + 0.84) * SE / difference)^2 * n - n, rounded up; 0 when there are enough; None when no number would do.
    """
    if not math.isfinite(se) or difference == 0:
        return None
    return max(0, math.ceil((_Z_SUM * se / difference) ** 2 * n - n))


def _share(reaches: Callable[[Floats], NDArray[np.bool_]], clusters: int, seed: int, permutations: int) -> float:
    """The share of sign patterns that reach the observed statistic."""
    if clusters <= _EXACT_CLUSTERS:
        patterns = (np.arange(2**clusters)[:, None] >> np.arange(clusters)) & 1
        return float(np.mean(reaches(_signs(patterns))))
    generator = np.random.default_rng(seed)
    reached = 0
    batch = max(1, min(_BATCH, 20_000_000 // clusters))
    for start in range(0, permutations, batch):
        size = min(batch, permutations - start)
        bits = np.unpackbits(
            np.frombuffer(generator.bytes(size * ((clusters + 7) // 8)), np.uint8).reshape(size, -1), axis=1, count=clusters
        )
        reached += int(np.count_nonzero(reaches(_signs(bits))))
    return (reached + 1) / (permutations + 1)


def _signs(bits: NDArray[np.integer]) -> Floats:
    return bits.astype(np.float64) * 2.0 - 1.0
