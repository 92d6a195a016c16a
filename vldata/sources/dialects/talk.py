"""A conversation as a row gave it, before pictures are looked up: what every dialect is read into."""

from __future__ import annotations

from typing import Any, NamedTuple

from vldata.records.record import Role


class Given(NamedTuple):
    """A medium in a turn. `value` is what the row gives for it in place; None: the next one of the row's own list."""

    kind: str  # image, video
    value: Any = None


Content = str | list[str | Given]


class Talk(NamedTuple):
    """Turns in order, and what the row holds beside them.

    `leading`: the dialect has no tags by design, pictures stand in front of the first user turn.
    """

    turns: list[tuple[Role, Content]]
    images: list[Any]
    videos: list[Any]
    system: str = ""
    tools: str = ""
    objects: dict[str, Any] | None = None
    leading: bool = False
    extra: dict[str, Any] | None = None
