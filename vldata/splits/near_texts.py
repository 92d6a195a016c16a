"""Texts that say the same: word shingles, MinHash to find candidates, exact similarity to settle them.

What one text in a hundred has (a fixed prompt, the frame of a template) tells no two of them apart and is left out; a text with too little
left to tell is not compared, unless it stands without a picture, where equal is equal.

Shingles are kept as numbers, about 4 bytes a word, and beyond some megabytes in a file without a name (`vldata.splits.columns`). Where very
many texts are near each other, as questions of one template are, each text of the second set is compared with some of its candidates
instead of all, so that time and memory stay near-linear; this is said.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from vldata.errors import UsageError
from vldata.records.record import Record, plain_text
from vldata.splits import candidates
from vldata.splits.columns import Spill, unfold
from vldata.splits.digests import Digests, shared_rows
from vldata.splits.shingled import Shingled, telling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_SIMILARITY = 0.8
MIN_SIMILARITY = 0.5
_WORDS = 3
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_]+")
_ASCII = {code: chr(code) if chr(code).isalnum() else " " for code in range(128)}
_LOW = 0xFFFFFFFF


class NearText(NamedTuple):
    """Two texts by their places, and the share of their telling shingles that both have."""

    first: int
    second: int
    similarity: float


class NearTexts(NamedTuple):
    """Pairs, the most alike first, and how many texts of the second set are in one; `limited` where not every candidate was compared."""

    pairs: list[NearText]
    affected: int
    limited: bool


class Texts(Shingled):
    """Texts to compare, in the order they were added; a text is named by its place from 0."""

    def __init__(self, spill: Spill | None = None) -> None:
        spill = spill or Spill()
        super().__init__(spill)
        self.alone = Digests(spill)

    def add(self, words: Sequence[str], *, alone: bool) -> None:
        """Add a text by its words; `alone` says that it stands without a picture."""
        if alone and words:
            self.alone.add("\x1f".join(words), len(self))
        self.add_shingles(sorted(shingles(words)))


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
    said = " ".join([f"{plain_text(turn.content)} {turn.thought}" for turn in record.spoken if turn.role != "system"])
    if said.isascii():  # the same in a third of the time
        return said.lower().translate(_ASCII).split()
    return _TOKEN.findall(unicodedata.normalize("NFKC", said).casefold())


def shingles(words: Sequence[str]) -> set[int]:
    """The hashes of all runs of three words; of all words where there are fewer. No word has a space."""
    if not words:
        return set()
    text = " ".join(words).encode("utf-8", "surrogatepass")
    if len(words) <= _WORDS:
        return {zlib.crc32(text)}
    those = text.split(b" ")
    return set(map(zlib.crc32, map(b" ".join, zip(those, those[1:], those[2:], strict=False))))


def near_texts(first: Texts, second: Texts, *, similarity: float = DEFAULT_SIMILARITY, most: int | None = None) -> NearTexts:
    """Every pair with at least this similarity (Jaccard of telling shingles), the most alike first; with `most` only so many of them.

    A pair at the threshold is found with a chance above 0.999 at 0.8 and 0.87 at 0.5. Where there are more than 4,000,000 candidates a text
    of the second set is compared with some in each band, and `limited` is true: not every pair is found then, and a text may be missed.

    Raises:
        UsageError: a similarity outside 0.5 to 1.
        DataError: the disk of the temporary files is full.
    """
    if not MIN_SIMILARITY <= similarity <= 1:
        raise UsageError(f"a similarity of {similarity} cannot be searched.", cure=f"Give {MIN_SIMILARITY} to 1.")
    nearest = _Nearest(most, len(second))
    limited = _equal(first, second, nearest) >= candidates.MOST_PAIRS
    ours, theirs = telling((first, second))
    if len(ours) and len(theirs):
        limited |= candidates.compare(ours, theirs, similarity, nearest.add)
    return NearTexts(nearest.pairs(), nearest.affected, limited)


def _equal(first: Texts, second: Texts, nearest: _Nearest) -> int:
    """Tell the pairs of equal texts without a picture, and how many; of many equal ones each of the second with one of the first."""
    import numpy as np

    ours, theirs = shared_rows(first.alone, second.alone)
    leaders = ours >> np.uint64(32)
    groups, starts, sizes = np.unique(leaders, return_index=True, return_counts=True)
    begins = np.searchsorted(theirs, groups << np.uint64(32))
    others = np.diff(np.append(begins, len(theirs)))
    whole = np.cumsum(sizes * others) < candidates.MOST_PAIRS
    taken = np.where(whole, sizes, np.minimum(sizes, 1))
    count = 0
    for group, place in unfold(starts, starts + taken):
        for line, other in unfold(begins[group], begins[group] + others[group]):
            nearest.add((ours[place[line]] & np.uint64(_LOW)).astype(np.int64), (theirs[other] & np.uint64(_LOW)).astype(np.int64))
            count += len(line)
    return count


class _Nearest:
    """The most alike pairs of any number, and the texts of the second set that are in one."""

    def __init__(self, most: int | None, texts: int) -> None:
        import numpy as np

        self._most = most
        self._seen = np.zeros(texts, dtype=bool)
        self._firsts, self._seconds = np.empty(0, np.int64), np.empty(0, np.int64)
        self._alike = np.empty(0, np.float64)

    @property
    def affected(self) -> int:
        return int(self._seen.sum())

    def add(self, firsts: NDArray[np.int64], seconds: NDArray[np.int64], alike: NDArray[np.float64] | None = None) -> None:
        """Add pairs; one may come twice. Without `alike` they are equal."""
        import numpy as np

        self._seen[seconds] = True
        if alike is None:
            alike = np.ones(len(firsts))
        values, which = np.unique(alike, return_inverse=True)
        rounded = np.array([round(value, 4) for value in values.tolist()], dtype=np.float64)[which]
        firsts, seconds = np.concatenate((self._firsts, firsts)), np.concatenate((self._seconds, seconds))
        rounded = np.concatenate((self._alike, rounded))
        order = np.lexsort((seconds, firsts, -rounded))
        firsts, seconds, rounded = firsts[order], seconds[order], rounded[order]
        new = np.append(True, (firsts[1:] != firsts[:-1]) | (seconds[1:] != seconds[:-1]))[: len(order)]
        those = np.flatnonzero(new)[: self._most]
        self._firsts, self._seconds, self._alike = firsts[those], seconds[those], rounded[those]

    def pairs(self) -> list[NearText]:
        return [NearText(*pair) for pair in zip(self._firsts.tolist(), self._seconds.tolist(), self._alike.tolist(), strict=True)]
