"""From what a metric found row by row to the numbers that a result tells: value, interval, parts and categories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from vleval.metric import Metric, Scores
from vleval.results import Measured, MetricScore, ScorePart
from vleval.rows import Row
from vleval.stats.bootstrap import corpus_interval
from vleval.stats.groups import Groups
from vleval.stats.intervals import Interval, clustered_bounded, wilson
from vleval.verbosity import verbose_note
from vleval.worth import Worth, value_of


def metric_score(metric: Metric, scores: Scores, rows: Sequence[Row], groups: Groups, worth: Worth, data: str, seed: int) -> MetricScore:
    """What a result says of one metric.

    Args:
        metric: the metric.
        scores: what it found for every row.
        rows: the rows, in the order of the scores.
        groups: which rows are not independent.
        worth: ceiling, floor and style loss.
        data: the end of the signature: which data, which version.
        seed: of the bootstrap.
    """
    interval = interval_of(metric, scores, groups, seed)
    answered = np.fromiter((row.prediction is not None and not row.error for row in rows), np.bool_, len(rows))
    upstream = None if scores.dropped is None or not scores.dropped.any() else ~scores.dropped
    notes = [*scores.notes, *filter(None, [scores.inexact]), *_dropped_references(metric, rows), *verbose_note(metric, rows, scores.values)]
    if interval.low is None:
        notes.append(_why_no_interval(interval, groups))
    elif interval.high is not None and (interval.low < 0 or interval.high > metric.scale) and metric.higher_is_better:
        notes.append("The interval reaches beyond the scale: there are too few groups for the t interval to mean much.")
    method = interval.method + (f" C:{groups.count}" if groups.key else "") + (f" seed:{seed}" if "bootstrap" in interval.method else "")
    all_answered = bool(answered.all())
    return MetricScore(
        name=metric.name,
        profile=metric.profile,
        kind=metric.kind,
        value=value_of(metric, scores, rows),
        low=interval.low,
        high=interval.high,
        n=len(rows),
        scale=metric.scale,
        higher_is_better=metric.higher_is_better,
        ceiling=worth.ceiling,
        floor=worth.floor,
        signature=f"profile:{metric.profile} {metric.signature} ci:{method} {data}",
        interval=interval.method,
        floors=worth.floors,
        style=worth.style,
        value_upstream=None if upstream is None else value_of(metric, scores, rows, upstream),
        n_upstream=None if upstream is None else int(upstream.sum()),
        value_answered=value_of(metric, scores, rows, answered) if not all_answered and answered.any() else None,
        n_answered=None if all_answered else int(answered.sum()),
        by_kind=_parts(metric, scores, rows, (row.kind for row in rows)) if any(row.kind for row in rows) else {},
        parts=scores.parts,
        unparsed=scores.unparsed,
        notes=tuple(notes),
    )


def score_categories(rows: Sequence[Row], measured: Mapping[str, Measured]) -> dict[str, dict[str, ScorePart]]:
    """The value of every metric over the rows of each category."""
    table: dict[str, dict[str, ScorePart]] = {}
    for metric_name, found in measured.items():
        for category, part in _parts(found.metric, found.scores, rows, (row.category for row in rows)).items():
            table.setdefault(category, {})[metric_name] = part
    return table


def interval_of(metric: Metric, scores: Scores, groups: Groups, seed: int = 0) -> Interval:
    """The interval that fits the metric: bootstrap for corpus metrics, Wilson for shares without groups, clustered t otherwise.

    Where nothing varies, docs/scoring.md says what is left.
    """
    if scores.corpus is not None:
        return corpus_interval(scores.corpus, groups, seed=seed)
    if scores.value is not None:
        return Interval(None, None, "none")
    values = np.nan_to_num(scores.values)
    if metric.binary and not groups.key:
        return wilson(float(values.sum()) / metric.scale, len(values), metric.scale)
    return clustered_bounded(values, groups, 0.0, metric.scale)


def _dropped_references(metric: Metric, rows: Sequence[Row]) -> list[str]:
    """Say so where a profile takes one reference of several."""
    taken = next((word for word in ("first", "last") if f"refs:{word}" in metric.signature), "")
    several = sum(len(row.references) > 1 for row in rows) if taken else 0
    return [f"{several:,} of {len(rows):,} rows have several references: {metric.profile} takes the {taken} of each."] if several else []


def _why_no_interval(interval: Interval, groups: Groups) -> str:
    if interval.method == "none":
        return "No interval: its value is not made of sums."
    if groups.count < 2:
        if not groups.key:
            return "One row allows no interval."
        return "One group allows no interval; --group-by names another key, --group-by none takes rows as independent."
    return "No interval: nothing varies from group to group, so nothing tells how far other questions would."


def _parts(metric: Metric, scores: Scores, rows: Sequence[Row], names: Iterable[str]) -> dict[str, ScorePart]:
    """The metric's value over the rows of each name, in one pass; rows without a name are in none."""
    numbers: dict[str, int] = {}
    index = np.fromiter((numbers.setdefault(name, len(numbers)) for name in names), np.int32, len(rows))
    counts = np.bincount(index, minlength=len(numbers))
    if scores.value is not None:
        values = [value_of(metric, scores, rows, index == number) if name else 0.0 for name, number in numbers.items()]
    elif scores.corpus is not None:
        sums = np.stack([np.bincount(index, weights=column, minlength=len(numbers)) for column in scores.corpus.rows.T], axis=1)
        values = [float(value) for value in scores.corpus.value(sums.astype(np.float64))]
    else:
        totals = np.bincount(index, weights=np.nan_to_num(scores.values), minlength=len(numbers))
        values = [float(total / count) for total, count in zip(totals, counts, strict=True)]
    order = sorted((name for name in numbers if name), key=lambda name: (name != "human", name))  # ChartQA's halves are told in this order
    return {name: ScorePart(values[numbers[name]], int(counts[numbers[name]])) for name in order}
