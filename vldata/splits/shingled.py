"""Texts as numbers: the shingles of each, and which of them tell a text from others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from vldata.splits.columns import Column, Spill

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIN_TELLING = 8
"""Shingles a text needs that are its own, to be compared."""
COMMON_SHARE = 0.01
_COMMON_AT_LEAST = 5
_BLOCK = 20_000  # texts, and
_PIECE = 1 << 17  # shingles that are in memory at once, more for a text that has more
_BITS = 22  # the first bits of a shingle, by which those are counted that may be common


class Shingled:
    """The shingles of each text, in ascending order, and how many each has."""

    def __init__(self, spill: Spill) -> None:
        self.flat, self.lengths = Column("I", spill), Column("I", spill)

    def __len__(self) -> int:
        return len(self.lengths)

    def add_shingles(self, ordered: Sequence[int]) -> None:
        """Add a text."""
        self.flat.extend(ordered)
        self.lengths.append(len(ordered))

    def blocks(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint32]]]:
        """The lengths of some texts and their shingles, all texts in order."""
        import numpy as np

        begin = 0
        for lengths in self.lengths.pieces(_BLOCK):
            sums = np.cumsum(lengths, dtype=np.int64)
            start, done = 0, 0
            while start < len(lengths):
                stop = max(start + 1, int(np.searchsorted(sums, done + _PIECE, "right")))
                size = int(sums[stop - 1]) - done
                yield lengths[start:stop].astype(np.int64), self.flat.read(begin, begin + size)
                start, done, begin = stop, done + size, begin + size


class Telling(Shingled):
    """Those texts of a set that are compared, with the shingles that tell them from others; `rows` are their places in the set."""

    def __init__(self, spill: Spill) -> None:
        super().__init__(spill)
        self.rows = Column("I", spill)


def telling(sides: Sequence[Shingled]) -> list[Telling]:
    """The shingles of every text that are not common; texts with too few of them are left out."""
    import numpy as np

    common = _common(sides, int(max(_COMMON_AT_LEAST, COMMON_SHARE * sum(map(len, sides)))))
    spill, found = Spill(), []
    for side in sides:
        kept, place = Telling(spill), 0
        for lengths, flat in side.blocks():
            own = ~_is_in(flat, common)
            ends = np.cumsum(lengths)
            before = np.append(0, np.cumsum(own))
            counts = before[ends] - before[ends - lengths]
            enough = counts >= MIN_TELLING
            kept.flat.add_bytes(flat[own & np.repeat(enough, lengths)].tobytes())
            kept.lengths.add_bytes(counts[enough].astype(np.uint32).tobytes())
            kept.rows.add_bytes((np.flatnonzero(enough) + place).astype(np.uint32).tobytes())
            place += len(lengths)
        found.append(kept)
    return found


def _common(sides: Sequence[Shingled], most: int) -> NDArray[np.uint32]:
    """The shingles that more texts have, in order: counted first by their first bits, then each where those are that many."""
    import numpy as np

    total = sum(len(side.flat) for side in sides)
    bits = min(_BITS, max(8, total.bit_length()))
    shift = np.uint32(32 - bits)
    counts = np.zeros(1 << bits, dtype=np.int64)
    for piece in _pieces(sides):
        counts += np.bincount(piece >> shift, minlength=len(counts))
    many = counts > most
    del counts
    values, counted = np.empty(0, dtype=np.uint32), np.empty(0, dtype=np.int64)
    for piece in _pieces(sides) if many.any() else ():
        more, times = np.unique(piece[many[piece >> shift]], return_counts=True)
        values, which = np.unique(np.concatenate((values, more)), return_inverse=True)
        counted = np.bincount(which, weights=np.concatenate((counted, times)), minlength=len(values)).astype(np.int64)
    return values[counted > most]


def _pieces(sides: Sequence[Shingled]) -> Iterator[NDArray[np.uint32]]:
    for side in sides:
        yield from side.flat.pieces(1 << 21)


def _is_in(flat: NDArray[np.uint32], few: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Whether each number is among a few that are in order."""
    import numpy as np

    if not len(few):
        return np.zeros(len(flat), dtype=bool)
    return np.asarray(few[np.minimum(np.searchsorted(few, flat), len(few) - 1)] == flat, dtype=bool)
