"""The same metrics from vleval, over the same pairs."""

from __future__ import annotations

import json
import math
from typing import Any

from vleval.metrics.boxes import LabelledBox
from vleval.metrics.detection import iou
from vleval.metrics.options import MetricOptions
from vleval.profiles import resolve
from vleval.rows import Row

Pair = dict[str, Any]


def rows_of(pairs: list[Pair], profile: str) -> list[Row]:
    """Rows for a profile; for marks the answer is the judge's reply."""
    return [
        Row(
            id=str(index),
            prediction=json.dumps(pair["given"]) if "given" in pair and profile == "vlkit" else pair["p"],
            references=tuple(pair["r"]),
            choices=tuple(pair.get("choices", ())),
            extra={"mark": pair["p"], "Year": str(pair.get("year", ["NO"] * 8))},
        )
        for index, pair in enumerate(pairs)
    ]


def values(pairs: list[Pair], profile: str, metric: str) -> list[float | None]:
    """Per-record values; None where upstream drops the row."""
    if metric == "iou":
        return [iou(LabelledBox(label="", **corners(pair["a"])), LabelledBox(label="", **corners(pair["b"]))) for pair in pairs]
    made = resolve(profile, metric, MetricOptions(strip_think=False))
    if metric == "llm_match":
        return [_one(made, row) for row in rows_of(pairs, profile)]
    scores = made.score(rows_of(pairs, profile))
    dropped = scores.dropped
    return [None if dropped is not None and dropped[index] else float(value) for index, value in enumerate(scores.values)]


def corners(box: list[float]) -> dict[str, float]:
    """The fields of a box."""
    return dict(zip(("x1", "y1", "x2", "y2"), box, strict=True))


def _one(made: Any, row: Row) -> float | None:
    from vldata.errors import DataError

    try:
        return float(made.score([row]).values[0])
    except DataError:
        return math.nan
