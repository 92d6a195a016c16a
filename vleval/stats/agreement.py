"""How far two judges agree: exact agreement, quadratic kappa (Cohen 1968), Pearson's and Spearman's correlation, each with an interval.

Intervals are bootstrapped from sufficient statistics (`bootstrap.py`). Spearman's resamples keep the ranks of the whole sample, as ranking
10,000 resamples anew changes little where marks have few levels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from vleval.metric import CorpusStats, Floats
from vleval.stats.bootstrap import corpus_interval
from vleval.stats.groups import Groups
from vleval.stats.intervals import clustered_bounded


@dataclass(frozen=True)
class Agreement:
    """Agreement of two judges over the same items.

    `kappa`, `pearson` and `spearman` are None where marks that never vary leave them undefined. `intervals` has the 95 % bounds of each
    number that has any; `clustered_by` names what items were resampled by.
    """

    n: int
    exact: float
    kappa: float | None
    pearson: float | None = None
    spearman: float | None = None
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    clustered_by: str = ""


def judge_agreement(first: Sequence[float], second: Sequence[float], groups: Groups | None = None, *, seed: int = 0) -> Agreement:
    """Agreement on ordered marks.

    With quadratic weights kappa is 1 - mean squared gap / the mean squared gap if the marks were dealt independently; it needs no list of
    the possible marks.
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    apart = groups or Groups("", np.arange(len(a)), len(a), "")
    measures = {
        "exact": CorpusStats(_moments(a, b), lambda sums: sums[:, 6] / sums[:, 0]),
        "kappa": CorpusStats(_moments(a, b), _kappa),
        "pearson": CorpusStats(_moments(a, b), _correlation),
        "spearman": CorpusStats(_moments(_ranks(a), _ranks(b)), _correlation),
    }
    values: dict[str, float | None] = {}
    intervals: dict[str, tuple[float, float]] = {}
    for name, stats in measures.items():
        value = float(stats.value(stats.rows.sum(axis=0, keepdims=True))[0])
        values[name] = value if np.isfinite(value) else None
        if values[name] is None or apart.count < 2:
            continue
        found = corpus_interval(CorpusStats(stats.rows, _finite(stats, value)), apart, seed=seed)
        if name == "exact" and found.low is None:  # all alike, or none: a share has a bound where resamples do not vary
            found = clustered_bounded((a == b).astype(np.float64), apart, 0.0, 1.0)
        if found.low is not None and found.high is not None:
            intervals[name] = (found.low, found.high)
    return Agreement(n=len(a), intervals=intervals, clustered_by=apart.key, **values)  # type: ignore[arg-type]


def _moments(a: Floats, b: Floats) -> Floats:
    return np.stack([np.ones(len(a)), a, b, a * a, b * b, a * b, (a == b).astype(np.float64)], axis=1)


def _kappa(sums: Floats) -> Floats:
    n, mean_a, mean_b, var_a, var_b, _ = _spread(sums)
    observed = (sums[:, 3] + sums[:, 4] - 2 * sums[:, 5]) / n
    expected = var_a + var_b + (mean_a - mean_b) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 1e-12, 1.0 - observed / expected, np.nan)


def _correlation(sums: Floats) -> Floats:
    _, _, _, var_a, var_b, covariance = _spread(sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((var_a > 1e-12) & (var_b > 1e-12), covariance / np.sqrt(np.maximum(var_a * var_b, 0)), np.nan)


def _spread(sums: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    n = sums[:, 0]
    mean_a, mean_b = sums[:, 1] / n, sums[:, 2] / n
    return n, mean_a, mean_b, sums[:, 3] / n - mean_a**2, sums[:, 4] / n - mean_b**2, sums[:, 5] / n - mean_a * mean_b


def _finite(stats: CorpusStats, whole: float) -> Callable[[Floats], Floats]:
    """A resample whose marks happen not to vary says nothing: it counts as the whole."""
    return lambda sums: np.where(np.isfinite(values := stats.value(sums)), values, whole)


def _ranks(values: Floats) -> Floats:
    """Ranks from 1, equal values sharing the mean of theirs."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    shared: Floats = (ends - (counts - 1) / 2)[index]
    return shared
