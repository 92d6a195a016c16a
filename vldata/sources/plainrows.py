"""The quick way for the commonest rows of conversations: texts under the file's usual keys, with an id or without, and nothing else.

A line is decoded into types that know no other field. What a typed decode lets pass, a key that stands twice, shows in the quotes of the
line: it has more than the strings of the row need. Any other line is left to the reader that knows all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from vldata.records.draft import Draft, Turn
from vldata.records.record import Role

Quick = Callable[[bytes], Any]

_PATIENCE = 200  # lines that are not plain, in excess of those that are, before it is not tried again


class PlainTalk(msgspec.Struct, gc=False):
    """What the rows of every file are: `turns`, each a `role` and a `content`, and the `id`, UNSET where the row has none.

    A file's own names of the fields are those that they are encoded by.
    """


def plain_reader(turn_key: str, role_key: str, content_key: str) -> Quick:
    """Return what makes a `PlainTalk` of a line of a file with these keys, and None of any other line."""
    fields = [("role", str), ("content", str)]
    turn: Any = msgspec.defstruct(
        "PlainTurn", fields, rename={"role": role_key, "content": content_key}, forbid_unknown_fields=True, gc=False
    )
    talk: Any = msgspec.defstruct(
        "PlainTalkOfFile",
        [("turns", list[turn]), ("id", str | int | msgspec.UnsetType, msgspec.UNSET)],
        bases=(PlainTalk,),
        rename={"turns": turn_key},
        forbid_unknown_fields=True,
        gc=False,
    )
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(talk).decode
    misses = 0

    def read(line: bytes) -> Any:
        nonlocal misses
        if misses > _PATIENCE:
            return None
        try:
            row = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            misses += 1
            return None
        strings = 1 + 4 * len(row.turns)
        if row.id is not msgspec.UNSET:
            strings += 1 if type(row.id) is int else 2
        if line.count(b'"') == 2 * strings:
            misses -= 1
            return row
        misses += 1  # an escaped quote in a text, or a key that stands twice
        return None

    return read


class PlainDrafts:
    """Makes the drafts of plain rows; None of a row that needs the long way.

    Args:
        keys: of the turns, of who speaks, of what.
        roles: the role of each name that speaks.
        find_tag: whether a text holds a stand-in of a medium.
        prefix: of the ids.
        base: the meta of every record.
        tools: the tools of every record; None where the dataset has none.
    """

    def __init__(
        self,
        keys: tuple[str, str, str],
        roles: Mapping[str, Role],
        find_tag: Callable[[str], Any],
        prefix: str,
        base: dict[str, str],
        tools: str | None,
    ) -> None:
        self.keys = keys
        self._roles, self._find_tag, self._prefix, self._base, self._tools = roles, find_tag, prefix, base, tools
        self._known = frozenset({keys[0], "id"})

    def of_talk(self, talk: Any, where: str, number: int) -> Draft | None:
        """Make the draft of a `PlainTalk`."""
        turns = self._turns([(turn.role, turn.content) for turn in talk.turns])
        return self._draft(turns, "" if talk.id is msgspec.UNSET else talk.id, where, number) if turns else None

    def of_row(self, row: dict[str, Any], where: str, number: int) -> Draft | None:
        """Make the draft of a row as any reader gives it."""
        turn_key, role_key, content_key = self.keys
        given = row.get(turn_key)
        if type(given) is not list or not row.keys() <= self._known or type(row.get("id", "")) not in (str, int):
            return None
        spoken = []
        for turn in given:
            if type(turn) is not dict or len(turn) != 2:
                return None
            role, content = turn.get(role_key), turn.get(content_key)
            if type(role) is not str or type(content) is not str:
                return None
            spoken.append((role, content))
        turns = self._turns(spoken)
        return self._draft(turns, row.get("id", ""), where, number) if turns else None

    def _turns(self, spoken: list[tuple[str, str]]) -> tuple[Turn, ...] | None:
        roles = self._roles
        turns: list[Turn] = []
        previous = ""
        for speaker, content in spoken:
            role = roles.get(speaker)
            if role is None or role == previous or not content:
                return None
            if role == "user" and ("<" in content or "[" in content) and self._find_tag(content):
                return None
            turns.append(Turn(role, (content,)))
            previous = role
        return tuple(turns)

    def _draft(self, turns: tuple[Turn, ...], own: str | int, where: str, number: int) -> Draft:
        given = type(own) is int or (type(own) is str and bool(own.strip()))
        record_id = f"{self._prefix}/{own}" if given else f"{self._prefix}/{number:08d}"
        return Draft(id=record_id, where=where, turns=turns, media=(), references=None, meta=self._base, tools=self._tools)


def as_row(talk: PlainTalk) -> dict[str, Any]:
    """The row as the other reader gives it."""
    row: dict[str, Any] = msgspec.to_builtins(talk)
    return row
