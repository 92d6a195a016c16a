"""What two datasets share that they should not: pictures, pictures that look alike, whole examples, texts that say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import nsmallest
from itertools import chain, combinations, islice

import msgspec

from vldata.datasets.dataset import Dataset
from vldata.output.folder import Target
from vldata.splits.corpus import Corpus, Place, Shown, read_corpus
from vldata.splits.digests import shared_firsts
from vldata.splits.near_pictures import BITS, DEFAULT_DISTANCE, near_looks
from vldata.splits.near_texts import DEFAULT_SIMILARITY, near_texts
from vldata.splits.prints import OnProgress, Prints, PrintsOf
from vldata.workers import count_workers

KEPT = 1_000
"""Pairs of a kind that a result holds; all are counted."""
KINDS = {
    "picture": "the same pictures",
    "near_picture": "near-duplicate pictures",
    "example": "whole examples (texts and pictures)",
    "near_text": "near-duplicate texts",
}

_LIMITED = (
    "Very many texts are near each other: each was compared with some of its candidates, so that single near-duplicates may be missed."
)


class Nearness(msgspec.Struct, frozen=True):
    """What counts as near: bits of a picture's hash that may differ, share of a text's shingles that must agree."""

    picture_distance: int = DEFAULT_DISTANCE
    text_similarity: float = DEFAULT_SIMILARITY


class Leak(msgspec.Struct, frozen=True):
    """One thing in both: where it stands first in each, and what it is."""

    kind: str
    first: Place
    second: Place
    what: str


class Leaks(msgspec.Struct, frozen=True):
    """What two datasets share. `counts` are distinct pictures or records of the second, by kind; `notes` say what was not compared."""

    first: str
    second: str
    counts: dict[str, int]
    leaks: tuple[Leak, ...]
    notes: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many pictures and records of the second are affected, over all kinds."""
        return sum(self.counts.values())


def find_leaks(
    targets: Sequence[Target], *, near: Nearness | None = None, workers: int = 0, on_progress: OnProgress | None = None
) -> list[Leaks]:
    """Compare datasets, each `DIR/NAME` with every later one.

    Raises:
        DataError: one of them cannot be read.
        UsageError: a threshold that cannot be searched.
    """
    datasets = [Dataset(target) for target in targets]
    same_names = len({dataset.name for dataset in datasets}) < len(datasets)
    names = [str(dataset.paths.out / dataset.name) if same_names else dataset.name for dataset in datasets]
    corpora = [read_corpus(name, dataset.paths.out, dataset.contract) for name, dataset in zip(names, datasets, strict=True)]
    return list(compare_all(corpora, near=near, workers=workers, on_progress=on_progress))


def compare_all(
    corpora: Sequence[Corpus], *, near: Nearness | None = None, workers: int = 0, on_progress: OnProgress | None = None
) -> Iterator[Leaks]:
    """Compare each corpus with every later one; every picture file is opened once."""
    prints = Prints(corpora, count_workers(workers), on_progress)
    for one, other in combinations(range(len(corpora)), 2):
        yield _compare(corpora[one], corpora[other], prints.of(one), prints.of(other), prints.notes, near or Nearness())


def _compare(first: Corpus, second: Corpus, ours: PrintsOf, theirs: PrintsOf, notes: tuple[str, ...], near: Nearness) -> Leaks:
    leaks: dict[str, list[Leak]] = {}
    counts: dict[str, int] = {}

    def found(kind: str, count: int, some: Iterable[tuple[int, int, str]]) -> None:
        counts[kind] = counts.get(kind, 0) + count
        places = (Leak(kind, first.place(one), second.place(other), what) for one, other, what in some)
        leaks[kind] = list(islice(chain(leaks.get(kind, ()), places), KEPT))

    for mine, other in ((first.pictures, second.pictures), (first.videos, second.videos)):
        found("picture", *_same_names(mine, other))
    found("near_picture", *_near_pictures(ours, theirs, near.picture_distance))
    rows, others = shared_firsts(first.examples, second.examples)
    same = zip(rows[:KEPT].tolist(), others[:KEPT].tolist(), strict=True)
    found("example", len(rows), ((one, other, "equal texts and pictures") for one, other in same))
    texts = near_texts(first.texts, second.texts, similarity=near.text_similarity, most=KEPT)
    found("near_text", texts.affected, ((text.first, text.second, f"{text.similarity:.0%} alike") for text in texts.pairs))
    notes += (_LIMITED,) if texts.limited else ()
    return Leaks(first.name, second.name, counts, tuple(leak for kind in KINDS for leak in leaks[kind]), notes)


def _same_names(mine: Shown, others: Shown) -> tuple[int, Iterator[tuple[int, int, str]]]:
    """How many files both show, and the first of them by their names."""
    here, there = shared_firsts(mine.digests, others.digests)
    named = ((mine.names[one], one, other) for one, other in zip(here.tolist(), there.tolist(), strict=True))
    some = nsmallest(KEPT, named)
    return len(here), ((mine.row(one), others.row(other), name) for name, one, other in some)


def _near_pictures(ours: PrintsOf, theirs: PrintsOf, distance: int) -> tuple[int, Iterator[tuple[int, int, str]]]:
    """How many pictures of the second are near one of the first, and the nearest pairs."""
    seen = bytearray(len(theirs.hashes))

    def named() -> Iterator[tuple[int, str, str, int, int]]:
        for one, other, apart in near_looks(ours, theirs, distance):
            seen[other] = 1
            yield apart, ours.name(one), theirs.name(other), one, other

    some = nsmallest(KEPT, named())
    whats = ((one, other, f"{name} ~ {its}, {apart} of {BITS} bits apart") for apart, name, its, one, other in some)
    return sum(seen), ((ours.row(one), theirs.row(other), what) for one, other, what in whats)
