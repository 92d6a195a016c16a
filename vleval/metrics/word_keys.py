"""Words of long texts as numbers of 64 bits, so that what two texts of megabytes share is found in little memory.

A word is Python's hash of it (SipHash, of 64 bits). Two of a million words share one with a chance below 10^-7.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq

Keys = NDArray[np.uint64]
Codes = NDArray[np.uint32]

LONG = 50_000  # characters of a side from which texts are compared this way
MOST_CELLS = 40_000_000_000  # of the table of a common subsequence: a second of 64 cells at a time
Items = TypeVar("Items", str, "array[int]", "str | array[int]")
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SURROGATES = 0xD800
_MOST_CHARACTERS = 1_000_000


def keys_of(words: Sequence[str]) -> Keys:
    """The numbers of words."""
    return np.fromiter(map(hash, words), np.int64, len(words)).view(np.uint64)


def grams_of(keys: Keys, order: int) -> Keys:
    """The numbers of the n-grams of a sequence of words."""
    grams = keys
    for place in range(1, order):
        grams = grams[:-1] * _MIX + keys[place:]
    return grams


class Distinct:
    """The distinct numbers of a stream, in few times their own memory."""

    def __init__(self) -> None:
        self._kept: Keys = np.empty(0, np.uint64)
        self._new: list[Keys] = []
        self._waiting = 0

    def add(self, keys: Keys) -> None:
        """More of the stream."""
        fresh = np.unique(keys)
        self._new.append(fresh)
        self._waiting += len(fresh)
        if self._waiting > max(1 << 15, len(self._kept) // 4):
            self.sorted()

    def sorted(self) -> Keys:
        """All that were given, each once, in order."""
        if self._new:
            joined = np.concatenate([self._kept, *self._new])
            self._kept, self._new, self._waiting = joined[:0], [], 0
            joined.sort()
            self._kept = joined[np.concatenate([np.ones(min(len(joined), 1), np.bool_), joined[1:] != joined[:-1]])]
        return self._kept


def shared(one: Keys, other: Keys) -> int:
    """How many numbers two sorted lists without doubles have in common."""
    few, many = (one, other) if len(one) < len(other) else (other, one)
    return int((places_in(many, few) >= 0).sum())


def places_in(known: Keys, keys: Keys) -> NDArray[np.int64]:
    """The place of each number in a sorted list; -1 where it is not there."""
    if not len(known):
        return np.full(len(keys), -1, np.int64)
    places = np.searchsorted(known, keys)
    places[places == len(known)] = 0
    places[known[places] != keys] = -1
    return places


def known_codes(known: Keys, keys: Keys) -> NDArray[np.unsignedinteger]:
    """The places of those numbers of a stream that a sorted list has, in the least memory."""
    places = places_in(known, keys)
    return places[places >= 0].astype(np.min_scalar_type(max(len(known) - 1, 0)))


def common_length(one: Sequence[NDArray[np.unsignedinteger]], other: Sequence[NDArray[np.unsignedinteger]]) -> tuple[int, bool]:
    """The length of the longest common subsequence of two texts of codes, given part by part; whether it is of their beginnings only."""
    first, second = sequence(one), sequence(other)
    few, many = within_reach(first, second)
    return int(LCSseq.similarity(few, many)), len(few) + len(many) < len(first) + len(second)


def within_reach(first: Items, second: Items) -> tuple[Items, Items]:
    """Two sequences, the shorter first; where their table has too many cells, their beginnings."""
    few, many = (first, second) if len(first) < len(second) else (second, first)
    if len(few) * len(many) > MOST_CELLS:
        few = few[: int(MOST_CELLS**0.5)]
        many = many[: MOST_CELLS // len(few)]
    return few, many


def sequence(parts: Sequence[NDArray[np.unsignedinteger]]) -> str | array[int]:
    """Codes as a text, which keeps them in 1, 2 or 4 bytes each, as long as there are characters for all."""
    if any(len(part) and part.max() > _MOST_CHARACTERS for part in parts):
        return array("L", [code for part in parts for code in part.tolist()])
    texts = []
    for part in parts:
        wide = part.astype(np.uint32)
        wide[wide >= _SURROGATES] += 0x800
        texts.append(wide.tobytes().decode("utf-32-le"))
    return "".join(texts)


def lower_bound(metric: str, rows: int, how: str = "only their beginnings are compared") -> str:
    """What is told of rows whose value is not of their whole texts; nothing of none."""
    if not rows:
        return ""
    of = "1 row" if rows == 1 else f"{rows} rows"
    return f"{metric} of {of} is a lower bound: both sides are so long that {how}."
