"""95 % intervals in closed form: clustered standard error with Student's t, Wilson's for shares, and what is left where nothing varies."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from vleval.metric import Floats
from vleval.stats.groups import Groups
from vleval.stats.student import Z_975, t_quantile_975


@dataclass(frozen=True)
class Interval:
    """A 95 % interval. `low` and `high` are None when the data allow none; `se` is NaN where the method has no standard error."""

    low: float | None
    high: float | None
    method: str
    se: float = math.nan


def clustered_mean(values: Floats, groups: Groups) -> Interval:
    """The mean's interval when rows of a cluster are not independent.

    SE^2 = C/(C-1) * sum over clusters of (sum of deviations from the mean)^2 / n^2, and t with C-1 degrees of freedom. With every row a
    cluster of its own this is the textbook standard error. One cluster allows no interval.
    """
    count = groups.count
    method = f"cluster-t:{groups.key}" if groups.key else "t"
    if count < 2:
        return Interval(None, None, method)
    mean = float(values.mean())
    totals = groups.sums(values - mean)
    se = math.sqrt(count / (count - 1) * float(np.square(totals).sum())) / len(values)
    half = t_quantile_975(count - 1) * se
    return Interval(mean - half, mean + half, method, se)


def clustered_bounded(values: Floats, groups: Groups, low: float, high: float) -> Interval:
    """The interval of a mean whose values are between `low` and `high`: `clustered_mean`, but where every cluster has the same mean.

    Then the standard error is 0 and says nothing: C clusters alike do not prove that all are. By Wilson's bound for 0 in C at most a share
    u = z^2 / (C + z^2) of clusters differs, and it may be anywhere in the range: the mean is between (1-u) mean + u low and
    (1-u) mean + u high. For right-or-wrong values that are all 0 or all 1 this is Wilson's interval with every cluster one trial.
    Values outside the range allow no interval.
    """
    usual = clustered_mean(values, groups)
    if groups.count < 2 or usual.se > 1e-12 * (high - low):
        return usual
    method = f"wilson:{groups.key}" if groups.key else "wilson"
    slack = 1e-9 * (high - low)
    if values.min() < low - slack or values.max() > high + slack:
        return Interval(None, None, method)
    z2 = Z_975 * Z_975
    unseen = z2 / (groups.count + z2)
    kept = (1.0 - unseen) * float(values.mean())
    return Interval(kept + unseen * low, kept + unseen * high, method, unseen * (high - low) / (2.0 * Z_975))


def wilson(successes: float, n: int, scale: float = 1.0) -> Interval:
    """Wilson's score interval of a share, on the metric's scale."""
    if n < 1:
        return Interval(None, None, "wilson")
    share = successes / n
    z2 = Z_975 * Z_975
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_975 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Interval(low * scale, high * scale, "wilson", math.sqrt(share * (1 - share) / n) * scale)
