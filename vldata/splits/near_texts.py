"""Texts that say the same: word shingles, MinHash to find candidates, exact similarity to settle them.

What one text in a hundred has (a fixed prompt, the frame of a template) tells no two of them apart and is left out; a text with too little
left to tell is not compared, unless it stands without a picture, where equal is equal.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from vldata.errors import UsageError
from vldata.records.record import Record, plain_text

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
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_]+")


class NearText(NamedTuple):
    """Two texts by their keys, and the share of their telling shingles that both have."""

    first: str
    second: str
    similarity: float


class Text(NamedTuple):
    """A text to compare: normalised words, and whether it stands without a picture."""

    words: tuple[str, ...]
    alone: bool


def text_of(record: Record) -> Text:
    """What is asked, answered, rejected and thought, without case, full-width forms, punctuation or media tags.

    Ideographs are words of their own.
    """
    said = " ".join(f"{plain_text(turn.content)} {turn.thought}" for turn in record.spoken if turn.role != "system")
    words = _TOKEN.findall(unicodedata.normalize("NFKC", said).casefold())
    return Text(tuple(words), not record.media)


def near_texts(first: Mapping[str, Text], second: Mapping[str, Text], *, similarity: float = DEFAULT_SIMILARITY) -> list[NearText]:
    """Every pair with at least this similarity (Jaccard of telling shingles), the most alike first.

    A pair at the threshold is found with a chance above 0.999 at 0.8 and 0.87 at 0.5.

    Raises:
        UsageError: a similarity outside 0.5 to 1.
    """
    if not MIN_SIMILARITY <= similarity <= 1:
        raise UsageError(f"a similarity of {similarity} cannot be searched.", cure=f"Give {MIN_SIMILARITY} to 1.")
    ours, theirs = _telling((first, second))
    equal = [(one, other) for words, keys in _alone(first).items() for one in keys for other in _alone(second).get(words, ())]
    found = {pair: 1.0 for pair in equal}
    for one, other in _candidates(ours, theirs):
        alike = _jaccard(ours[one], theirs[other])
        if alike >= similarity:
            found[(one, other)] = alike
    pairs = [NearText(one, other, round(alike, 4)) for (one, other), alike in found.items()]
    return sorted(pairs, key=lambda pair: (-pair.similarity, pair.first, pair.second))


def _alone(texts: Mapping[str, Text]) -> dict[tuple[str, ...], list[str]]:
    same: dict[tuple[str, ...], list[str]] = {}
    for key, text in texts.items():
        if text.alone and text.words:
            same.setdefault(text.words, []).append(key)
    return same


def _shingles(words: Sequence[str]) -> frozenset[int]:
    count = max(1, len(words) - _WORDS + 1)
    return frozenset(zlib.crc32(" ".join(words[place : place + _WORDS]).encode()) for place in range(count)) if words else frozenset()


def _telling(sides: Sequence[Mapping[str, Text]]) -> list[dict[str, frozenset[int]]]:
    """The shingles of every text that are not common; texts with too few of them are left out."""
    all_shingles = [{key: _shingles(text.words) for key, text in side.items()} for side in sides]
    counts: Counter[int] = Counter()
    for side in all_shingles:
        for found in side.values():
            counts.update(found)
    limit = max(_COMMON_AT_LEAST, _COMMON_SHARE * sum(map(len, all_shingles)))
    common = {shingle for shingle, count in counts.items() if count > limit}
    kept = [{key: found - common for key, found in side.items()} for side in all_shingles]
    return [{key: found for key, found in side.items() if len(found) >= MIN_TELLING} for side in kept]


def _candidates(ours: Mapping[str, frozenset[int]], theirs: Mapping[str, frozenset[int]]) -> Iterator[tuple[str, str]]:
    """Yield pairs whose signatures agree in a band, each once."""
    if not ours or not theirs:
        return
    our_keys, their_keys = list(ours), list(theirs)
    our_bands, their_bands = _signatures(list(ours.values())), _signatures(list(theirs.values()))
    seen: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        buckets: dict[int, list[int]] = {}
        for row, key in enumerate(their_bands[:, band].tolist()):
            buckets.setdefault(key, []).append(row)
        for row, key in enumerate(our_bands[:, band].tolist()):
            for other in buckets.get(key, ()):
                if (row, other) not in seen:
                    seen.add((row, other))
                    yield our_keys[row], their_keys[other]


def _signatures(sets: Sequence[frozenset[int]]) -> NDArray[np.uint64]:
    """The bands of each set's MinHash, `_ROWS` minima hashed into one number each."""
    import numpy as np

    rng = np.random.default_rng(20_260)
    factors = rng.integers(1, 1 << 62, _BANDS * _ROWS, dtype=np.uint64) | np.uint64(1)
    offsets = rng.integers(0, 1 << 62, _BANDS * _ROWS, dtype=np.uint64)
    bands = []
    for start in range(0, len(sets), _BLOCK):
        part = sets[start : start + _BLOCK]
        flat = np.fromiter((shingle for found in part for shingle in found), dtype=np.uint64)
        edges = np.cumsum([0, *(len(found) for found in part[:-1])])
        hashes = ((flat * factor + offset) >> np.uint64(32) for factor, offset in zip(factors, offsets, strict=True))
        lowest = [np.minimum.reduceat(column, edges) for column in hashes]
        rows = np.stack(lowest, axis=1).reshape(len(part), _BANDS, _ROWS)
        mixed = rows[..., 0]
        for place in range(1, _ROWS):
            mixed = (mixed * np.uint64(0x9E3779B97F4A7C15)) ^ rows[..., place]
        bands.append(mixed)
    return np.concatenate(bands)


def _jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)
