"""When no honest number exists: nothing was answered, or nothing to judge by. The run stops and says why."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vldata.errors import DataError
from vleval.rows import Row

# What tools write where a test set keeps its answers back.
PLACEHOLDERS = frozenset({"", "none", "nan", "null", "n/a", "na", "<na>", "-", "--", "?", "unknown", "hidden", "tbd", "无", "空", "nat"})
# What scripts write in the place of an answer when a request failed, and what pandas and `str` make of a missing one.
_LIKE_ERRORS = re.compile(
    r"\W{0,2}(?:(?:api |request |openai |runtime ?|value ?|key ?|type ?)?(?:error|exception|failure|failed|timeout)\b\W{0,2}[:\]\-(（：]"
    r"|\[(?:error|failed|timeout|exception)\]|traceback \(most recent|error code: \d|http(?: error)? [45]\d\d\b|cuda out of memory"
    r"|request (?:failed|timed out)"
    r"|rate limit exceeded|connection (?:error|refused|reset))",
    re.IGNORECASE,
)
_QUOTED_LIST = re.compile(r"""\[\s*(?:"[^"]*"|'[^']*')(?:\s*,?\s*(?:"[^"]*"|'[^']*'))+\s*\]""")
_MISSING = frozenset({"none", "nan", "null", "<na>", "nat"})


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
    notes += _no_answers(answered, name)
    notes += _lists(rows)
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


def _lists(rows: Sequence[Row]) -> list[str]:
    """A sentence about references that are a list of quoted texts, written as one text."""
    found = [row.references[0] for row in rows if len(row.references) == 1 and _QUOTED_LIST.fullmatch(row.references[0].strip()[:2_000])]
    if not found:
        return []
    what = f"{len(found):,} of {len(rows):,} references are a list written as text, as {found[0][:60]!r}"
    return [f"{what}: each counts as one answer. Where they are answers to choose from, write them as a list of JSON."]


def _no_answers(answered: Sequence[Row], name: str) -> list[str]:
    """Sentences about answers that read as an error message, or as what a table makes of a missing cell.

    Raises:
        DataError: all answers do, and no reference does.
    """
    notes = []
    for found, what in (
        (
            [row for row in answered if _LIKE_ERRORS.match((row.prediction or "")[:200]) and not _wanted(row)],
            "begin as an error message does",
        ),
        (
            [row for row in answered if (row.prediction or "").strip().lower() in _MISSING and not _wanted(row)],
            "are what a missing cell becomes",
        ),
    ):
        if not found:
            continue
        shown = (found[0].prediction or "").strip().split("\n", 1)[0][:80]
        if len(found) == len(answered):
            raise DataError(
                f"all {len(answered):,} answers {what}, as {shown!r}: there is nothing to score.",
                where=name,
                cure="Ask again, or name the field of the answers: --prediction-field",
            )
        notes.append(f"{len(found):,} of {len(answered):,} answers {what}, as {shown!r}; they count as answers.")
    return notes


def _wanted(row: Row) -> bool:
    """Whether the answer is an accepted one, or such a word is."""
    text = (row.prediction or "").strip().lower()
    return any(known.strip().lower() in (text, *PLACEHOLDERS) for known in row.references)
