"""What scoring returns: typed, serialisable, and as a polars frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import msgspec
import numpy as np

from vleval.metric import Floats, Metric, Scores
from vleval.rows import Row
from vleval.stats.groups import Groups

if TYPE_CHECKING:
    import polars


class Counts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the rows fared. total = scored + error + missing; empty, truncated and refused answers are scored and also counted here."""

    total: int
    scored: int
    error: int
    empty: int
    truncated: int
    missing: int
    duplicate: int
    extra: int
    refused: int = 0


class Floors(msgspec.Struct, frozen=True, kw_only=True):
    """What a predictor reaches that never looks: the best constant answer, each category's commonest answer, another row's answer."""

    constant: float
    constant_answer: str
    category: float | None
    shuffled: float | None


class Part(msgspec.Struct, frozen=True):
    """A value over part of the rows."""

    value: float
    n: int


class MetricScore(msgspec.Struct, frozen=True, kw_only=True):
    """One number and what it is worth.

    Attributes:
        value: over all rows, errors and missing as 0.
        low, high: 95 % interval; None when the data allow none.
        interval: how it was made.
        ceiling: the first references scored as predictions; None where that means nothing.
        floor: the best of `floors`.
        style: what the first references lose when written in another style: lower case, full stop, article.
        value_upstream, n_upstream: without the rows that the profile's own tool drops.
        value_answered, n_answered: without errors and missing; None when there are none.
        by_kind: ChartQA's human and augmented questions.
        parts: other numbers of the same pass (detection: precision, recall).
        unparsed: answers the metric could not read.
    """

    name: str
    profile: str
    kind: str
    value: float
    low: float | None
    high: float | None
    n: int
    scale: float
    higher_is_better: bool
    ceiling: float | None
    floor: float | None
    signature: str
    interval: str
    floors: Floors | None = None
    style: dict[str, float] = {}
    value_upstream: float | None = None
    n_upstream: int | None = None
    value_answered: float | None = None
    n_answered: int | None = None
    by_kind: dict[str, Part] = {}
    parts: dict[str, float] = {}
    unparsed: int = 0
    notes: tuple[str, ...] = ()


class MetricDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One metric in the document of `vleval score --json`; see `MetricScore`. The last seven stand only where they say something."""

    value: float
    low: float | None
    high: float | None
    n: int
    scale: float
    higher_is_better: bool
    ceiling: float | None
    floor: float | None
    signature: str
    value_upstream: float | None = None
    n_upstream: int | None = None
    value_answered: float | None = None
    n_answered: int | None = None
    by_kind: dict[str, Part] = {}
    parts: dict[str, float] = {}
    unparsed: int = 0


class ScoreDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What `vleval score --json` prints."""

    profile: str
    metrics: dict[str, MetricDocument]
    counts: Counts
    by_category: dict[str, dict[str, Part]]


@dataclass(frozen=True)
class Measured:
    """A metric beside what it said of the rows, kept for comparisons and per-record output."""

    metric: Metric
    scores: Scores


@dataclass(frozen=True)
class ScoreResult:
    """Everything that scoring found.

    Attributes:
        name: the predictions file.
        format: how it was read.
        measured: metric name to the raw scores, in the order of `rows`.
        notes: warnings a reader of the numbers must see.
        aliases: metric name to the key its own tool prints it under.
    """

    name: str
    format: str
    profile: str
    metrics: dict[str, MetricScore]
    counts: Counts
    by_category: dict[str, dict[str, Part]]
    groups: Groups
    rows: Sequence[Row]
    measured: dict[str, Measured]
    notes: tuple[str, ...] = ()
    aliases: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The document that `vleval score --json` prints."""
        metrics = {name: _metric_document(score) for name, score in self.metrics.items()}
        metrics |= {alias: metrics[name] for name, alias in self.aliases.items() if name in metrics}
        document = ScoreDocument(profile=self.profile, metrics=metrics, counts=self.counts, by_category=self.by_category)
        return cast("dict[str, Any]", msgspec.to_builtins(document))

    def per_record(self) -> Iterator[dict[str, Any]]:
        """One `{"id", metric: value, ...}` per row, with `metric.tp` and the like where a value is made of counts.

        A value that the metric does not define, or whose row its upstream drops, is None.
        """
        columns = {name: column_of(measured.scores) for name, measured in self.measured.items()}
        for position, row in enumerate(self.rows):
            record: dict[str, Any] = {"id": row.id}
            for name, column in columns.items():
                record[name] = None if np.isnan(column[position]) else float(column[position])
                details = self.measured[name].scores.details
                if details is not None:
                    record |= {f"{name}.{key}": value for key, value in details[position].items()}
            yield record

    def to_polars(self) -> polars.DataFrame:
        """One row per record: id, category, prediction, error and a column per metric."""
        import polars

        data: dict[str, Any] = {
            "id": [row.id for row in self.rows],
            "category": [row.category for row in self.rows],
            "prediction": [row.prediction for row in self.rows],
            "error": [row.error for row in self.rows],
        }
        for name, measured in self.measured.items():
            data[name] = polars.Series(column_of(measured.scores)).fill_nan(None)
        return polars.DataFrame(data)


def column_of(scores: Scores) -> Floats:
    """Per-record values as they are written: NaN where the metric has none or its upstream drops the row."""
    if scores.dropped is None:
        return scores.values
    return np.where(scores.dropped, np.nan, scores.values)


def _metric_document(score: MetricScore) -> MetricDocument:
    return MetricDocument(**{name: getattr(score, name) for name in MetricDocument.__struct_fields__})
