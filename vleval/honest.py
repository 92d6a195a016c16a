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
    found = _Found()
    for row in rows:
        found.add(row)
    answered = found.answered
    if rows and not answered:
        first = found.first_error or "no answer"
        raise DataError(
            f"all {len(rows):,} rows failed, so there is nothing to score. The first error: {first}",
            where=name,
            cure="Ask again once the server answers (vleval predict goes on where it stopped).",
        )
    silent = answered and not found.spoken
    if silent and found.unfinished:  # with a reason, the tool says that the model itself wrote nothing
        raise DataError(
            f"all {answered:,} answers are empty, so there is nothing to score.",
            where=name,
            cure="Look at what the model wrote; --prediction-field names another field.",
        )
    notes = [f"All {answered:,} answers are empty: the model wrote nothing."] if silent else []
    notes += _no_answers(found, name)
    if found.lists:
        what = f"{found.lists:,} of {len(rows):,} references are a list written as text, as {found.first_list[:60]!r}"
        notes.append(f"{what}: each counts as one answer. Where they are answers to choose from, write them as a list of JSON.")
    if not found.bare:
        return notes
    shown = next((text for text in found.first_bare if text.strip()), "")
    what = f"are {shown!r}" if shown else "are empty"
    if found.bare == found.known:
        raise DataError(
            f"the references of all {found.bare:,} rows {what}: this set keeps its answers back, or they were lost.",
            where=name,
            cure="Give the answers with --references FILE or DIR/NAME, or name their field: --reference-field",
        )
    return [*notes, f"{found.bare:,} of {len(rows):,} rows have references that {what} or a placeholder; they count as they stand."]


class _Found:
    """What one walk over the rows counts, with the first of each kind to show."""

    def __init__(self) -> None:
        self.answered = self.known = self.bare = self.lists = 0
        self.spoken = self.unfinished = False
        self.first_error = self.first_list = ""
        self.first_bare: tuple[str, ...] = ()
        self.like_errors, self.missing = _Some(), _Some()

    def add(self, row: Row) -> None:
        """Count a row."""
        self.first_error = self.first_error or row.error
        if row.prediction is not None and not row.error:
            self._add_answer(row, row.prediction)
        if len(row.references) == 1 and _QUOTED_LIST.fullmatch(row.references[0].strip()[:2_000]):
            self.first_list = row.references[0] if not self.lists else self.first_list
            self.lists += 1
        if row.references:
            self.known += 1
            if all(text.strip().lower() in PLACEHOLDERS for text in row.references):
                self.first_bare = row.references if not self.bare else self.first_bare
                self.bare += 1

    def _add_answer(self, row: Row, text: str) -> None:
        self.answered += 1
        self.spoken = self.spoken or bool(text.strip()) or "mark" in row.extra
        self.unfinished = self.unfinished or not row.finish_reason
        if _LIKE_ERRORS.match(text[:200]) and not _wanted(row):
            self.like_errors.add(text)
        if text.strip().lower() in _MISSING and not _wanted(row):
            self.missing.add(text)


class _Some:
    """How many answers are of a kind, and the first of them."""

    def __init__(self) -> None:
        self.count, self.first = 0, ""

    def add(self, text: str) -> None:
        """Count an answer."""
        self.first = self.first if self.count else text
        self.count += 1


def _no_answers(found: _Found, name: str) -> list[str]:
    """Sentences about answers that read as an error message, or as what a table makes of a missing cell.

    Raises:
        DataError: all answers do, and no reference does.
    """
    notes = []
    for some, what in ((found.like_errors, "begin as an error message does"), (found.missing, "are what a missing cell becomes")):
        if not some.count:
            continue
        shown = some.first.strip().split("\n", 1)[0][:80]
        if some.count == found.answered:
            raise DataError(
                f"all {found.answered:,} answers {what}, as {shown!r}: there is nothing to score.",
                where=name,
                cure="Ask again, or name the field of the answers: --prediction-field",
            )
        notes.append(f"{some.count:,} of {found.answered:,} answers {what}, as {shown!r}; they count as answers.")
    return notes


def _wanted(row: Row) -> bool:
    """Whether the answer is an accepted one, or such a word is."""
    text = (row.prediction or "").strip().lower()
    return any(known.strip().lower() in (text, *PLACEHOLDERS) for known in row.references)
