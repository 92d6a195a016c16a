"""What a consumer's module gives the run: its parts (files with a judge of rows), and what a judge is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from vldata.errors import DataError
from vldata.linting.outcomes import RowFinding, Table
from vldata.linting.pictures import ImageHeaders
from vldata.linting.texts import Counter

Boxes = Literal["auto", "pixels", "0-1000"]


@dataclass(frozen=True)
class Options:
    """How the consumer would be run.

    Attributes:
        cutoff: tokens a row may have; None for the consumer's default.
        counter: of text tokens.
        media_root: the folder media paths are relative to; None for the consumer's own rule.
        dataset: only this entry of a list of datasets.
        files: look at image files.
        follow_links: read what a list of datasets names outside its folder.
        boxes: what four numbers in a text are.
        stage: what is trained: sft, dpo, kto; "" follows the data.
        settings: further settings of the trainer, by its own names.
    """

    cutoff: int | None = None
    counter: Counter = field(default_factory=Counter)
    media_root: Path | None = None
    dataset: str = ""
    files: bool = True
    follow_links: bool = False
    boxes: Boxes = "auto"
    stage: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    pictures: ImageHeaders = field(default_factory=ImageHeaders)


class WholeFinding(NamedTuple):
    """A finding about a file or entry: where, what, and how many rows it befalls (None: every one)."""

    where: str
    found: RowFinding
    rows: int | None = None


class RowJudge(Protocol):
    """Judges the rows of one dataset, in order."""

    def row(self, row: Any) -> list[RowFinding]:
        """Return what befalls a row: a value, or a `Broken` line."""
        ...

    def finish(self) -> Iterable[WholeFinding]:
        """Return what only the whole of the rows tells."""
        ...


def no_rows(folder: Path, suffixes: tuple[str, ...], cure: str) -> DataError:
    """Make the error for a folder without a file of rows; it names those that are deeper."""
    deeper = (
        [file for file in sorted(folder.rglob("*"))[:10_000] if file.suffix in suffixes and file.is_file()][:5] if folder.is_dir() else []
    )
    if deeper:
        cure = f"Below it are {', '.join(str(file.relative_to(folder)) for file in deeper)}: give one of them, or its folder. {cure}"
    from vldata.sources import CONVERTERS  # a table of many modules, for this message alone

    made = f"`vldata convert KIND` may make rows of what is here: {', '.join(CONVERTERS)}."
    return DataError("no file of rows here.", where=str(folder), cure=f"{cure} {made}")


Rows = Callable[[], Iterator[tuple[int | str, Any]]]  # the line, or [index] in a list whose rows share lines


@dataclass
class RowSet:
    """One dataset as the consumer knows it: its files with their rows, its judge, and what was found before any row was read.

    `sources` are what our converter may read it from, the best first: a path, and the entry of a list.
    """

    name: str
    files: list[tuple[Path, Rows]]
    judge: RowJudge
    sources: tuple[tuple[Path, str], ...] = ()
    said: list[str] = field(default_factory=list)
    first: list[WholeFinding] = field(default_factory=list)


class Consumer(NamedTuple):
    """One trainer: what it is called, the release its rules were read from, its table, and what opens a path as it would.

    `export` is the form that a fixed dataset gets for it; "" for one that reads ours. `limit` is its setting of the most tokens, and
    `settings` are the others that its judge follows.
    """

    title: str
    version: str
    source: str
    table: Table
    open: Callable[[Path, Options], list[RowSet]]
    default_cutoff: int | None = None
    export: str = ""
    limit: str = ""
    settings: frozenset[str] = frozenset()
