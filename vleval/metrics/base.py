"""What builders of metrics share: a row's answer and references, and the loop that makes a mean metric of a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from vldata.errors import DataError
from vleval.metric import Scorer, Scores
from vleval.metrics.options import MetricOptions
from vleval.rows import Row

Builder = Callable[[MetricOptions], Scorer]
Pick = Literal["max", "first", "last"]
Compare = Callable[[str, str], float]

_NO_REFERENCES = "no reference to score against."


def answer(row: Row) -> str | None:
    """The answer that is scored, raw; None when the row failed."""
    return None if row.error else row.prediction


def references(row: Row) -> tuple[str, ...]:
    """The row's references.

    Raises:
        DataError: it has none, so no honest number exists.
    """
    if not row.references:
        raise DataError(_NO_REFERENCES, where=row.id, cure="Give them with --references, or leave the row out.")
    return row.references


def over_pairs(compare: Compare, pick: Pick) -> Callable[[Row], float]:
    """A row's score from a function of (prediction, reference): over the first, the last or the best of its references."""

    def score(row: Row) -> float:
        text = row.prediction
        known = row.references or references(row)
        if text is None or row.error:
            return 0.0
        if len(known) == 1 or pick == "first":
            return compare(text, known[0])
        if pick == "last":
            return compare(text, known[-1])
        return max(compare(text, reference) for reference in known)

    return score


def mean_of(per_row: Callable[[Row], float]) -> Callable[[Sequence[Row]], Scores]:
    """Score rows one by one."""
    return lambda rows: Scores(values=np.fromiter((per_row(row) for row in rows), np.float64, len(rows)))


def pair_metric(compare: Compare, *, pick: Pick, signature: str, scale: float = 1.0, binary: bool = False) -> Scorer:
    """A mean metric of one function of (prediction, reference); it is named when it is resolved."""
    return mean_metric(mean_of(over_pairs(compare, pick)), signature=f"{signature} refs:{pick}", scale=scale, binary=binary)


def mean_metric(
    score: Callable[[Sequence[Row]], Scores],
    *,
    signature: str,
    scale: float = 1.0,
    binary: bool = False,
    needs: tuple[str, ...] = ("references",),
    styled: bool = True,
) -> Scorer:
    """A metric whose value is the mean of its per-record values."""
    return Scorer(score=score, signature=signature, scale=scale, binary=binary, needs=needs, styled=styled)
