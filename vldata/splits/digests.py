"""Digests of very many texts, and what sets of them have in common: sorted runs on disk, joined a part of all digests at a time."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from vldata.splits.columns import Spill

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RUN = 1 << 18
"""Digests of a run, 20 bytes each; a set without a whole run is in memory."""
PART = 1 << 18
"""Digests that are joined at once."""
_BINS = 256  # by the first byte
_ROW = 32  # bits of a row's number

Columns = tuple["NDArray[np.uint64]", "NDArray[np.uint64]", "NDArray[np.uint32]"]


class Digests:
    """Digests of 128 bits, each with the row that has it; rows are below 2^32 and come in ascending order."""

    def __init__(self, spill: Spill | None = None) -> None:
        self._spill = spill or Spill()
        self._raw = bytearray()
        self._rows = array("I")
        self._runs: list[_Run] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, text: str, row: int) -> None:
        """Add a text of a row.

        Raises:
            DataError: the disk of the temporary files is full.
        """
        self._raw += digest_of(text)
        self._rows.append(row)
        self._count += 1
        if len(self._rows) >= RUN:
            columns = self._tail()
            place = self._spill.write(b"".join(column.tobytes() for column in columns))
            self._runs.append(_Run(self._spill, place, len(columns[0]), _bounds(columns[0]), None))
            self._raw.clear()
            self._rows = array("I")

    def runs(self) -> list[_Run]:
        """All runs; the last one is in memory."""
        columns = self._tail()
        return [*self._runs, _Run(self._spill, 0, len(columns[0]), _bounds(columns[0]), columns)]

    def _tail(self) -> Columns:
        import numpy as np

        pairs = np.frombuffer(bytes(self._raw), dtype=">u8").astype(np.uint64).reshape(-1, 2)
        high, low, rows = pairs[:, 0], pairs[:, 1], np.array(self._rows, dtype=np.uint32)
        order = np.argsort(high, kind="stable")
        ranks = high[order]
        if ((ranks[1:] == ranks[:-1]) & (low[order[1:]] != low[order[:-1]])).any():
            order = np.lexsort((low, high))
        return high[order], low[order], rows[order]


def digest_of(text: str) -> bytes:
    """Its digest."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _bounds(high: NDArray[np.uint64]) -> NDArray[np.int64]:
    import numpy as np

    return np.append(np.searchsorted(high, np.arange(_BINS, dtype=np.uint64) << np.uint64(56)), len(high))


class _Run(NamedTuple):
    """Digests in order, with their rows; `held` unless they are in the file."""

    spill: Spill
    place: int
    size: int
    bounds: NDArray[np.int64]
    held: Columns | None

    def part(self, first: int, last: int) -> Columns:
        """Those of some bins."""
        import numpy as np

        start, stop = int(self.bounds[first]), int(self.bounds[last])
        if self.held is not None:
            high, low, rows = self.held
            return high[start:stop], low[start:stop], rows[start:stop]

        def column(before: int, dtype: type[Any]) -> NDArray[Any]:
            width = np.dtype(dtype).itemsize
            return np.frombuffer(self.spill.read(self.place + before * self.size + start * width, (stop - start) * width), dtype=dtype)

        return column(0, np.uint64), column(8, np.uint64), column(16, np.uint32)


