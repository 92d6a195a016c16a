"""What `score` returns: typed, serialisable, as text, and as a polars frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
import numpy as np

from vldata.files.durable import replace_atomic
from vldata.jobs import JobResult
from vleval.explanation import Explanation
from vleval.reports.compare_text import agreement_lines
from vleval.reports.text import explain_lines, score_lines
from vleval.results import Measured, MetricDocument, MetricScore, ReadDocument, RowCounts, ScoreDocument, ScorePart, column_of
from vleval.rows import Row
from vleval.sampled import Sampled, sampled_lines
from vleval.settings import Scoring
from vleval.stats.agreement import Agreement
from vleval.stats.groups import Groups

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True, repr=False)
class ScoreResult(JobResult):
    """Everything that scoring found.

    Attributes:
        name: the predictions file.
        format: how it was read.
        measured: metric name to the raw scores, in the order of `rows`.
        notes: warnings a reader of the numbers must see.
        scoring: the options, with the coordinate space and judge that were used.
        aliases: metric name to the key its own tool prints it under.
        read: which fields were read, how rows were joined, and what was decided without proof.
        agreement: how far the judge agrees with people, where their marks were given.
        explanation: the same rows under every profile, where that was asked for.
        sampled: where questions have several answers: pass@k, the majority's answer and consistency. Other values are means over them.
    """

    name: str
    format: str
    scoring: Scoring
    metrics: dict[str, MetricScore]
    counts: RowCounts
    by_category: dict[str, dict[str, ScorePart]]
    groups: Groups
    rows: Sequence[Row]
    measured: dict[str, Measured]
    notes: tuple[str, ...] = ()
    aliases: dict[str, str] = field(default_factory=dict)
    read: ReadDocument = field(default_factory=ReadDocument)
    agreement: Agreement | None = None
    explanation: Explanation | None = None
    sampled: Sampled | None = None

    @property
    def profile(self) -> str:
        """Whose behaviour the metrics reproduce."""
        return self.scoring.profile

    def lines(self) -> Iterator[str]:
        """Yield a line a metric with what it is worth, the counts, the categories, and what else was asked for."""
        yield from score_lines(self.metrics, self.counts, self.by_category)
        if self.sampled is not None:
            yield from ("", *sampled_lines(self.sampled, self.metrics))
        if self.explanation is not None:
            yield from explain_lines(self.explanation)
        if self.agreement is not None:
            yield from agreement_lines(self.agreement, "people", "the judge")

    def document(self) -> dict[str, Any]:
        """The document that `vleval score --json` prints."""
        metrics = {name: _metric_document(score) for name, score in self.metrics.items()}
        metrics |= {alias: metrics[name] for name, alias in self.aliases.items() if name in metrics}
        score = ScoreDocument(
            profile=self.profile,
            metrics=metrics,
            counts=self.counts,
            by_category=self.by_category,
            read=self.read,
            notes=self.notes,
        )
        document = cast("dict[str, Any]", msgspec.json.decode(msgspec.json.encode(score)))
        if self.explanation is not None:
            document["explain"] = msgspec.to_builtins(self.explanation)
        if self.sampled is not None:
            document["sampled"] = msgspec.to_builtins(self.sampled)
        if self.agreement is not None:
            document["agreement"] = dataclasses.asdict(self.agreement)
        return document

    def per_record(self) -> Iterator[dict[str, Any]]:
        """One `{"id", metric: value, ...}` per row, with `metric.tp` and the like where a value is made of counts.

        A value that the metric does not define, or whose row its upstream drops, is None. A row without an answer says why as `error`.
        """
        columns = {name: column_of(measured.scores) for name, measured in self.measured.items()}
        for position, row in enumerate(self.rows):
            record: dict[str, Any] = {"id": row.id}
            for name, column in columns.items():
                record[name] = None if np.isnan(column[position]) else float(column[position])
                details = self.measured[name].scores.details
                if details is not None:
                    record |= {f"{name}.{key}": value for key, value in details[position].items()}
            if row.prediction is None:  # its 0 is not that of a wrong answer
                record["error"] = row.error or "no answer"
            yield record

    def write_per_record(self, path: Path) -> None:
        """Write `per_record` as JSON Lines."""
        encode = msgspec.json.Encoder().encode
        with replace_atomic(path) as handle:
            for record in self.per_record():
                handle.write(encode(record) + b"\n")

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


def _metric_document(score: MetricScore) -> MetricDocument:
    return MetricDocument(**{name: getattr(score, name) for name in MetricDocument.__struct_fields__})
