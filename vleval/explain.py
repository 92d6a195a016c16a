"""The same answers under every profile that defines a metric, and the records on which the profiles disagree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vleval import profiles
from vleval.explanation import MAX_FLIPS, Explanation, Flip
from vleval.results import column_of
from vleval.score_result import ScoreResult
from vleval.worth import value_of


def explain(result: ScoreResult) -> Explanation:
    """Score the result's rows under all profiles that define one of its metrics."""
    values: dict[str, dict[str, float]] = {}
    flipped: dict[str, int] = {}
    flips: list[Flip] = []
    defined = dict(profiles.table())
    for name in result.metrics:
        columns: dict[str, Any] = {}
        for profile in defined.get(name, ()):
            metric = profiles.resolve(profile, name, result.scoring.options)
            scores = metric.score(result.rows)
            values.setdefault(name, {})[profile] = value_of(metric, scores, result.rows)
            columns[profile] = column_of(scores) / metric.scale
        if len(columns) > 1:
            table = np.stack(list(columns.values()))
            positions = _differing(table)
            flipped[name] = len(positions)
            flips += [_flip(result, name, int(position), list(columns), table[:, position]) for position in positions[:MAX_FLIPS]]
    return Explanation(values=values, flipped=flipped, flips=tuple(flips[:MAX_FLIPS]))


def _differing(table: Any) -> Sequence[int]:
    known = np.nan_to_num(table, nan=-1.0)
    return [int(position) for position in np.flatnonzero(known.max(axis=0) - known.min(axis=0) > 1e-6)]


def _flip(result: ScoreResult, name: str, position: int, names: Sequence[str], column: Any) -> Flip:
    row = result.rows[position]
    values = {profile: None if np.isnan(value) else float(value) for profile, value in zip(names, column, strict=True)}
    return Flip(id=row.id, metric=name, prediction=row.prediction, references=row.references, values=values)
