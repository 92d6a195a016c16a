"""Years under a relative tolerance: 2008 for 2010 is within 5 %, and no reader of the number would call it right."""

from __future__ import annotations

from collections.abc import Sequence

from vleval.metric import Floats
from vleval.metrics.base import answer
from vleval.rows import Row


def is_year(text: str) -> bool:
    """Whether a text is a year and nothing else."""
    bare = text.strip().rstrip(".年")
    return len(bare) == 4 and bare.isascii() and bare.isdigit() and 1000 <= int(bare) <= 2100


def year_notes(rows: Sequence[Row], values: Floats, tolerance: float) -> tuple[str, ...]:
    """A sentence about answers that are right although they name another year; none where there are none."""
    if not tolerance:
        return ()
    missed = sum(
        1
        for row, value in zip(rows, values, strict=True)
        if value
        and is_year(text := answer(row) or "")
        and all(is_year(known) and known.strip() != text.strip() for known in row.references)
    )
    return (
        (f"{missed} of {len(rows)} answers name another year than the reference and are right by the tolerance of {tolerance:g}.",)
        if missed
        else ()
    )