class Part(NamedTuple):
    """Some of the digests of several sets. An entry is what a run of a set has of a digest; entries of one digest are together.

    Attributes:
        sets: the set of each entry; ascending within a digest.
        groups: the number of its digest, ascending.
        begins: where its rows begin in `rows`; `counts` are how many there are.
    """

    sets: NDArray[np.uint16]
    groups: NDArray[np.int64]
    begins: NDArray[np.int64]
    counts: NDArray[np.int64]
    rows: NDArray[np.uint32]

    @property
    def size(self) -> int:
        """How many digests there are."""
        return int(self.groups[-1]) + 1 if len(self.groups) else 0

    def present(self, which: int) -> NDArray[np.bool_]:
        """Whether each digest is in a set."""
        import numpy as np

        found = np.zeros(self.size, dtype=bool)
        found[self.groups[self.sets == which]] = True
        return found

    def present_in_any(self, least: int) -> NDArray[np.bool_]:
        """Whether each digest is in a set of this number or a higher one."""
        import numpy as np

        found = np.zeros(self.size, dtype=bool)
        found[self.groups[self.sets >= least]] = True
        return found

    def firsts(self, which: int) -> NDArray[np.int64]:
        """The first row of each digest in a set; -1 where it is not."""
        import numpy as np

        found = np.full(self.size, -1, dtype=np.int64)
        those = np.flatnonzero(self.sets == which)[::-1]
        found[self.groups[those]] = self.rows[self.begins[those]]
        return found

    def lasts(self, which: int) -> NDArray[np.int64]:
        """The last row likewise."""
        import numpy as np

        found = np.full(self.size, -1, dtype=np.int64)
        those = np.flatnonzero(self.sets == which)
        found[self.groups[those]] = self.rows[self.begins[those] + self.counts[those] - 1]
        return found

    def every(self, which: int, wanted: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The digests that are wanted and their rows in a set: a line for every row."""
        import numpy as np

        those = np.flatnonzero((self.sets == which) & wanted[self.groups])
        counts = self.counts[those]
        inside = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(self.groups[those], counts), self.rows[np.repeat(self.begins[those], counts) + inside].astype(np.int64)


def iter_parts(sets: Sequence[Digests]) -> Iterator[Part]:
    """Join sets; every digest is in one part."""
    runs = [one.runs() for one in sets]
    parts = 1
    while sum(map(len, sets)) > parts * PART and parts < _BINS:
        parts *= 2
    step = _BINS // parts
    for first in range(0, _BINS, step):
        yield _join((which, *run.part(first, first + step)) for which, of_set in enumerate(runs) for run in of_set)


def _join(columns: Iterator[tuple[int, NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint32]]]) -> Part:
    import numpy as np

    pieces: list[tuple[NDArray[Any], ...]] = []
    rows: list[NDArray[np.uint32]] = []
    offset = 0
    for which, high, low, those in columns:
        starts = np.flatnonzero(_changes(high, low))
        counts = np.diff(np.append(starts, len(high)))
        pieces.append((high[starts], low[starts], starts + offset, counts, np.full(len(starts), which, dtype=np.uint16)))
        rows.append(those)
        offset += len(those)
    highs, lows, begins, counts, sets = (np.concatenate(column) for column in zip(*pieces, strict=True))
    order = np.lexsort((lows, highs))  # stable: sets and their runs stay in order
    groups = np.cumsum(_changes(highs[order], lows[order])) - 1
    return Part(sets[order], groups, begins[order], counts[order], np.concatenate(rows))


def _changes(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Where another digest begins."""
    import numpy as np

    found = np.ones(len(high), dtype=bool)
    found[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    return found


def shared_firsts(first: Digests, second: Digests) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first row in each set of every digest that both have, by the first one's, then by the second's."""
    import numpy as np

    found: tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]] = ([], [])
    for part in iter_parts((first, second)):
        firsts = [part.firsts(which) for which in (0, 1)]
        both = (firsts[0] >= 0) & (firsts[1] >= 0)
        for pieces, rows in zip(found, firsts, strict=True):
            pieces.append(rows[both])
    ours, theirs = (np.concatenate(pieces) for pieces in found)
    order = np.lexsort((theirs, ours))
    return ours[order], theirs[order]


def shared_rows(first: Digests, second: Digests) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The rows of each set whose digest the other has too, as `leader << 32 | row` in ascending order.

    The leader is the first row of the first set with that digest, so that equal ones have the same in both.
    """
    import numpy as np

    found: tuple[list[NDArray[np.uint64]], list[NDArray[np.uint64]]] = ([], [])
    for part in iter_parts((first, second)):
        both = part.present(0) & part.present(1)
        if both.any():
            leaders = part.firsts(0).astype(np.uint64) << np.uint64(_ROW)
            for which in (0, 1):
                groups, rows = part.every(which, both)
                found[which].append(leaders[groups] | rows.astype(np.uint64))
    ours, theirs = (np.concatenate(pieces) if pieces else np.empty(0, np.uint64) for pieces in found)
    ours.sort()
    theirs.sort()
    return ours, theirs
