"""OpenEQA's LLM-Match (Majumdar et al. 2024): a judge's mark from 1 to 5 as percent, 100 (clip(mark, 1, 5) - 1) / 4.

Marks are read here, not asked for. A prediction that is missing is 0 %, as upstream. Upstream's parser stops at " 5", "5." and "4/5"; ours
reads them. An answer without a mark, or with one that names no number, stops the run: it would not be an honest score.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from vldata.errors import DataError
from vleval.metric import Floats, Scorer, Scores
from vleval.metrics.base import mean_metric
from vleval.metrics.marks import read_number
from vleval.metrics.options import MetricOptions
from vleval.rows import Row

_TAGGED = re.compile(r"your mark:\s*(?:\*+\s*)?(\d+(?:\.\d+)?)", re.IGNORECASE)
_LEADING = re.compile(r"\A\s*(?:\*+\s*)?(?:(?:mark|score)\s*:\s*)?(\d+(?:\.\d+)?)(?!\d)", re.IGNORECASE)


def parse_mark(text: str) -> float | None:
    """The mark in a judge's reply: behind "Your mark:", or in front; None when there is none. "4/5" is 4."""
    found = _TAGGED.search(text) or _LEADING.match(text)
    return float(found[1]) if found else None


def percent(mark: float) -> float:
    """1 is 0 %, 5 is 100 %; marks outside are clipped."""
    return 100.0 * (min(max(mark, 1.0), 5.0) - 1.0) / 4.0


def llm_match(options: MetricOptions) -> Scorer:
    """OpenEQA's: mean percent over all rows, marks outside 1 to 5 clipped; marks stand in `Row.extra[options.mark_field]`."""

    def score(rows: Sequence[Row]) -> Scores:
        values, outside = _percents(rows, options.mark_field, parse_mark)
        note = f"{outside} marks are outside 1 to 5 and are clipped."
        return Scores(values=values, notes=(note,) if outside else ())

    return _scorer(options, score, "marks:1-5 clip:yes missing:0")


def vlkit(options: MetricOptions) -> Scorer:
    """Our recommendation: the same mean of marks in any form that judges write; one outside 1 to 5 is no mark and stops the run."""

    def score(rows: Sequence[Row]) -> Scores:
        return Scores(values=_percents(rows, options.mark_field, read_number)[0])

    return _scorer(options, score, "marks:1-5 clip:no missing:0")


def _scorer(options: MetricOptions, score: Callable[[Sequence[Row]], Scores], signature: str) -> Scorer:
    judge = f" judge:{options.judge}" if options.judge else ""
    return mean_metric(score, signature=f"{signature}{judge}", scale=100.0, needs=(f"extra.{options.mark_field}",), styled=False)


def _percents(rows: Sequence[Row], name: str, read: Callable[[str], float | None]) -> tuple[Floats, int]:
    """The percent of every row, 0 for one that failed, and how many marks are outside 0 to 5."""
    values = np.zeros(len(rows))
    outside = 0
    for index, row in enumerate(rows):
        if row.error or (row.prediction is None and name not in row.extra):
            continue
        mark = _mark(row, name, read)
        outside += not 0 <= mark <= 5  # upstream writes 0 for a missing prediction
        values[index] = percent(mark)
    return values, outside


def _mark(row: Row, name: str, read: Callable[[str], float | None]) -> float:
    text = row.extra.get(name)
    if text is None:
        raise DataError(
            f"no judge's mark ({name!r}) for this answer.", where=row.id, cure="Give a file of marks, or have the answers judged."
        )
    mark = read(text)
    if mark is None:
        raise DataError(f"the judge's mark {text[:60]!r} names no number from 1 to 5.", where=row.id, cure="Have this answer judged again.")
    return mark
