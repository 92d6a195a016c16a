"""How often each word, and each n-gram of words, stands in a long text, in few times the text's memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vleval.metrics.word_keys import Distinct, Keys, grams_of, keys_of, places_in

Codes = NDArray[np.unsignedinteger]
Words = Callable[[], Iterable[Sequence[str]]]
"""The words of a text, list by list, as often as they are wanted."""

_AT_ONCE = 1 << 16
_WAITING = 1 << 15
_PARTS = 8  # passes over n-grams, each of an eighth of them


class Bag:
    """The distinct numbers of a stream and how often each came."""

    def __init__(self) -> None:
        self.keys: Keys = np.empty(0, np.uint64)
        self.counts: NDArray[np.uint32] = np.empty(0, np.uint32)
        self.total = 0
        self._new: list[tuple[Keys, NDArray[np.uint32]]] = []
        self._waiting = 0

    def add(self, keys: Keys) -> None:
        """More of the stream."""
        fresh, counts = np.unique(keys, return_counts=True)
        self._new.append((fresh, counts.astype(np.uint32)))
        self._waiting += len(fresh)
        self.total += len(keys)
        if self._waiting > max(_WAITING, len(self.keys) // 4):
            self.settle()

    def settle(self) -> None:
        """Bring what was added last among the sorted keys."""
        if not self._new:
            return
        keys = np.concatenate([part for part, _ in self._new])
        counts = np.concatenate([part for _, part in self._new])
        self._new, self._waiting = [], 0
        order = np.argsort(keys)
        keys, counts = keys[order], counts[order]
        starts = np.flatnonzero(np.concatenate([np.ones(min(len(keys), 1), np.bool_), keys[1:] != keys[:-1]]))
        keys, counts = keys[starts], np.add.reduceat(counts, starts) if len(starts) else counts
        places = places_in(self.keys, keys)
        known = places >= 0
        self.counts[places[known]] += counts[known]
        fresh = keys[~known]
        before = np.searchsorted(self.keys, fresh)
        self.keys = np.insert(self.keys, before, fresh)
        self.counts = np.insert(self.counts, before, counts[~known])

    def at_least(self, other: Bag) -> None:
        """Raise each number's count to that of another bag, where it is higher."""
        self.settle()
        other.settle()
        keys = np.union1d(self.keys, other.keys)
        counts = np.zeros(len(keys), np.uint32)
        for bag in (self, other):
            places = places_in(keys, bag.keys)
            counts[places] = np.maximum(counts[places], bag.counts)
        self.keys, self.counts = keys, counts

    def common(self, other: Bag) -> int:
        """The size of what both have, each number as often as in the one that has it less often."""
        self.settle()
        other.settle()
        found = 0
        for start in range(0, len(self.keys), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            places = places_in(other.keys, self.keys[part])
            known = places >= 0
            found += int(np.minimum(self.counts[part][known], other.counts[places[known]]).sum())
        return found


def bag_of(words: Iterable[Sequence[str]]) -> Bag:
    """The words of a text, counted."""
    bag = Bag()
    for batch in words:
        bag.add(keys_of(batch))
    bag.settle()
    return bag


def distinct_of(words: Iterable[Sequence[str]]) -> Keys:
    """The numbers of the different words of a text, in order."""
    found = Distinct()
    for batch in words:
        found.add(keys_of(batch))
    return found.sorted()


class Matches(NamedTuple):
    """The lengths of a text and of each target in words, and the common n-grams of each order."""

    length: int
    targets: list[int]
    found: list[int]


def clipped_matches(hypothesis: Words, targets: Sequence[Words], order: int) -> Matches:
    """Common n-grams of 1 to `order` words, each counted as in the side that has fewer; of the targets, as in the one that has most.

    The targets' words are asked for twice: they are numbered by what all of them hold, which takes as few bytes a word as there are words.
    """
    known = distinct_of(batch for target in targets for batch in target())
    wanted, given = [codes_of(known, target()) for target in targets], codes_of(known, hypothesis())
    return Matches(len(given), [len(codes) for codes in wanted], gram_matches(given, wanted, order))


def gram_matches(given: Codes, wanted: Sequence[Codes], order: int) -> list[int]:
    """Common n-grams of 1 to `order` codes, clipped as `clipped_matches` does."""
    matches = []
    for size in range(1, order + 1):
        found = 0
        for part in range(_PARTS):
            bags = [_part_of(codes, size, part) for codes in wanted]
            for other in bags[1:]:
                bags[0].at_least(other)
            found += _part_of(given, size, part).common(bags[0])
        matches.append(found)
    return matches


def _part_of(codes: Codes, size: int, part: int) -> Bag:
    """The n-grams that one of the passes counts."""
    bag = Bag()
    for grams in _grams(codes, size):
        bag.add(grams[(grams >> np.uint64(40)) % np.uint64(_PARTS) == part])
    return bag


def codes_of(known: Keys, words: Iterable[Sequence[str]]) -> Codes:
    """The words of a text by their place among the known ones, and one number for all others."""
    kind = np.min_scalar_type(len(known))
    parts = [np.empty(0, kind)]
    for batch in words:
        places = places_in(known, keys_of(batch))
        places[places < 0] = len(known)
        parts.append(places.astype(kind))
    return np.concatenate(parts)


def _grams(codes: Codes, size: int) -> Iterator[Keys]:
    """The numbers of a text's n-grams."""
    for start in range(0, len(codes), _AT_ONCE):
        part = codes[start : start + _AT_ONCE + size - 1].astype(np.uint64)
        yield grams_of((part + np.uint64(1)) * np.uint64(0xD6E8FEB86659FD93), size)
