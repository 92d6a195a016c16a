"""A conversation as a row gave it, before pictures are looked up: what every dialect is read into."""

from __future__ import annotations

from typing import Any, NamedTuple

from vldata.records.record import Role
from vldata.sources.census import Fates, Unused
from vldata.sources.dialects.notes import Note, Notes


class Given(NamedTuple):
    """A medium in a turn. `value` is what the row gives for it in place; None: the next one of the row's own list, or its `number`-th."""

    kind: str  # image, video
    value: Any = None
    number: int = 0  # from 1; 0: the next one


Content = str | list[str | Given]


class Rejected(NamedTuple):
    """The answer that the last turn is preferred to."""

    role: Role
    content: Content
    note: Note


class Talk(NamedTuple):
    """Turns in order, and what the row holds beside them.

    `leading`: the dialect has no tags by design, pictures stand in front of the first user turn.
    `named`: pictures under the tags that stand for them in the text (MiniCPM). `unused`: what has no place below the row's own fields.
    `notes` are the thoughts of turns and which are learned; `used` are fields of the row that were read beside those of its dialect.
    `answers` are the accepted ones where the row tells them beside its solution. `changed` is what was read as something else.
    """

    turns: list[tuple[Role, Content]]
    images: list[Any]
    videos: list[Any]
    system: str = ""
    tools: str = ""
    objects: dict[str, Any] | None = None
    leading: bool = False
    unused: tuple[Unused, ...] = ()
    named: dict[str, Any] | None = None
    notes: Notes = {}  # noqa: RUF012 - never changed
    rejected: Rejected | None = None
    wanted: bool | None = None
    solution: str | None = None
    answers: tuple[str, ...] = ()
    used: frozenset[str] = frozenset()
    changed: Fates = ()


def without_thoughts(talk: Talk, fate: str) -> Talk | None:
    """Return a talk without its thoughts, each named with its fate; None where it has none."""
    rejected = talk.rejected
    notes = [*talk.notes.values(), *([rejected.note] if rejected else [])]
    if all(note.thought is None for note in notes):
        return None
    return talk._replace(
        notes={place: note._replace(thought=None) for place, note in talk.notes.items()},
        rejected=rejected._replace(note=rejected.note._replace(thought=None)) if rejected else None,
        changed=(*talk.changed, ("the thought before an answer", fate)) if any(note.thought for note in notes) else talk.changed,
    )
