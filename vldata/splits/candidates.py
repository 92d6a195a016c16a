"""Pairs of texts that may be alike, by the bands of their MinHash, and how alike those are.

Held are the signatures of one band, and the pairs while they are few; the others lie on disk by the range of texts of the first set whose
shingles are in memory when they are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from vldata.splits.columns import Column, Spill, unfold
from vldata.splits.shingled import Shingled, Telling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_PAIRS = 4_000_000
"""Candidates that are compared one by one."""
_BANDS, _ROWS = 32, 4
_SOME = 8  # candidates of a text in a band, once there are more
_PARTS = 64  # of the signatures of a band, by their first bits, each sorted alone
_RANGE = 1 << 22  # shingles of the first set that are in memory at once
_BLOCK = 20_000  # pairs that are compared at once
_PIECE = 1 << 20  # pairs that are read at once
_GAP = 256  # shingles between two texts that are read rather than skipped

Tell = Callable[["NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.float64]"], None]


def compare(ours: Telling, theirs: Telling, similarity: float, tell: Tell) -> bool:
    """Tell the pairs that are alike enough, by their rows. Returns whether some candidates were left out."""
    found = _Candidates(ours)
    limited = False
    for band in range(_BANDS):
        # Nothing of a band is named here: of very many texts it would be in memory beside the next one.
        limited = _take(found, band, *_matches(_signatures(ours, band), _signatures(theirs, band)), limited=limited)
    _settle(ours, theirs, found, similarity, tell)
    return limited


class _Candidates:
    """Pairs as `place in theirs << 32 | place in ours`: each once while there are few, then as they come, by ranges of ours."""

    def __init__(self, ours: Telling) -> None:
        import numpy as np

        self.ranges = [0]  # the first text of each, and the end
        place = size = 0
        for lengths, flat in ours.blocks():
            if size and size + len(flat) > _RANGE:
                self.ranges.append(place)
                size = 0
            place += len(lengths)
            size += len(flat)
        self.ranges.append(place)
        spill = Spill()
        self._columns = [Column("Q", spill, 1 << 16) for _ in self.ranges[1:]]
        self._few = np.empty(0, dtype=np.uint64)
        self.count = 0
        """At least so many; exact while they are few."""

    def add(self, pairs: NDArray[np.uint64]) -> None:
        """Add pairs."""
        import numpy as np

        if self.count > MOST_PAIRS:
            self._spread(pairs)
            return
        merged = np.concatenate((self._few, pairs))
        merged.sort()
        new = np.ones(len(merged), dtype=bool)
        np.not_equal(merged[1:], merged[:-1], out=new[1:])
        self._few = merged[new]
        self.count = len(self._few)
        if self.count > MOST_PAIRS:
            self.close()

    def close(self) -> None:
        """Put those that are held to the others."""
        self._spread(self._few)
        self._few = self._few[:0]

    def of_range(self, number: int) -> Column:
        """The pairs of a range; of those beyond the few, one may come twice."""
        return self._columns[number]

    def _spread(self, pairs: NDArray[np.uint64]) -> None:
        import numpy as np

        if len(self._columns) == 1:
            self._columns[0].add_bytes(pairs.tobytes())
            return
        which = np.searchsorted(np.array(self.ranges[1:-1], dtype=np.uint64), pairs & np.uint64(0xFFFFFFFF), "right").astype(np.uint16)
        order = np.argsort(which, kind="stable")
        ends = np.cumsum(np.bincount(which, minlength=len(self._columns)))
        for column, (start, stop) in zip(self._columns, pairwise([0, *ends.tolist()]), strict=True):
            column.add_bytes(pairs[order[start:stop]].tobytes())


def _matches(ours: NDArray[np.uint64], theirs: NDArray[np.uint64]) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32]]:
    """Sort our signatures: their order, and where in it those begin that are equal to each of theirs, and how many."""
    import numpy as np

    order = np.empty(len(ours), dtype=np.uint32)
    left, sizes = (np.zeros(len(theirs), dtype=np.uint32) for _ in range(2))
    few = len(ours) + len(theirs) < 1 << 16
    our_part, their_part = map(_first_bits, (ours, theirs))
    begin = 0
    for part in range(1 if few else _PARTS):
        mine = np.arange(len(ours), dtype=np.uint32) if few else np.flatnonzero(our_part == part).astype(np.uint32)
        keys = ours[mine]
        inner = np.argsort(keys, kind="stable")
        order[begin : begin + len(mine)] = mine[inner]
        keys = keys[inner]
        del inner
        other = np.arange(len(theirs)) if few else np.flatnonzero(their_part == part)
        wanted = theirs[other]
        start = np.searchsorted(keys, wanted, "left")
        sizes[other] = np.searchsorted(keys, wanted, "right") - start
        left[other] = start + begin
        begin += len(mine)
    return order, left, sizes


def _first_bits(signatures: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """The part of each signature, without a second column of their own size."""
    import numpy as np

    found = np.empty(len(signatures), dtype=np.uint8)
    return np.right_shift(signatures, np.uint64(58), out=found, dtype=np.uint64, casting="unsafe")


def _take(
    found: _Candidates, band: int, order: NDArray[np.uint32], left: NDArray[np.uint32], sizes: NDArray[np.uint32], *, limited: bool
) -> bool:
    """Add the pairs of a band, or some of them. Returns whether pairs were left out, in this one or before."""
    import numpy as np

    taken = sizes
    if found.count + int(sizes.sum(dtype=np.int64)) > MOST_PAIRS:
        limited = limited or bool((sizes > _SOME).any())
        taken = np.minimum(sizes, _SOME)
    for rows, within in unfold(np.zeros(len(taken), np.int64), taken.astype(np.int64)):
        if limited:  # other candidates in each band
            within = (within + band * _SOME + rows) % np.maximum(sizes[rows], 1)
        found.add(rows.astype(np.uint64) << np.uint64(32) | order[left[rows] + within].astype(np.uint64))
    return limited


def _settle(ours: Telling, theirs: Telling, found: _Candidates, similarity: float, tell: Tell) -> None:
    """Compare the pairs, with the shingles of a range of ours in memory."""
    import numpy as np

    found.close()
    lengths = theirs.lengths.read(0, len(theirs))
    starts = np.append(np.uint64(0), np.cumsum(lengths, dtype=np.uint64))
    their_rows = theirs.rows.read(0, len(theirs)).astype(np.int64)
    begin = 0
    for number, (first, last) in enumerate(pairwise(found.ranges)):
        sizes = ours.lengths.read(first, last).astype(np.int64)
        end = begin + int(sizes.sum())
        if len(found.of_range(number)):
            known = np.repeat(np.arange(len(sizes), dtype=np.uint64) << np.uint64(32), sizes)
            known |= ours.flat.read(begin, end)  # ascending: texts in order, and the shingles of each
            our_rows = ours.rows.read(first, last).astype(np.int64)
        for codes in map(np.unique, found.of_range(number).pieces(_PIECE)):
            mine, other = (codes & np.uint64(0xFFFFFFFF)).astype(np.int64), (codes >> np.uint64(32)).astype(np.int64)
            for start, stop in _fitting(lengths[other]):
                alike = _similarity(known, sizes, mine[start:stop] - first, other[start:stop], theirs, starts)
                good = np.flatnonzero(alike >= similarity)
                if len(good):
                    here, there = mine[start + good] - first, other[start + good]
                    tell(our_rows[here], their_rows[there], alike[good])
        begin = end


def _similarity(
    known: NDArray[np.uint64],
    sizes: NDArray[np.int64],
    mine: NDArray[np.int64],
    other: NDArray[np.int64],
    theirs: Shingled,
    starts: NDArray[np.uint64],
) -> NDArray[np.float64]:
    """The share of shingles that each pair has of all that either has; `other` ascends."""
    import numpy as np

    texts, which = np.unique(other, return_inverse=True)
    begins, flat = _gather(theirs, starts[texts].astype(np.int64), starts[texts + 1].astype(np.int64))
    lengths = (starts[texts + 1] - starts[texts]).astype(np.int64)[which]
    pair = np.repeat(np.arange(len(mine)), lengths)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    wanted = mine[pair].astype(np.uint64) << np.uint64(32) | flat[begins[which][pair] + within].astype(np.uint64)
    place = np.searchsorted(known, wanted)
    hit = known[np.minimum(place, len(known) - 1)] == wanted
    shared = np.bincount(pair, weights=hit, minlength=len(mine))
    return np.asarray(shared / (sizes[mine] + lengths - shared), dtype=np.float64)


def _gather(texts: Shingled, begins: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Read ranges of shingles that ascend, and what little lies between them. Returns where each begins in what was read."""
    import numpy as np

    breaks = np.flatnonzero(begins[1:] - ends[:-1] > _GAP) + 1
    edges = [0, *breaks.tolist(), len(begins)]
    pieces = [texts.flat.read(int(begins[start]), int(ends[stop - 1])) for start, stop in pairwise(edges)]
    before = np.append(0, np.cumsum([len(piece) for piece in pieces]))[:-1]
    firsts = begins[np.array(edges[:-1])]
    counts = np.diff(edges)
    return begins - np.repeat(firsts, counts) + np.repeat(before, counts), np.concatenate(pieces)


