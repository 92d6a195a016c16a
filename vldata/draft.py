"""What a converter yields: drafts, in which media are still references, and rejects.

A converter reads annotations and opens no picture; the writer turns drafts into records once their media are rendered.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from vldata.contract import Setting
from vldata.media.refs import FormatRule, MediaRef
from vldata.record import Role


class Slot(msgspec.Struct, frozen=True):
    """Stands in a turn where `Draft.media[index]` stands; a clip becomes as many tags as it has frames."""

    index: int


class Turn(msgspec.Struct, frozen=True):
    """One turn: literal source text and slots, in order. Text is never searched for tags to fill: a literal `<image>` is a fault."""

    role: Role
    parts: tuple[str | Slot, ...]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A record before its media are rendered. `where` is `file:line` or `file[index]` of the annotation."""

    id: str
    where: str
    turns: tuple[Turn, ...]
    media: tuple[MediaRef, ...]
    references: tuple[str, ...] = ()
    meta: dict[str, str]
    tools: str | None = None


class Reject(msgspec.Struct, frozen=True):
    """A record left out: one line of NAME.rejects.jsonl. `code` is a key of `vldata.codes.CODES`."""

    id: str
    where: str
    code: str
    reason: str


class Source(Protocol):
    """An opened source of one dataset: what a converter module returns from its `open_source`.

    Attributes:
        converter: name of the converter.
        name: default NAME of the dataset.
        said: sentences about what was found and chosen, printed before the conversion.
        columns: the keys of `meta`, the same for every draft, in order.
        annotations: files whose content decides the result; hashed into the fingerprint.
        media_root: the folder that media paths lie in.
        settings: options of this converter that decide the result (frame rule, prompt), JSON values, for the contract and the fingerprint.
        image_format: what `--image-format auto` means for this source.
        total: how many annotations there are, if known without reading the media; else None.
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
