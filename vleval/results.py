"""What scores are made of: counts, numbers with their intervals, and the documents that `--json` prints."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from vleval.metric import Floats, Metric, Scores


class RowCounts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
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


class ScorePart(msgspec.Struct, frozen=True):
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
    by_kind: dict[str, ScorePart] = {}
    parts: dict[str, float] = {}
    unparsed: int = 0
    notes: tuple[str, ...] = ()


class MetricDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One metric in the document of `vleval score --json`; see `MetricScore`. The last eight stand only where they say something."""

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
    by_kind: dict[str, ScorePart] = {}
    parts: dict[str, float] = {}
    unparsed: int = 0
    notes: tuple[str, ...] = ()


class ReadDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What was read: the fields taken as id, prediction and reference, and what was decided without proof.

    Attributes:
        format: how the file was read.
        id, prediction, reference: the fields' names; "" for line numbers, or where there is none.
        reference_id: the id's field in the references' file.
        joined: how predictions met the references; "" where they carry their own.
        guesses: what was decided without proof, one sentence each; `cures` settle them.
        files: SHA-256 of the predictions as they were scored, by the file's name; empty where they are no single file.
    """

    format: str = ""
    id: str = ""
    prediction: str = ""
    reference: str = ""
    reference_id: str = ""
    joined: str = ""
    guesses: tuple[str, ...] = ()
    cures: tuple[str, ...] = ()
    files: dict[str, str] = {}


class ScoreDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What `vleval score --json` prints. `notes` are the warnings of reading, joining and grouping; a metric's stand in the metric."""

    profile: str
    metrics: dict[str, MetricDocument]
    counts: RowCounts
    by_category: dict[str, dict[str, ScorePart]]
    read: ReadDocument
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """A metric next to what it said of the rows, kept for comparisons and per-record output."""

    metric: Metric
    scores: Scores


def column_of(scores: Scores) -> Floats:
    """Per-record values as they are written: NaN where the metric has none or its upstream drops the row."""
    if scores.dropped is None:
        return scores.values
    return np.where(scores.dropped, np.nan, scores.values)
