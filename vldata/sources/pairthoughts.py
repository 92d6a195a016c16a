"""The thought before the text of a picture: in a field of its own, or in front of the text."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from vldata.records.parts import Parts
from vldata.records.thoughts import split_thought
from vldata.sources.census import Fates
from vldata.sources.dialects.notes import THOUGHT_KEYS
from vldata.sources.errors import RowError
from vldata.sources.partscan import Thinking

_KEYS = frozenset(THOUGHT_KEYS)


class Thought(NamedTuple):
    """The thought of a row (None: the dataset has no such part), its answers without it, the fields it was in, what became of it."""

    text: str | None
    answers: tuple[str, ...]
    used: frozenset[str] = frozenset()
    fates: Fates = ()


class PairThoughts(NamedTuple):
    """How the thoughts of a source are read: `there` tells whether its first rows have any."""

    thinking: Thinking
    there: bool
    ignore: frozenset[str] = frozenset()

    @property
    def parts(self) -> Parts:
        """The parts that the records have of it."""
        return ("reasoning",) if self.thinking == "empty" or (self.there and self.thinking == "keep") else ()

    def of(self, row: dict[str, Any], answers: tuple[str, ...]) -> Thought:
        """Take the thought out of a row.

        Raises:
            RowError: it has two that differ, or one that none of the first rows had.
        """
        key = "" if _KEYS.isdisjoint(row) else thought_key(row, self.ignore)
        split = split_thought(answers[0]) if "/" in answers[0] else None
        if not key and split is None:
            return Thought("" if self.parts else None, answers)
        thought = row[key].strip() if key else ""
        if split is not None:
            if thought and split[0] and thought != split[0]:
                raise RowError("VL216", f"the row has {key!r}, and its answer a thought of its own.")
            thought, answers = thought or split[0], (split[1], *answers[1:])
        used = frozenset({key} if key else ())
        if self.thinking != "keep":
            fates: Fates = (("the thought before an answer", f"left out (--thinking {self.thinking})"),) if thought else ()
            return Thought("" if self.parts else None, answers, used, fates)
        if not self.there:
            raise RowError("VL219", "the row has a thought before its answer, which the first rows did not have.")
        return Thought(thought, answers, used)


def thought_key(row: dict[str, Any], ignore: Collection[str]) -> str:
    """Return the field of a row that holds a thought, "" for none."""
    return next((key for key in THOUGHT_KEYS if key not in ignore and isinstance(row.get(key), str) and row[key].strip()), "")


def find_thoughts(rows: Iterable[dict[str, Any]], text: str, thinking: Thinking, ignore: Collection[str]) -> PairThoughts:
    """Look whether rows have thoughts, in a field or in front of their text in `text`."""
    ignored = frozenset(ignore) | {text}
    there = False
    for row in rows:
        value = row.get(text)
        first = value[0] if isinstance(value, list) and value else value
        if thought_key(row, ignored) or (isinstance(first, str) and "/" in first and split_thought(first) is not None):
            there = True
            break
    return PairThoughts(thinking, there, ignored)
