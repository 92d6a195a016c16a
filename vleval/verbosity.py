"""Answers that hold the right words among others: wrong by the metric, and a reader of the number should know how many there are."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vleval.metric import Floats, Metric
from vleval.metrics.text import has_cjk, vlkit_normal
from vleval.rows import Row

# Metrics that want the answer alone, and nothing around it.
_BARE = ("exact_match", "relaxed_accuracy", "anls", "vqa_accuracy")
_LONGEST = 200_000  # characters of an answer that is looked at


def verbose_note(metric: Metric, rows: Sequence[Row], values: Floats) -> tuple[str, ...]:
    """How many answers without a point hold a reference among other words; nothing where none does or the metric reads sentences."""
    if not metric.name.split(":")[0].startswith(_BARE):
        return ()
    wrong = [row for row, value in zip(rows, values, strict=True) if not value and row.prediction is not None and not row.error]
    holding = sum(1 for row in wrong if _holds(row))
    if not holding:
        return ()
    return (
        f"{holding:,} of {len(wrong):,} wrong answers hold a reference among other words: ask for the answer alone, or read it out first.",
    )


def _holds(row: Row) -> bool:
    text = vlkit_normal((row.prediction or "")[:_LONGEST])
    return any(_within(vlkit_normal(reference), text) for reference in row.references)


def _within(reference: str, text: str) -> bool:
    """Whether a text holds the reference as whole words and more than it."""
    if not reference or reference not in text or reference == text:
        return False
    if has_cjk(reference):
        return True
    return re.search(rf"(?<!\w)(?<!\d[.,]){re.escape(reference)}(?!\w|[.,]\d)", text) is not None
