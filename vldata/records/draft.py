"""What a converter yields: drafts, in which media are still references, and rejects.

A converter reads annotations and opens no picture; the writer turns drafts into records once their media are rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from vldata.media.refs import FormatRule, MediaRef
from vldata.records.boxes import Box, Coordinate
from vldata.records.parts import Parts
from vldata.records.record import Role, decode_record

Scalar = str | int | float | bool | None
Setting = Scalar | dict[str, Scalar]  # what a contract says of one option of a source


class Guess(str):
    """A sentence of `Source.said` that tells a guess: with --strict it stops the run."""

    __slots__ = ()


class Slot(msgspec.Struct, frozen=True):
    """Stands in a turn where `Draft.media[index]` stands; a clip becomes as many tags as it has frames, a kept video one.

    With `times` each frame of a clip has the time it is shown at in front of its tag.
    """

    index: int
    times: bool = False


Part = str | Slot | Box | Coordinate


class Turn(msgspec.Struct, frozen=True):
    """One turn: literal source text, slots and boxes, in order. Text is never searched for tags: a literal `<image>` is a fault.

    `reasoning` is the thought before an answer, `loss` whether it is learned; None where the source says nothing.
    """

    role: Role
    parts: tuple[Part, ...]
    reasoning: tuple[Part, ...] | None = None
    loss: bool | None = None


class Mend(msgspec.Struct, frozen=True):
    """A fault of an annotation that has one cure, which the draft already carries.

    With --repair `what` is listed among the repairs; without it the record is rejected for `code` and `reason`.
    """

    code: str
    reason: str
    what: str


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A record before its media are rendered. `where` is `file:line` or `file[index]` of the annotation.

    `references` of None stands for the last turn, as it will be written, or for the answer in the `solution`. `tools` is a text in every
    draft of a source that has tools; the optional parts of a record are there in every draft of a source whose traits name them.
    `unanswered` goes with an empty solution: a question to ask, of which nobody knows the answer.
    `unused` are the source's fields that have no place in the record, each with what becomes of it.
    """

    id: str
    where: str
    turns: tuple[Turn, ...]
    media: tuple[MediaRef, ...]
    references: tuple[str, ...] | None = ()
    meta: dict[str, str]
    tools: str | None = None
    mends: tuple[Mend, ...] = ()
    unused: tuple[tuple[str, str], ...] = ()
    rejected: Turn | None = None
    wanted: bool | None = None
    solution: str | None = None
    unanswered: bool = False


class TextDraft(msgspec.Struct, frozen=True, gc=False):
    """A draft of text alone that breaks no rule: nothing is left to render, so the line of its record is written already.

    All fields of its row are used. `text_bytes` is what its `turns` turns have. `unused` is as in `Draft`.
    """

    id: str
    where: str
    line: bytes
    text_bytes: int
    turns: int
    unused: tuple[tuple[str, str], ...] = ()

    def as_draft(self) -> Draft:
        """The same as any other draft, which can be renamed or rejected."""
        record = decode_record(self.line)
        return Draft(
            id=self.id,
            where=self.where,
            turns=tuple([Turn(message.role, (message.content,)) for message in record.messages]),
            media=(),
            references=None if record.references == (record.messages[-1].content,) else record.references,
            meta=record.meta,
            tools=None if record.tools is msgspec.UNSET else record.tools,
            unused=self.unused,
        )


class Reject(msgspec.Struct, frozen=True):
    """A record left out: one line of NAME.rejects.jsonl. `code` is a key of `vldata.records.codes.CODES`."""

    id: str
    where: str
    code: str
    reason: str


class Traits(msgspec.Struct, frozen=True):
    """What a dataset has that most do not: tools in every record, videos kept as videos, boxes in a coordinate space, optional parts."""

    tools: bool = False
    videos: bool = False
    parts: Parts = ()
    coordinate_space: Literal["none", "pixels", "0-1000"] = "none"


def quick_drafts(source: Source) -> Iterator[Draft | TextDraft | Reject]:
    """Yield what `source.drafts()` does, rows of text alone as `TextDraft` where the source has a quick way for them."""
    quick: Callable[[], Iterator[Draft | TextDraft | Reject]] = getattr(source, "quick_drafts", source.drafts)
    return quick()


def traits_of(source: Source) -> Traits:
    """Return the traits of a source; one that does not say has none."""
    traits: Traits = getattr(source, "traits", Traits())
    return traits


class Source(Protocol):
    """An opened source of one dataset: what a converter module returns from its `open_source`.

    Attributes:
        converter: name of the converter.
        name: default NAME of the dataset.
        said: sentences about what was found and chosen, printed before the conversion; a guess is a `Guess`.
        columns: the keys of `meta`, the same for every draft, in order.
        annotations: files whose content decides the result; hashed into the fingerprint.
        media_root: the folder that media paths are in.
        settings: options of this converter that decide the result (frame rule, prompt), JSON values, for the contract and the fingerprint.
        image_format: what `--image-format auto` means for this source.
        total: how many annotations there are, if known without reading the media; else None.

    A source with tools, kept videos or boxes has `traits` too; one with a quick way for text alone `quick_drafts`, which yields what
    `drafts` does, some of it as `TextDraft`.
    """

    @property
    def converter(self) -> str: ...  # noqa: D102 - documented above
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def said(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def columns(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def annotations(self) -> tuple[Path, ...]: ...  # noqa: D102
    @property
    def media_root(self) -> Path: ...  # noqa: D102
    @property
    def settings(self) -> dict[str, Setting]: ...  # noqa: D102
    @property
    def image_format(self) -> FormatRule: ...  # noqa: D102
    @property
    def total(self) -> int | None: ...  # noqa: D102

    def drafts(self) -> Iterator[Draft | Reject]:
        """Yield every annotation once, in source order, as a draft or a reject."""
        ...
