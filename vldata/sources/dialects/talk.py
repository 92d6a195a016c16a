"""A conversation as a row gave it, before pictures are looked up: what every dialect is read into."""

from __future__ import annotations

from typing import Any, NamedTuple

from vldata.records.record import Role
from vldata.sources.census import Unused


class Given(NamedTuple):
    """A medium in a turn. `value` is what the row gives for it in place; None: the next one of the row's own list, or its `number`-th."""

    kind: str  # image, video
    value: Any = None
    number: int = 0  # from 1; 0: the next one


Content = str | list[str | Given]


class Talk(NamedTuple):
    """Turns in order, and what the row holds beside them.

    `leading`: the dialect has no tags by design, pictures stand in front of the first user turn.
    `named`: pictures under the tags that stand for them in the text (MiniCPM). `unused`: what has no place below the row's own fields.
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
