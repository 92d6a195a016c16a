"""The optional parts of a record, in one table: what each is, and which of them exclude each other.

A part is absent unless the dataset uses it, and then in every record of it. `vldata.exports.consumers` says who learns from which.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

from msgspec import UNSET

from vldata.records.record import Record

PartName = Literal["reasoning", "loss", "rejected", "wanted", "solution"]
Parts = tuple[PartName, ...]


class PartKind(NamedTuple):
    """What a part is, for people, and the kind of training that learns from it."""

    said: str
    training: str


PARTS: dict[PartName, PartKind] = {
    "reasoning": PartKind("a thought next to each answer", "SFT"),
    "loss": PartKind("turns that are not learned", "SFT"),
    "rejected": PartKind("a rejected answer next to the chosen one", "DPO"),
    "wanted": PartKind("answers that are wanted or unwanted", "KTO"),
    "solution": PartKind("prompts with a solution instead of an answer", "GRPO"),
}
EXPORT_FIRST = "run vldata export DIR/NAME first"
TASKS: Parts = ("rejected", "wanted", "solution")  # a record has at most one of them
assert tuple(PARTS) == get_args(PartName)


def parts_of(record: Record) -> Parts:
    """Return the parts of a record, in the order of the table."""
    first = record.messages[0] if record.messages else None
    there = (
        first is not None and first.reasoning is not UNSET,
        first is not None and first.loss is not UNSET,
        record.rejected is not UNSET,
        record.wanted is not UNSET,
        record.solution is not UNSET,
    )
    return tuple(name for name, is_there in zip(PARTS, there, strict=True) if is_there) if any(there) else ()


def formatting_of(parts: Iterable[str]) -> str:
    """The `formatting` of a registry entry: LLaMA-Factory refuses one it does not know, and shows it, where it would pass over a part."""
    unread = [name for name in in_order(parts) if name != "wanted"]
    return f"vldata with {', '.join(unread)}: {EXPORT_FIRST}" if unread else "sharegpt"


def is_our_formatting(formatting: object) -> bool:
    """Whether a `formatting` tells of records of ours with parts that LLaMA-Factory would pass over."""
    return isinstance(formatting, str) and formatting.endswith(EXPORT_FIRST)


def in_order(names: Iterable[str]) -> Parts:
    """Return names of parts in the order of the table."""
    given = set(names)
    return tuple(name for name in PARTS if name in given)


def said_of(parts: Iterable[str]) -> str:
    """Name parts for people: "a rejected answer next to the chosen one (`rejected`)"."""
    return ", ".join(f"{PARTS[name].said} (`{name}`)" for name in in_order(parts))
