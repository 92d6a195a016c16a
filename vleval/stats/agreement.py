"""How far two judges agree: exact agreement and Cohen's kappa with quadratic weights (Cohen 1968)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Agreement:
    """Agreement of two judges over the same items. `kappa` is None when both always gave the same single mark."""

    n: int
    exact: float
    kappa: float | None


def judge_agreement(first: Sequence[float], second: Sequence[float]) -> Agreement:
    """Agreement on ordered marks.

    With quadratic weights kappa is 1 - mean squared gap / the mean squared gap if the marks were dealt independently; it needs no list of
    the possible marks.
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    observed = float(np.mean((a - b) ** 2))
    expected = float(a.var() + b.var() + (a.mean() - b.mean()) ** 2)
    return Agreement(n=len(a), exact=float(np.mean(a == b)), kappa=1.0 - observed / expected if expected > 0 else None)
