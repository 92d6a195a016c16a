"""What an X-ray shows: each record as each trainer makes it, and where it parts from ours."""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec

SCHEMA: Literal["vlkit.xray/1"] = "vlkit.xray/1"

Kind = Literal[
    "crash", "dropped", "truncation", "miscount", "literal tag", "system prompt", "empty think", "timestamps", "order", "template",
    "pixel limit", "EXIF", "resize", "alpha", "pixels", "labels on prompt", "labels on images", "not learned", "positions",
    "prediction", "not compared", "turn end", "re-encoding",
    "colour", "sampler", "numerics", "unexplained",  # of servers alone
]  # fmt: skip
ORDER: tuple[Kind, ...] = get_args(Kind)  # in which they take effect
HARMLESS: frozenset[str] = frozenset({"turn end", "re-encoding"})


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One image as the model gets it, or a video.

    `grid` counts patches (time, rows, columns) of `patch` pixels, four to a token; `digests` are of each step's pixels, `files` hold them.
    """

    kind: Literal["image", "video"]
    grid: tuple[int, int, int]
    patch: int = 16
    digests: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def size(self) -> str:
        """Width and height in pixels, as people write them."""
        return f"{self.grid[2] * self.patch}x{self.grid[1] * self.patch}"

    @property
    def tokens(self) -> int:
        """What it costs, without what the template puts around it."""
        return self.grid[0] * self.grid[1] * self.grid[2] // 4


class RowView(msgspec.Struct, frozen=True, kw_only=True):
    """What one trainer made of one row, as its probe wrote it.

    Attributes:
        row: the number of the row, from 1.
        stage: where it ended: "" for a sample; load, collate (an error) or dropped.
        message: the trainer's own words.
        ids, labels: tokens, and what of them is learned (-100: not); labels None where nobody makes any.
        positions: rotary positions in time, height and width; None where nobody tells.
        images: what the model gets to see.
    """

    row: int
    stage: Literal["", "load", "collate", "dropped"] = ""
    message: str = ""
    ids: tuple[int, ...] = ()
    labels: tuple[int, ...] | None = None
    positions: tuple[tuple[int, ...], ...] | None = None
    images: tuple[Seen, ...] = ()


class Result(msgspec.Struct, frozen=True):
    """All that a probe wrote; `error` where the trainer could not be loaded."""

    versions: dict[str, str]
    error: str
    rows: tuple[RowView, ...]
    said: tuple[str, ...] = ()


class Divergence(msgspec.Struct, frozen=True):
    """One way in which a trainer's sample is not ours: the cause, and what it is here. A harmless one costs nothing that is learned."""

    kind: Kind
    detail: str
    harmless: bool = False


class Span(msgspec.Struct, frozen=True):
    """Tokens that belong together: their text, whether they are learned, and how many vision tokens they are (0: text)."""

    text: str
    learned: bool
    vision: int = 0


class View(msgspec.Struct, frozen=True, kw_only=True):
    """One record in one trainer's eyes, with its text in spans and its marks of time; `divergences` in the order of their effect."""

    consumer: str
    made: RowView
    spans: tuple[Span, ...] = ()
    seconds: tuple[float, ...] = ()
    divergences: tuple[Divergence, ...] = ()

    @property
    def first(self) -> Divergence | None:
        """The first divergence."""
        return self.divergences[0] if self.divergences else None


class Predicted(msgspec.Struct, frozen=True):
    """What is expected without loading anything: tokens of the whole, of each image and video, and its marks of time."""

    tokens: int
    vision: tuple[int, ...]
    seconds: tuple[float, ...] = ()


class XrayRecord(msgspec.Struct, frozen=True):
    """One record: its place, its id, what was predicted, and every view of it. `note` says why ours has none."""

    row: int
    id: str
    views: tuple[View, ...]
    predicted: Predicted | None = None
    note: str = ""


class First(msgspec.Struct, frozen=True):
    """The first divergence of a trainer over all rows: that of the first row with one that is not harmless, else with any."""

    row: int
    divergence: Divergence


class ConsumerRun(msgspec.Struct, frozen=True, kw_only=True):
    """One trainer: versions of what it ran with, its settings, why it could not be asked ("" when it was), and its first divergence."""

    name: str
    title: str
    versions: dict[str, str] = {}
    settings: dict[str, Any] = {}
    error: str = ""
    said: tuple[str, ...] = ()
    first: First | None = None


class XrayDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The whole X-ray."""

    schema: Literal["vlkit.xray/1"]
    path: str
    model: str
    same: bool
    consumers: tuple[ConsumerRun, ...]
    records: tuple[XrayRecord, ...]
    said: tuple[str, ...] = ()
