"""What the gallery shows of one record, cut to what a page can hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from vldata.previews.drawn import Shape
from vldata.records.record import Record
from vldata.web.visible import visible

MAX_TEXT = 2_000
MAX_TURNS = 40
MAX_PICTURES = 24
MAX_REFERENCES = 12
_MAX_META = 300
_MAX_MESSAGE = 300

Note = tuple[str, str]  # a finding of one record: code and sentence


class PreviewTurn(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn. `length` is that of the whole text, where `text` is only its beginning.

    `role` is that of the record's turn, or says what else is shown: thought, chosen, rejected, wanted, unwanted, unlearned, solution.
    """

    role: str
    text: str
    length: int = 0


class PreviewItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record. `pictures` are numbers in the page's table of pictures; `at` is file and line."""

    id: str
    at: str
    turns: tuple[PreviewTurn, ...]
    more_turns: int = 0
    pictures: tuple[int, ...] = ()
    more_pictures: int = 0
    references: tuple[str, ...] = ()
    meta: dict[str, str] = {}
    side: str = ""
    vision: int = 0
    text: int = 0
    findings: tuple[Note, ...] = ()
    shapes: tuple[Shape, ...] = ()  # boxes, points and polygons of its texts, in pixels of its one image


class PreviewImage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One picture of the page's table: its size, and where it came from. `shown` is its place among the thumbnails, -1 for none.

    A kept video stands there with its first frame; `frames` and `seconds` tell it apart.
    """

    path: str
    width: int = 0
    height: int = 0
    source: str = ""
    frame: int = -1
    frames: int = 0
    seconds: float = 0.0
    shown: int = -1


def make_item(
    record: Record,
    *,
    at: str,
    numbers: Mapping[str, int],
    side: str,
    vision: int,
    text: int,
    findings: Sequence[Note],
    shapes: tuple[Shape, ...] = (),
) -> PreviewItem:
    """The item of a record; `numbers` gives the place of each picture in the page's table."""
    answers = {message.content for message in record.messages if message.role == "assistant"}
    turns = list(_turns(record))
    others = [reference for reference in record.references if reference not in answers]
    return PreviewItem(
        id=visible(record.id[:_MAX_META]),
        at=at,
        turns=tuple(_turn(role, text) for role, text in turns[:MAX_TURNS]),
        more_turns=max(0, len(turns) - MAX_TURNS),
        pictures=tuple(numbers[file] for file in record.media[:MAX_PICTURES]),
        more_pictures=max(0, len(record.media) - MAX_PICTURES),
        references=tuple(visible(reference[:_MAX_META]) for reference in others[:MAX_REFERENCES]),
        meta={visible(key[:100]): visible(value[:_MAX_META]) for key, value in _facts(record) if value},
        side=side,
        vision=vision,
        text=text,
        findings=_notes(findings),
        shapes=shapes,
    )


def _turns(record: Record) -> Iterator[tuple[str, str]]:
    """Yield what is said in a record and as what: thoughts before their answers, the two answers of a pair, a solution at the end."""
    last = len(record.messages) - 1
    for place, message in enumerate(record.messages):
        role: str = message.role
        if place == last and record.rejected is not msgspec.UNSET:
            role = "chosen"
        elif place == last and record.wanted is not msgspec.UNSET:
            role = "wanted" if record.wanted else "unwanted"
        elif message.answers and not message.learned:
            role = "unlearned"
        if message.thought:
            yield "thought", message.thought
        yield role, message.content
    if record.rejected is not msgspec.UNSET:
        if record.rejected.thought:
            yield "thought", record.rejected.thought
        yield "rejected", record.rejected.content
    if record.solution is not msgspec.UNSET:
        yield "solution", record.solution


def _facts(record: Record) -> Iterator[tuple[str, str]]:
    yield from record.meta.items()
    if record.tools is not msgspec.UNSET:
        yield "tools", record.tools


def make_broken_item(line: bytes, *, at: str, findings: Sequence[Note]) -> PreviewItem:
    """The item of a line that is no record: its bytes as text."""
    return PreviewItem(id="", at=at, turns=(_turn("line", line[: MAX_TEXT * 4].decode("utf-8", "replace")),), findings=_notes(findings))


def _notes(findings: Sequence[Note]) -> tuple[Note, ...]:
    return tuple((code, visible(message[:_MAX_MESSAGE])) for code, message in findings)


def _turn(role: str, text: str) -> PreviewTurn:
    if len(text) <= MAX_TEXT:
        return PreviewTurn(role, visible(text))
    return PreviewTurn(role, visible(text[:MAX_TEXT]), len(text))
