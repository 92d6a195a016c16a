"""OpenEQA's LLM-Match (Majumdar et al. 2024): a judge's mark from 1 to 5 as percent, 100 (clip(mark, 1, 5) - 1) / 4.

Marks are read here, not asked for. A prediction that is missing is 0 %, as upstream. Upstream's parser stops at " 5", "5." and "4/5"; ours
reads them. An answer without a mark, or with one that names no number, stops the run: it would not be an honest score.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from vldata.errors import DataError
from vleval.metric import Scorer, Scores
from vleval.metrics.base import mean_metric
from vleval.metrics.options import MetricOptions
from vleval.rows import Row

_TAGGED = re.compile(r"your mark:\s*\**\s*(\d+(?:\.\d+)?)", re.IGNORECASE)
_LEADING = re.compile(r"\s*\**\s*(?:(?:mark|score)\s*:\s*)?(\d+(?:\.\d+)?)(?!\d)", re.IGNORECASE)


def parse_mark(text: str) -> float | None:
    """The mark in a judge's reply: behind "Your mark:", or in front; None when there is none. "4/5" is 4."""
    found = _TAGGED.search(text) or _LEADING.match(text)
    return float(found[1]) if found else None


def percent(mark: float) -> float:
    """1 is 0 %, 5 is 100 %; marks outside are clipped."""
    return 100.0 * (min(max(mark, 1.0), 5.0) - 1.0) / 4.0


def llm_match(options: MetricOptions) -> Scorer:
    """Mean percent over all rows; marks stand in `Row.extra[options.mark_field]`."""

    def score(rows: Sequence[Row]) -> Scores:
        values = np.zeros(len(rows))
        outside = 0
        for index, row in enumerate(rows):
            if row.error or (row.prediction is None and options.mark_field not in row.extra):
                continue
            mark = _mark(row, options.mark_field)
            outside += not 0 <= mark <= 5  # upstream writes 0 for a missing prediction
            values[index] = percent(mark)
        note = f"{outside} marks lie outside 1 to 5 and are clipped."
        return Scores(values=values, notes=(note,) if outside else ())

    judge = f" judge:{options.judge}" if options.judge else ""
    return mean_metric(
        score, signature=f"marks:1-5 clip:yes missing:0{judge}", scale=100.0, needs=(f"extra.{options.mark_field}",), styled=False
    )


def _mark(row: Row, name: str) -> float:
    text = row.extra.get(name)
    if text is None:
        raise DataError(
            f"no judge's mark ({name!r}) for this answer.", where=row.id, cure="Give a file of marks, or have the answers judged."
        )
    mark = parse_mark(text)
    if mark is None:
        raise DataError(f"the judge's mark {text[:60]!r} names no number.", where=row.id, cure="Have this answer judged again.")
    return mark
