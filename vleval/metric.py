"""The seam between metrics and everything that uses them: what a metric is, and what scoring rows returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vleval.rows import Row

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CorpusStats:
    """Sufficient statistics of a corpus metric, so that 10,000 resamples need no text.

    Attributes:
        rows: shape (n, k), one line of statistics per row; a corpus is the sum of its lines.
        value: maps summed statistics of shape (m, k) to m corpus values on the metric's scale.
    """

    rows: Floats
    value: Callable[[Floats], Floats]


@dataclass(frozen=True)
class Scores:
    """What a metric says of n rows.

    Attributes:
        values: shape (n,), per record on the metric's scale; NaN where the metric defines none (written as null).
        corpus: for `kind == "corpus"`; None for means.
        dropped: shape (n,) bool, rows that the upstream tool leaves out of its own average; None when it keeps all. Those rows still
            count in `value`; `value_upstream` and `n_upstream` are computed without them.
        unparsed: how many predictions the metric could not read (multiple choice, boxes, JSON).
        notes: warnings a reader of the number must see, one sentence each.
        inexact: a sentence about rows whose value is not computed to the end, as it would take hours; "" for none. `--strict` stops at it.
        value: the value itself, where it is neither the mean of `values` nor a function of summed statistics (coco_ap); else None.
        parts: other numbers of the same pass, on the metric's scale (detection: precision, recall, and the class-agnostic ones).
        details: per row, the counts its value is made of (detection and JSON: tp, fp, fn); None where there are none.
    """

    values: Floats
    corpus: CorpusStats | None = None
    dropped: NDArray[np.bool_] | None = None
    unparsed: int = 0
    notes: tuple[str, ...] = ()
    inexact: str = ""
    value: float | None = None
    parts: dict[str, float] = field(default_factory=dict)
    details: tuple[dict[str, float], ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """What a builder returns: how rows are scored, and the traits of the number.

    Attributes:
        score: rows to scores, in the order given. A row without a prediction counts as 0 (corpus metrics: an empty hypothesis).
        scale: 100, 10 or 1: the value of a perfect mean-type answer.
        higher_is_better: False for error rates such as ter.
        kind: "mean" (value = mean of per-record values) or "corpus".
        binary: every per-record value is 0 or `scale` (then Wilson and McNemar apply).
        signature: the settings that reproduce the number, `key:value` separated by blanks, without data or version.
        needs: row fields without which the metric is not defined, for the error message.
        styled: a right answer in another style (an article, a full stop) may lose under it, so that the loss is worth showing.
        gold: how references score that are given as answers, where answers are read otherwise (another space of boxes); None: as answers.
        counts_reference: which reference is the perfect answer, where not each of them is.
    """

    score: Callable[[Sequence[Row]], Scores]
    signature: str
    scale: float = 1.0
    higher_is_better: bool = True
    kind: Literal["mean", "corpus"] = "mean"
    binary: bool = False
    needs: tuple[str, ...] = ("references",)
    styled: bool = True
    gold: Callable[[Sequence[Row]], Scores] | None = None
    counts_reference: Literal["first", "last"] = "first"


@dataclass(frozen=True, kw_only=True)
class Metric(Scorer):
    """A scorer under the name and profile it was asked for.

    Attributes:
        name: as `--metric` takes it, with the variant after a colon.
        profile: the behaviour it reproduces; "vlkit" is our own.
    """

    name: str
    profile: str


def named(scorer: Scorer, name: str, profile: str) -> Metric:
    """Give a scorer the name and profile it was asked for."""
    traits = {field.name: getattr(scorer, field.name) for field in fields(Scorer)}
    return Metric(name=name, profile=profile, **traits)
