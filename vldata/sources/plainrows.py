"""The quick way for the commonest rows: texts under the file's usual keys, with an id or without, and nothing else.

A line is decoded into types that know no other field. What a typed decode lets pass, a key that stands twice, shows in the quotes of the
line: it has more than the strings of the row need. Any other line is left to the reader that knows all.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec

from vldata.records.draft import TextDraft, Traits
from vldata.records.record import Message, Record, Role, encode_record
from vldata.records.texts import plain_bytes
from vldata.records.thoughts import may_hold_thought, split_thought
from vldata.sources.jsonrows import MAX_ROW_BYTES, Quick

_PATIENCE = 200  # lines in a row, or nearly so, that are not plain before it is not tried again
_TOGETHER = 128  # lines that are decoded in one go

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class PlainRows:
    """What the rows of one source have in common, and how many were read: a row without an id is named by its number.

    Args:
        prefix: of the ids.
        base: the meta of every record.
        traits: the columns of the dataset.
        unused: what is to be said of each row.
    """

    def __init__(self, prefix: str, base: dict[str, str], traits: Traits, unused: tuple[tuple[str, str], ...] = ()) -> None:
        self._prefix, self._base, self._unused = prefix, base, unused
        self._videos: tuple[str, ...] | msgspec.UnsetType = () if traits.videos else msgspec.UNSET
        self._tools: str | msgspec.UnsetType = "" if traits.tools else msgspec.UNSET
        self.read = 0

    def draft(self, own: Any, messages: Sequence[Message], where: str) -> TextDraft | None:
        """Make the draft of a row with this id, whose last turn is all that is accepted; None where a rule may be broken."""
        size = plain_bytes(messages)
        if not size or may_hold_thought(answer := messages[-1].content):
            return None
        given = type(own) is int or (type(own) is str and own and not own.isspace())
        record_id = f"{self._prefix}/{own}" if given else f"{self._prefix}/{self.read:08d}"
        record = Record(
            id=record_id, messages=tuple(messages), images=(), references=(answer,), meta=self._base, videos=self._videos, tools=self._tools
        )
        return TextDraft(record_id, where, encode_record(record), size, len(messages), self._unused)


class PlainTalk(NamedTuple):
    """How the plain rows of a file of conversations are read.

    Args:
        rows: what they have in common.
        turn_key: of the turns.
        role_key: of who speaks.
        content_key: of what.
        roles: the role of each name that speaks.
        find_tag: whether a text holds a stand-in of a medium.
    """

    rows: PlainRows
    turn_key: str
    role_key: str
    content_key: str
    roles: Mapping[str, Role]
    find_tag: Callable[[str], Any]

    def reader(self, name: str) -> Quick:
        """Return what makes drafts of lines of the file of this name, and None of each that is not plain."""
        fields = [("role", str), ("content", str)]
        turn: Any = msgspec.defstruct(
            "PlainTurn", fields, rename={"role": self.role_key, "content": self.content_key}, forbid_unknown_fields=True, gc=False
        )
        talk: Any = msgspec.defstruct(
            "PlainTalkOfFile",
            [("turns", list[turn]), ("id", str | int | msgspec.UnsetType, msgspec.UNSET)],
            rename={"turns": self.turn_key},
            forbid_unknown_fields=True,
            gc=False,
        )
        roles, find_tag = self.roles, self.find_tag

        def messages(row: Any) -> list[Message] | None:
            turns = []
            for turn in row.turns:
                role, content = roles.get(turn.role), turn.content
                if role is None or (role == "user" and ("<" in content or "[" in content) and find_tag(content)):
                    return None
                turns.append(Message(role, content))
            return turns

        return _reader(self.rows, name, msgspec.json.Decoder(talk), _quotes_of_talks, messages)

    def of_row(self, row: dict[str, Any], where: str) -> TextDraft | None:
        """Make the draft of a row as any reader gives it."""
        given, own = row.get(self.turn_key), row.get("id", "")
        if type(given) is not list or len(row) != 1 + ("id" in row) or type(own) not in (str, int):
            return None
        turns = []
        for turn in given:
            if type(turn) is not dict or len(turn) != 2:
                return None
            speaker, content = turn.get(self.role_key), turn.get(self.content_key)
            role = self.roles.get(speaker) if type(speaker) is str else None
            if role is None or type(content) is not str:
                return None
            if role == "user" and ("<" in content or "[" in content) and self.find_tag(content):
                return None
            turns.append(Message(role, content))
        return self.rows.draft(own, turns, where)


def _quotes_of_talks(rows: list[Any]) -> int:
    return sum([8 * len(row.turns) + (2 if row.id is msgspec.UNSET else 4 if type(row.id) is int else 6) for row in rows])


class PlainPair(NamedTuple):
    """How the plain rows of a file of questions and answers are read: those whose image is empty.

    Args:
        rows: what they have in common.
        text_key: of the answer.
        prompt_key: of the question; "" where every row is asked the same.
        image_key: of the image, which a plain row has empty or not at all.
        prompt: what every row is asked.
        find_tag: whether a text holds a stand-in of a medium.
    """

    rows: PlainRows
    text_key: str
    prompt_key: str
    image_key: str
    prompt: str
    find_tag: Callable[[str], Any]

    def reader(self, name: str) -> Quick:
        """Return what makes drafts of lines of the file of this name, and None of each that is not plain."""
        fields: list[Any] = [("text", str), ("question", str)] if self.prompt_key else [("text", str)]
        fields += [("image", str | None | msgspec.UnsetType, msgspec.UNSET), ("id", str | int | msgspec.UnsetType, msgspec.UNSET)]
        keys = {"text": self.text_key, "image": self.image_key, **({"question": self.prompt_key} if self.prompt_key else {})}
        pair: Any = msgspec.defstruct("PlainPairOfFile", fields, rename=keys, forbid_unknown_fields=True, gc=False)
        find_tag, prompt, asks = self.find_tag, self.prompt, bool(self.prompt_key)

        def messages(row: Any) -> list[Message] | None:
            text, question = row.text, row.question if asks else prompt
            if row.image or text.startswith("{") or ("/" in text and split_thought(text) is not None):
                return None
            if ("<" in question or "[" in question) and find_tag(question):
                return None
            return [Message("user", question), Message("assistant", text)]

        return _reader(self.rows, name, msgspec.json.Decoder(pair), partial(_quotes_of_pairs, asks), messages)


def _quotes_of_pairs(asks: bool, rows: list[Any]) -> int:
    strings = [(0 if row.id is msgspec.UNSET else 1 if type(row.id) is int else 2) for row in rows]
    images = [0 if row.image is msgspec.UNSET else 1 if row.image is None else 2 for row in rows]
    return 2 * (len(rows) * (4 if asks else 2) + sum(strings) + sum(images))


def _reader(
    rows: PlainRows,
    name: str,
    decoder: msgspec.json.Decoder[Any],
    quotes: Callable[[list[Any]], int],
    messages: Callable[[Any], list[Message] | None],
) -> Quick:
    """Return what reads lines of one kind of row, many at a time where all of them are plain.

    Args:
        rows: what they have in common.
        name: of the file.
        decoder: of the types of a row.
        quotes: how many quotes the strings of decoded rows have around them.
        messages: the turns of a decoded row; None where the row needs the long way.
    """
    decode = decoder.decode
    misses = 0

    def decoded(lines: list[bytes]) -> Iterator[Any]:
        """Yield the decoded rows, None for each that is not plain."""
        nonlocal misses
        if misses > _PATIENCE:
            yield from itertools.repeat(None, len(lines))
            return
        try:
            joined = b"\n".join(lines)
            # Line by line: decoded together, two rows on one line would make good for a blank one, or for a row on two.
            found = [decode(line) for line in lines] if len(joined) <= MAX_ROW_BYTES else []
            if found and quotes(found) == _quotes(joined):
                misses = 0
                yield from found
                return
        except _UNREADABLE:
            pass
        for line in lines if len(lines) > 1 else ():
            (row,) = decoded([line])
            misses += 0 if row else 1
            yield row
        if len(lines) == 1:
            yield None

    def read(lines: list[bytes], first: int) -> Iterator[TextDraft | None]:
        number = first
        for start in range(0, len(lines), _TOGETHER):
            for row in decoded(lines[start : start + _TOGETHER]):
                turns = None if row is None else messages(row)
                yield rows.draft(row.id, turns, f"{name}:{number}") if turns else None
                number += 1

    return read


def _quotes(text: bytes) -> int:
    """Count the quotes around the strings of JSON; -1 where that takes more than counting."""
    if b"\\" not in text:
        return text.count(b'"')
    return -1 if b"\\\\" in text else text.count(b'"') - text.count(b'\\"')
