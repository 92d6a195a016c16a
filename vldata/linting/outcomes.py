"""What can become of a row in somebody's trainer, and how a consumer's table says it of each of its behaviours."""

from __future__ import annotations

from typing import NamedTuple


class RowOutcome(NamedTuple):
    """One thing that can become of a row: in a few words, and whether it is a fault."""

    title: str
    fault: bool = True


# Worst first: a row is counted under the worst of what befalls it.
OUTCOMES: dict[str, RowOutcome] = {
    "crash": RowOutcome("stops the run"),
    "drop": RowOutcome("dropped in silence"),
    "cut": RowOutcome("cut off at the length limit"),
    "nothing": RowOutcome("nothing is learned from it"),
    "prompt": RowOutcome("the prompt is learned"),
    "ignored": RowOutcome("a part of it is not used"),
    "altered": RowOutcome("the model sees something else"),
    "boxes": RowOutcome("the image is resized and its boxes stay"),
    "time": RowOutcome("wrong marks of time"),
    "unjudged": RowOutcome("could not be judged"),
    "note": RowOutcome("trains; something is worth knowing", fault=False),
    "train": RowOutcome("trains as meant", fault=False),
}
_RANK = {name: rank for rank, name in enumerate(OUTCOMES)}


class Behaviour(NamedTuple):
    """What a consumer does with a kind of row.

    Attributes:
        outcome: a key of `OUTCOMES`.
        title: the fault, in a few words.
        happens: what the consumer does, with the message that it prints.
        cure: what to do now.
        place: where its source says so: file and function.
    """

    outcome: str
    title: str
    happens: str
    cure: str
    place: str


Table = dict[str, Behaviour]


class RowFinding(NamedTuple):
    """One behaviour that befalls a row or file: a code of the consumer's table, and what it is here."""

    code: str
    detail: str = ""


def worst(outcomes: list[str]) -> str:
    """Return the worst of some outcomes; that of a row without any is `train`."""
    return min(outcomes, key=_RANK.__getitem__, default="train")
