"""Texts that say the same: word shingles, MinHash to find candidates, exact similarity to settle them.

What one text in a hundred has (a fixed prompt, the frame of a template) tells no two of them apart and is left out; a text with too little
left to tell is not compared, unless it stands without a picture, where equal is equal.

Shingles are kept as numbers in one array, about 4 bytes a word. Where very many texts are near each other, as questions of one template
are, each text of the second set is compared with some of its candidates instead of all, so that time and memory stay near-linear; this is
said.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from vldata.errors import UsageError
from vldata.records.record import Record, plain_text
from vldata.splits.digests import Digests

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_SIMILARITY = 0.8
MIN_SIMILARITY = 0.5
MIN_TELLING = 8
"""Shingles a text needs that are its own, to be compared."""
_WORDS = 3
_COMMON_SHARE, _COMMON_AT_LEAST = 0.01, 5
_BANDS, _ROWS = 32, 4
_BLOCK = 20_000
_PIECE = 1 << 20
_MOST_PAIRS = 4_000_000  # candidates that are compared one by one
_SOME = 8  # candidates of a text in a band, once there are more
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_]+")


class NearText(NamedTuple):
    """Two texts by their places, and the share of their telling shingles that both have."""

    first: int
    second: int
    similarity: float


class NearTexts(NamedTuple):
    """Pairs, the most alike first; `limited` where not every candidate was compared."""

    pairs: list[NearText]
    limited: bool


class Texts:
    """Texts to compare, in the order they were added; a text is named by its place from 0."""

    def __init__(self) -> None:
        self._flat = array("I")
        self._ends = array("Q", [0])
        self.alone = Digests()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def add(self, words: Sequence[str], *, alone: bool) -> None:
        """Add a text by its words; `alone` says that it stands without a picture."""
        self._flat.extend(sorted(shingles(words)))
        if alone and words:
            self.alone.add("\x1f".join(words), len(self))
        self._ends.append(len(self._flat))

    def arrays(self) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """All shingles, each text's in ascending order, and where each text begins and the last ends."""
        import numpy as np

        return np.frombuffer(self._flat, dtype=np.uint32), np.frombuffer(self._ends, dtype=np.uint64).astype(np.int64)


def texts_of(records: Iterable[Record]) -> Texts:
    """The texts of records, in their order."""
    found = Texts()
    for record in records:
        found.add(words_of(record), alone=not record.media)
    return found


def words_of(record: Record) -> list[str]:
    """What is asked, answered, rejected and thought, without case, full-width forms, punctuation or media tags.

    Ideographs are words of their own.
    """
    said = " ".join(f"{plain_text(turn.content)} {turn.thought}" for turn in record.spoken if turn.role != "system")
    return _TOKEN.findall(unicodedata.normalize("NFKC", said).casefold())


def shingles(words: Sequence[str]) -> set[int]:
    """The hashes of all runs of three words."""
    count = max(1, len(words) - _WORDS + 1)
    return (
        {zlib.crc32(" ".join(words[place : place + _WORDS]).encode("utf-8", "surrogatepass")) for place in range(count)} if words else set()
    )


def near_texts(first: Texts, second: Texts, *, similarity: float = DEFAULT_SIMILARITY) -> NearTexts:
    """Every pair with at least this similarity (Jaccard of telling shingles), the most alike first.

    A pair at the threshold is found with a chance above 0.999 at 0.8 and 0.87 at 0.5. Where there are more than 4,000,000 candidates a text
    of the second set is compared with some in each band, and `limited` is true: not every pair is found then, and a text may be missed.

    Raises:
        UsageError: a similarity outside 0.5 to 1.
    """
    if not MIN_SIMILARITY <= similarity <= 1:
        raise UsageError(f"a similarity of {similarity} cannot be searched.", cure=f"Give {MIN_SIMILARITY} to 1.")
    found = {pair: 1.0 for pair in _equal(first, second)}
    limited = len(found) >= _MOST_PAIRS
    ours, theirs = _telling((first, second))
    if len(ours.rows) and len(theirs.rows):
        codes, cut = _candidates(ours, theirs)
        limited = limited or cut
        for one, other, alike in _alike(ours, theirs, codes, similarity):
            found[(one, other)] = alike
    pairs = [NearText(one, other, round(alike, 4)) for (one, other), alike in found.items()]
    return NearTexts(sorted(pairs, key=lambda pair: (-pair.similarity, pair.first, pair.second)), limited)


def _equal(first: Texts, second: Texts) -> Iterator[tuple[int, int]]:
    """Pairs of equal texts without a picture; of many equal ones each of the second with one of the first."""
    count = 0
    for _, places, others in first.alone.shared(second.alone):
        count += len(places) * len(others)
        yield from ((one, other) for one in (places if count < _MOST_PAIRS else places[:1]) for other in others)


class _Telling(NamedTuple):
    """The texts of a set that are compared: their places, their telling shingles in one array, and where each begins."""

    rows: NDArray[np.int64]
    flat: NDArray[np.uint32]
    starts: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        import numpy as np

        return np.diff(self.starts)


