"""When no honest number exists: nothing was answered, or nothing to judge by. The run stops and says why."""

from __future__ import annotations

from collections.abc import Sequence

from vldata.errors import DataError
from vleval.rows import Row

# What tools write where a test set keeps its answers back.
PLACEHOLDERS = frozenset({"", "none", "nan", "null", "n/a", "na", "<na>", "-", "--", "?", "unknown", "hidden", "tbd", "无"})


def refuse_nothing(rows: Sequence[Row], name: str) -> list[str]:
    """Stop where a score would be a number from nothing; returns sentences about rows that are so.

    Raises:
        DataError: all rows failed, all answers are empty, or all references are empty or placeholders.
    """
    answered = [row for row in rows if row.prediction is not None and not row.error]
    if rows and not answered:
        first = next((row.error for row in rows if row.error), "no answer")
        raise DataError(
            f"all {len(rows):,} rows failed, so there is nothing to score. The first error: {first}",
            where=name,
            cure="Ask again once the server answers (vleval predict goes on where it stopped).",
        )
    silent = answered and not any((row.prediction or "").strip() or "mark" in row.extra for row in answered)
    if silent and not all(row.finish_reason for row in answered):  # with one, the tool says that the model itself wrote nothing
        raise DataError(
            f"all {len(answered):,} answers are empty, so there is nothing to score.",
            where=name,
            cure="Look at what the model wrote; --prediction-field names another field.",
        )
    notes = [f"All {len(answered):,} answers are empty: the model wrote nothing."] if silent else []
    known = [row for row in rows if row.references]
    bare = [row for row in known if all(text.strip().lower() in PLACEHOLDERS for text in row.references)]
    if not bare:
        return notes
    shown = next((text for text in bare[0].references if text.strip()), "")
    what = f"are {shown!r}" if shown else "are empty"
    if len(bare) == len(known):
        raise DataError(
            f"the references of all {len(bare):,} rows {what}: this set keeps its answers back, or they were lost.",
            where=name,
            cure="Give the answers with --references FILE or DIR/NAME, or name their field: --reference-field",
        )
    return [*notes, f"{len(bare):,} of {len(rows):,} rows have references that {what} or a placeholder; they count as they stand."]
