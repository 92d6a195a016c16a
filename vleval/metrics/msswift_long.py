"""The numbers of ms-swift's BLEU-4 and ROUGE for texts too long for lists of their words: counted list by list, over words as numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vleval.metrics.bleu_batch import score_of
from vleval.metrics.lcs import WALKED_CELLS, common_places
from vleval.metrics.segment import batches
from vleval.metrics.word_bags import clipped_matches
from vleval.metrics.word_keys import Distinct, Keys, grams_of, keys_of, places_in, shared

_STOPS = re.compile(r"[^.]+|\.")
_NO_KEYS: Keys = np.empty(0, np.uint64)


def bleu(hypothesis: str, target: str) -> float:
    """`bleu4` of the words of both sides."""
    counted = clipped_matches(lambda: _tokens(hypothesis), [lambda: _tokens(target)], 4)
    return score_of(counted.length, counted.targets[0], *counted.found)


def rouge(hypothesis: str, target: str) -> tuple[float, float, float, bool]:
    """ROUGE-1, -2 and -L F of the `rouge` package, 0 to 1; last, whether the third is a lower bound."""
    batched = [(keys_of(batch.words), batch.ends) for batch in sentences(target)]
    flat = np.concatenate([_NO_KEYS, *(keys for keys, _ in batched)])
    wanted, wanted_pairs = np.unique(flat), np.unique(grams_of(flat, 2))
    union = _Union(wanted, batched)
    have, have_pairs = Distinct(), Distinct()
    last = _NO_KEYS
    for batch in sentences(hypothesis):
        fresh = keys_of(batch.words)
        have.add(fresh)
        have_pairs.add(grams_of(np.concatenate([last, fresh]), 2))
        union.add(fresh, batch.ends)
        last = fresh[-1:] if len(fresh) else last
    union.end()
    if not len(last) or not len(flat):
        return 0.0, 0.0, 0.0, False
    return (
        f1(shared(have.sorted(), wanted), len(have.sorted()), len(wanted)),
        f1(shared(have_pairs.sorted(), wanted_pairs), len(have_pairs.sorted()), len(wanted_pairs)),
        f1(int(union.found.sum()), len(have.sorted()), len(wanted)),
        union.cut,
    )


def f1(common: int, have: int, want: int) -> float:
    """F of a common part, as the package smooths it."""
    precision = common / have if have else 0.0
    recall = common / want if want else 0.0
    return 2.0 * ((precision * recall) / (precision + recall + 1e-8))


class _Union:
    """The words in common subsequences of any sentence of the target and any of the hypothesis.

    A pair of sentences is compared only where it may add a word; words that the target lacks change nothing.
    """

    def __init__(self, wanted: Keys, target: list[tuple[Keys, list[int]]]) -> None:
        self.found = np.zeros(len(wanted), np.bool_)
        self.cut = False
        self._wanted = wanted
        self._open: list[NDArray[np.uint32]] = []
        self._targets: list[NDArray[np.uint32]] = []
        self._compare = lru_cache(maxsize=256)(self._codes_in_common)
        for keys, ends in target:
            codes = places_in(wanted, keys).astype(np.uint32)
            self._split(codes, ends, self._targets)
        if self._open:
            self._targets.append(np.concatenate(self._open))
            self._open = []

    def _split(self, codes: NDArray[np.uint32], ends: list[int], done: list[NDArray[np.uint32]]) -> None:
        start = 0
        for end in ends:
            done.append(np.concatenate([*self._open, codes[start:end]]))
            self._open, start = [], end
        if start < len(codes):
            self._open.append(codes[start:])

    def add(self, keys: Keys, ends: list[int]) -> None:
        """Words of the hypothesis, and the places among them where sentences end."""
        places = places_in(self._wanted, keys)
        known = places >= 0
        counts = np.cumsum(known)
        codes = places[known].astype(np.uint32)
        done: list[NDArray[np.uint32]] = []
        self._split(codes, [int(counts[end - 1]) if end else 0 for end in ends], done)
        for sentence in done:
            self._meet(sentence)

    def end(self) -> None:
        """The last sentence is whole."""
        if self._open:
            self._meet(np.concatenate(self._open))

    def _meet(self, sentence: NDArray[np.uint32]) -> None:
        if self.found[sentence].all():
            return
        fresh = np.zeros(len(self.found), np.bool_)
        fresh[sentence] = True
        fresh &= ~self.found
        for number, target in enumerate(self._targets):
            if fresh[target].any():
                codes = self._compare(number, sentence.tobytes())
                self.found[list(codes)] = True
                fresh[list(codes)] = False

    def _codes_in_common(self, number: int, sentence: bytes) -> set[int]:
        first, second = self._targets[number], np.frombuffer(sentence, np.uint32)
        second = second[np.isin(second, first)]
        if len(first) * len(second) > WALKED_CELLS:
            self.cut = True
            first = first[: int(WALKED_CELLS**0.5)]
            second = second[: WALKED_CELLS // len(first)]
        codes = first.tolist()
        return {codes[place] for place, _ in common_places(codes, second.tolist())}


class Sentences(NamedTuple):
    """Words, and the places among them where sentences end."""

    words: list[str]
    ends: list[int]


def sentences(text: str) -> Iterator[Sentences]:
    """The words of a text and its sentences, which end at each full stop, within a word too; one of blanks only is an empty word."""
    begun = holds_something = filled = False
    for batch in _tokens(text):
        found = Sentences([], [])
        for token in batch:
            holds_something, begun = holds_something or begun, True  # a blank stands before every token but the first
            for part in _STOPS.findall(token) if "." in token else (token,):
                if part != ".":
                    holds_something = True
                    if not part.isspace():
                        found.words.append(part)
                        filled = True
                elif holds_something:
                    if not filled:
                        found.words.append("")
                    found.ends.append(len(found.words))
                    holds_something = filled = False
        yield found
    if holds_something and not filled:
        yield Sentences([""], [])


def _tokens(text: str) -> Iterator[list[str]]:
    for batch in batches(text):
        yield [word for word in batch if word != " "]
