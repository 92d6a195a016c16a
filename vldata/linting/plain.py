"""Rows of text turns and nothing else, judged at a glance: in most text files they are nearly all."""

from __future__ import annotations

from typing import Any

from vldata.linting.fields import may_matter

_SCALARS = (str, int, float, bool, type(None))
_MOST_BYTES, _FRAME = 4, 16  # of a character, and of the frame around a turn


class AlikeRows:
    """Remembers the shapes of rows that were judged in full, and finds those that are like them.

    A row is like them when it has the same fields of the same types, only scalars next to its turns, turns of two known roles that
    alternate, a text in each without a tag or token, and cannot be over the limit of tokens.
    """

    def __init__(self, messages: str, keys: tuple[str, str], asks: str, answers: str, limit: int | None, *, never: str = "<") -> None:
        self._messages, self._keys, self._limit = messages, keys, limit or 1 << 60
        self._never = never  # what no text may hold, next to <
        self._speakers = {asks: 0, answers: 1}
        self._shapes: set[tuple[Any, ...]] = set()

    def __bool__(self) -> bool:
        return bool(self._shapes)

    def has(self, row: dict[str, Any]) -> bool:
        """Whether nothing that befell no earlier row of its shape can befall this one."""
        if (*row, *map(type, row.values())) not in self._shapes:
            return False
        (role_key, content_key), speakers = self._keys, self._speakers
        size = place = 0
        for turn in row[self._messages]:
            if type(turn) is not dict or len(turn) != 2 or role_key not in turn or content_key not in turn:
                return False
            role, content = turn[role_key], turn[content_key]
            if type(role) is not str or type(content) is not str or speakers.get(role) != place & 1:
                return False
            if "<" in content or self._never in content or not content or content.isspace():
                return False
            size += len(content)
            place += 1
        return place > 0 and not place & 1 and size * _MOST_BYTES + _FRAME * place < self._limit

    def learn(self, row: dict[str, Any], used: set[str] | frozenset[str]) -> None:
        """Remember the shape of a row that nothing befell; `used` are fields that mean something when they are filled."""
        turns = row.get(self._messages)
        others = all(type(value) in _SCALARS for name, value in row.items() if name != self._messages)
        filled = any(row.get(name) not in (None, "") for name in used if name != self._messages)
        empty = any(
            value is not None and name != self._messages and may_matter(name) for name, value in row.items()
        )  # a later one may not be
        if others and not filled and not empty and type(turns) is list and all(type(turn) is dict and len(turn) == 2 for turn in turns):
            self._shapes.add((*row, *map(type, row.values())))
