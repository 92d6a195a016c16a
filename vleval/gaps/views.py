"""What is said of two files: every item's difference with its cause, and what each cause comes to."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

SCHEMA: Literal["vlkit.gap/1"] = "vlkit.gap/1"

Cause = Literal[
    "only in A", "only in B", "no answer", "reference", "guess", "judge", "extraction", "scoring", "options", "truncation",
    "images", "image size", "system prompt", "wording", "answer",
]  # fmt: skip
ORDER: tuple[Cause, ...] = get_args(Cause)
CERTAIN: frozenset[str] = frozenset(ORDER[: ORDER.index("images")])


class GapSide(msgspec.Struct, frozen=True, kw_only=True):
    """One item in one harness.

    Attributes:
        prediction: the raw answer; None where there is none.
        read: what the harness reads in it, by its own file or by its rules; "" for nothing.
        by_rules: what its rules read, whatever its file says.
        score: from 0 to 1.
        told: the score is the harness's own, not worked out by its rules.
        guessed: nothing is read in the answer, and the harness draws at random.
        judged: a judge model was asked.
    """

    prediction: str | None
    read: str = ""
    by_rules: str = ""
    score: float = 0.0
    told: bool = False
    guessed: bool = False
    judged: bool = False


class GapItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item on which the scores differ, or one that a harness guessed. `points` is what it adds to the gap, in percent of all items."""

    id: str
    cause: Cause
    detail: str
    points: float
    a: GapSide | None = None
    b: GapSide | None = None


class CauseTotal(msgspec.Struct, frozen=True):
    """One cause: items, those for which A scores more and B scores more, and the points that it adds to A - B."""

    cause: Cause
    items: int
    a_more: int
    b_more: int
    points: float
    certain: bool


class FactLine(msgspec.Struct, frozen=True):
    """What the two harnesses do by default in one part of the path, with the files that say so."""

    part: str
    a: tuple[str, ...]
    b: tuple[str, ...]


class HarnessDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One file: its harness, what it scores, how many answers it guessed, and where its scores come from.

    Attributes:
        score: percent over all items of both files; one that this file lacks counts as 0.
        own_score: percent over its own items, as its harness prints it.
    """

    name: str
    format: str
    harness: str
    source: str
    items: int
    score: float
    own_score: float
    guessed: int
    scored_by: Literal["its file", "its rules", "both"]


class GapDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The gap: A - B in percent over all items of both files, its causes, and every item behind them."""

    schema: Literal["vlkit.gap/1"]
    a: HarnessDocument
    b: HarnessDocument
    items: int
    gap: float
    causes: tuple[CauseTotal, ...]
    differing: tuple[GapItem, ...]
    guesses: tuple[GapItem, ...]
    same_verdict: int
    defaults: tuple[FactLine, ...]
    notes: tuple[str, ...] = ()
