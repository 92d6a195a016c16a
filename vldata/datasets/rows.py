"""Rows of a dataset to be derived, each a line with the record it holds: read again each time they are asked for, never held.

What a command keeps of a record is a few bytes, so that its memory does not follow from the length of the texts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from vldata.output.spreading import kind_of
from vldata.records.record import Record

Pair = tuple[bytes, Record]


def row_numbers(rows: Iterable[int] = ()) -> array[int]:
    """Hold row numbers in four bytes each."""
    return array("I", rows)


class Rows(ABC):
    """Rows by their number from 0."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def kinds(self) -> Sequence[int]:
        """The kind of each row, as `vldata.output.spreading.kind_of` numbers them."""

    @abstractmethod
    def pair(self, row: int) -> Pair:
        """One line without its end, and its record."""

    def pairs(self, rows: Iterable[int]) -> Iterator[Pair]:
        """The lines and records of rows, in the order asked for."""
        return map(self.pair, rows)

    @property
    def records(self) -> Records:
        """The records alone."""
        return Records(self)


class Records(Sequence[Record]):
    """The records of rows: looks like a list of them, and reads each when it is asked for."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Record]:
        return self.at(range(len(self._rows)))

    def at(self, rows: Iterable[int]) -> Iterator[Record]:
        """The records of some rows, in the order asked for."""
        return (record for _, record in self._rows.pairs(rows))

    @overload
    def __getitem__(self, row: int) -> Record: ...

    @overload
    def __getitem__(self, row: slice) -> list[Record]: ...

    def __getitem__(self, row: int | slice) -> Record | list[Record]:
        numbers = range(len(self._rows))
        return list(self.at(numbers[row])) if isinstance(row, slice) else self._rows.pair(numbers[row])[1]


class Held(Rows):
    """Rows that are in memory already."""

    def __init__(self, lines: Sequence[bytes], records: Sequence[Record]) -> None:
        self._lines, self._records = lines, records

    def __len__(self) -> int:
        return len(self._records)

    def kinds(self) -> Sequence[int]:
        """As `Rows.kinds`."""
        return bytearray(map(kind_of, self._records))

    def pair(self, row: int) -> Pair:
        """As `Rows.pair`."""
        return self._lines[row], self._records[row]


class ChosenRows(Rows):
    """Some rows of others, in the order of `rows`."""

    def __init__(self, source: Rows, rows: Sequence[int]) -> None:
        self._source, self._rows = source, rows

    def __len__(self) -> int:
        return len(self._rows)

    def kinds(self) -> Sequence[int]:
        """As `Rows.kinds`."""
        kinds = self._source.kinds()
        return bytearray(kinds[row] for row in self._rows)

    def pair(self, row: int) -> Pair:
        """As `Rows.pair`."""
        return self._source.pair(self._rows[row])

    def pairs(self, rows: Iterable[int]) -> Iterator[Pair]:
        """As `Rows.pairs`."""
        return self._source.pairs(self._rows[row] for row in rows)
