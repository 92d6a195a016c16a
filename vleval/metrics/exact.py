"""Exact match, as each tool compares."""

from __future__ import annotations

from vleval.metric import Metric
from vleval.metrics.base import pair_metric
from vleval.metrics.options import MetricOptions
from vleval.metrics.text import vlkit_normal


def exact_match(prediction: str, reference: str) -> float:
    """1 when the texts are equal after NFKC, without case, outer blanks and a final full stop."""
    return 1.0 if prediction == reference or vlkit_normal(prediction) == vlkit_normal(reference) else 0.0


def vlkit(options: MetricOptions) -> Metric:
    """Best over the references; see `exact_match`."""
    return pair_metric(exact_match, pick="max", signature="norm:nfkc+case+blanks+stop", binary=True)