def _fitting(lengths: NDArray[np.uint32]) -> Iterator[tuple[int, int]]:
    """Cut pairs into blocks by their number and the shingles that they hold."""
    import numpy as np

    sums = np.cumsum(lengths, dtype=np.int64)
    start, done = 0, 0
    while start < len(lengths):
        stop = min(start + _BLOCK, max(start + 1, int(np.searchsorted(sums, done + _PIECE, "right"))))
        yield start, stop
        start, done = stop, int(sums[stop - 1])


def _signatures(texts: Shingled, band: int) -> NDArray[np.uint64]:
    """One band of each text's MinHash, `_ROWS` minima hashed into one number: all bands of very many texts are much to hold."""
    import numpy as np

    rng = np.random.default_rng(20_260)
    factors = rng.integers(1, 1 << 62, _BANDS * _ROWS, dtype=np.uint64) | np.uint64(1)
    offsets = rng.integers(0, 1 << 62, _BANDS * _ROWS, dtype=np.uint64)
    those = slice(band * _ROWS, (band + 1) * _ROWS)
    found = np.empty(len(texts), dtype=np.uint64)
    place = 0
    for lengths, short in texts.blocks():
        begins = np.cumsum(lengths) - lengths
        flat = short.astype(np.uint64)
        column = np.empty_like(flat)
        here = found[place : place + len(lengths)]
        for number, (factor, offset) in enumerate(zip(factors[those], offsets[those], strict=True)):
            np.multiply(flat, factor, out=column)
            column += offset
            column >>= np.uint64(32)
            lowest = np.minimum.reduceat(column, begins)
            here[:] = (here * np.uint64(0x9E3779B97F4A7C15)) ^ lowest if number else lowest
        place += len(lengths)
    return found
