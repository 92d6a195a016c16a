"""One dataset as it is compared: what its records say and show, a few bytes of each in memory and the rest in a file without a name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from vldata.files.gate import below
from vldata.output.contract import Contract
from vldata.records.record import Record, iter_records, plain_text
from vldata.splits.columns import Column, PackedNames, Spill
from vldata.splits.digests import Digests
from vldata.splits.near_texts import Texts, words_of


class Place(msgspec.Struct, frozen=True):
    """A record: `file:line` and id."""

    at: str
    id: str


class Named:
    """Names in the order they were added, each by its number, and the digests that find them again."""

    def __init__(self, spill: Spill | None = None) -> None:
        spill = spill or Spill()
        self.names, self.digests = PackedNames(spill), Digests(spill)

    def add(self, name: str) -> None:
        """Add a name."""
        self.digests.add(name, len(self.names))
        self.names.append(name)


class Shown(Named):
    """The files that records show, with the record of each; one stands there as often as it is shown."""

    def __init__(self, spill: Spill) -> None:
        super().__init__(spill)
        self._rows = Column("I", spill)

    def show(self, path: str, row: int) -> None:
        """Add a file of a record."""
        self.add(path)
        self._rows.append(row)

    def row(self, number: int) -> int:
        """The record of a file."""
        return int(self._rows.read(number, number + 1)[0])


class Corpus:
    """Records by their numbers from 0.

    Attributes:
        pictures: what they show, in order; `videos` likewise.
        examples: digests of what each record says and shows.
        texts: what each record says.
        ids: the id of each record.
    """

    def __init__(self, name: str, out: Path) -> None:
        self.name, self.out = name, out
        spill = Spill()
        self.pictures, self.videos = Shown(spill), Shown(spill)
        self.examples, self.texts, self.ids = Digests(spill), Texts(spill), PackedNames(spill)
        self._lines = Column("Q", spill)
        self._files: dict[int, str] = {}  # by the first record of each

    def begin(self, file: str) -> None:
        """Say which file the next records are of."""
        self._files[len(self.ids)] = file

    def add(self, record: Record, line: int) -> None:
        """Add a record, which stands at a line of the file.

        Raises:
            DataError: the disk of the temporary files is full.
        """
        row = len(self.ids)
        self.ids.append(record.id)
        self._lines.append(line)
        self.texts.add(words_of(record), alone=not record.media)
        for content in contents_of(record):
            self.examples.add(content, row)
        for image in record.images:
            self.pictures.show(image, row)
        for video in record.kept_videos:
            self.videos.show(video, row)

    def place(self, row: int) -> Place:
        """Where a record stands."""
        first = max(start for start in self._files if start <= row)
        return Place(f"{self._files[first]}:{self._lines.read(row, row + 1)[0]}", self.ids[row])


def read_corpus(name: str, out: Path, contract: Contract, *, also: Callable[[Record, int], None] | None = None) -> Corpus:
    """Read the records of one dataset; `also` is called with each and its number."""
    corpus = Corpus(name, out)
    for file in contract.files:
        corpus.begin(file.name)
        for line, record in iter_records(below(out, file.name).checked()):
            if also is not None:
                also(record, len(corpus.ids))
            corpus.add(record, line)
    return corpus


def contents_of(record: Record) -> Iterator[str]:
    """Yield what an example says and shows; of a pair once with the chosen and once with the rejected answer."""
    *before, last = (plain_text(message.content) for message in record.messages)
    lasts = [last] if record.rejected is msgspec.UNSET else [last, plain_text(record.rejected.content)]
    for last in lasts:
        yield "\x1f".join((*before, last)) + f"\x1e{' '.join(record.media)}"
