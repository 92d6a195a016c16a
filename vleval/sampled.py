"""What several answers a question come to: typed, and as a person reads it. `sampling` computes it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from vleval.results import MetricScore


class AtK(msgspec.Struct, frozen=True, kw_only=True):
    """The value when the best of `k` samples counts, with its 95 % interval over questions."""

    k: int
    value: float
    low: float | None
    high: float | None


class SampledMetric(msgspec.Struct, frozen=True, kw_only=True):
    """What several samples say of one metric.

    Attributes:
        best: "pass" for right-or-wrong values, "best" for others: what `at` estimates.
        at: for 1, 2, 4 ... and all samples.
        majority: the value of the most frequent answer.
        between: standard deviation of the questions' true means; `within`: of the samples of one question.
        per_sample: the value of each sample alone, as one file would have given it.
    """

    best: str
    at: tuple[AtK, ...]
    majority: AtK
    between: float
    within: float
    per_sample: tuple[float, ...]


class Sampled(msgspec.Struct, frozen=True, kw_only=True):
    """Several samples of the same questions.

    Attributes:
        samples: answers a question.
        consistency: share of the samples that give their question's most frequent answer.
        metrics: by name; metrics over a whole corpus are not in it.
    """

    samples: int
    consistency: float
    metrics: dict[str, SampledMetric]


def sampled_lines(sampled: Sampled, metrics: Mapping[str, MetricScore]) -> list[str]:
    """What a person reads: a line a metric, and what more questions or more samples would bring."""
    lines = [f"{sampled.samples} samples a question; {sampled.consistency:.0%} give their question's most frequent answer"]
    for name, one in sampled.metrics.items():
        ks = ", ".join(f"{one.best}@{at.k} {_shown(at)}" for at in one.at)
        lines.append(f"  {name}: {ks}; majority {_shown(one.majority)}")
        n = metrics[name].n
        alone = math.sqrt((one.between**2 + one.within**2 / sampled.samples) / n) if n else 0.0
        floor = one.between / math.sqrt(n) if n else 0.0
        lines.append(
            f"    questions differ by {one.between:.4f}, samples of a question by {one.within:.4f} (standard deviations): "
            f"of a standard error of {alone:.4f}, more samples leave {floor:.4f}"
        )
    return lines


def _shown(at: AtK) -> str:
    return f"{at.value:.4f}" + ("" if at.low is None or at.high is None else f" [{at.low:.4f}, {at.high:.4f}]")