def _telling(sides: Sequence[Texts]) -> list[_Telling]:
    """The shingles of every text that are not common; texts with too few of them are left out."""
    import numpy as np

    arrays = [side.arrays() for side in sides]
    ranks = np.concatenate([flat for flat, _ in arrays])
    ranks.sort()
    most = int(max(_COMMON_AT_LEAST, _COMMON_SHARE * sum(map(len, sides))))
    common = np.unique(ranks[:-most][ranks[:-most] == ranks[most:]])  # what stands more often than that
    del ranks
    found = []
    for flat, ends in arrays:
        kept = ~_is_in(flat, common)
        lengths = _sums(kept, ends)
        rows = np.flatnonzero(lengths >= MIN_TELLING)
        wanted = kept & np.repeat(lengths >= MIN_TELLING, np.diff(ends))
        found.append(_Telling(rows, flat[wanted], np.concatenate(([0], np.cumsum(lengths[rows]))).astype(np.int64)))
    return found


def _is_in(flat: NDArray[np.uint32], few: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Whether each number is among a few that are in order."""
    import numpy as np

    if not len(few):
        return np.zeros(len(flat), dtype=bool)
    found = np.empty(len(flat), dtype=bool)
    for start in range(0, len(flat), _PIECE):
        piece = flat[start : start + _PIECE]
        found[start : start + _PIECE] = few[np.minimum(np.searchsorted(few, piece), len(few) - 1)] == piece
    return found


def _sums(kept: NDArray[np.bool_], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many are kept of each text."""
    import numpy as np

    lengths = np.zeros(len(ends) - 1, dtype=np.int64)
    for start in range(0, len(lengths), _BLOCK):
        edges = ends[start : start + _BLOCK + 1]
        before = np.concatenate(([0], np.cumsum(kept[edges[0] : edges[-1]])))
        lengths[start : start + _BLOCK] = np.diff(before[edges - edges[0]])
    return lengths


def _candidates(ours: _Telling, theirs: _Telling) -> tuple[NDArray[np.uint64], bool]:
    """Pairs whose signatures agree in a band, as `place in theirs << 32 | place in ours`, and whether some were left out."""
    import numpy as np

    found, count, limited = np.empty(0, dtype=np.uint64), 0, False
    for band in range(_BANDS):
        our_band, their_band = _signatures(ours, band), _signatures(theirs, band)
        order = np.argsort(our_band, kind="stable")
        keys = our_band[order]
        left = np.searchsorted(keys, their_band, "left")
        sizes = np.searchsorted(keys, their_band, "right") - left
        if count + int(sizes.sum()) > _MOST_PAIRS:
            limited = limited or bool((sizes > _SOME).any())
            taken = np.minimum(sizes, _SOME)
        else:
            taken = sizes
        rows = np.repeat(np.arange(len(sizes)), taken)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(taken) - taken, taken)
        turned = (within + band * _SOME + rows) % np.maximum(sizes[rows], 1) if limited else within  # other candidates in each band
        pairs = rows.astype(np.uint64) << np.uint64(32) | order[left[rows] + turned].astype(np.uint64)
        found = np.union1d(found, pairs)
        count = len(found)
    return found, limited


def _alike(ours: _Telling, theirs: _Telling, codes: NDArray[np.uint64], similarity: float) -> Iterator[tuple[int, int, float]]:
    """Yield the pairs that are alike enough, by places in their sets."""
    import numpy as np

    our_lengths, their_lengths = ours.lengths, theirs.lengths
    if not len(codes):
        return
    known = np.repeat(np.arange(len(ours.rows), dtype=np.uint64) << np.uint64(32), our_lengths)
    known |= ours.flat  # ascending: texts in order, and the shingles of each
    for start in range(0, len(codes), _BLOCK):
        block = codes[start : start + _BLOCK]
        mine, other = (block & np.uint64(0xFFFFFFFF)).astype(np.int64), (block >> np.uint64(32)).astype(np.int64)
        sizes = their_lengths[other]
        pair = np.repeat(np.arange(len(block)), sizes)
        within = np.arange(len(pair)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        wanted = mine[pair].astype(np.uint64) << np.uint64(32) | theirs.flat[theirs.starts[other[pair]] + within].astype(np.uint64)
        place = np.searchsorted(known, wanted)
        hit = known[np.minimum(place, len(known) - 1)] == wanted
        shared = np.bincount(pair, weights=hit, minlength=len(block))
        alike = shared / (our_lengths[mine] + sizes - shared)
        for index in np.flatnonzero(alike >= similarity):
            yield int(ours.rows[mine[index]]), int(theirs.rows[other[index]]), float(alike[index])


def _signatures(texts: _Telling, band: int) -> NDArray[np.uint64]:
    """One band of each text's MinHash, `_ROWS` minima hashed into one number: all bands of very many texts are much to hold."""
    import numpy as np

    rng = np.random.default_rng(20_260)
    factors = rng.integers(1, 1 << 62, _BANDS * _ROWS, dtype=np.uint64) | np.uint64(1)
    offsets = rng.integers(0, 1 << 62, _BANDS * _ROWS, dtype=np.uint64)
    those = slice(band * _ROWS, (band + 1) * _ROWS)
    found = np.empty(len(texts.rows), dtype=np.uint64)
    for start in range(0, len(texts.rows), _BLOCK):
        edges = texts.starts[start : start + _BLOCK + 1]
        flat = texts.flat[edges[0] : edges[-1]].astype(np.uint64)
        hashes = ((flat * factor + offset) >> np.uint64(32) for factor, offset in zip(factors[those], offsets[those], strict=True))
        first, *others = (np.minimum.reduceat(column, edges[:-1] - edges[0]) for column in hashes)
        for lowest in others:
            first = (first * np.uint64(0x9E3779B97F4A7C15)) ^ lowest
        found[start : start + _BLOCK] = first
    return found
