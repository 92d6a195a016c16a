"""The quick way for the commonest rows of conversations: texts under the file's usual keys, with an id or without, and nothing else.

A line is decoded into types that know no other field. What a typed decode lets pass, a key that stands twice, shows in the quotes of the
line: it has more than the strings of the row need. Any other line is left to the reader that knows all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

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


def as_row(talk: PlainTalk) -> dict[str, Any]:
    """The row as the other reader gives it."""
    row: dict[str, Any] = msgspec.to_builtins(talk)
    return row
