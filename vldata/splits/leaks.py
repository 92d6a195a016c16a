"""What two datasets share that they should not: pictures, pictures that look alike, whole examples, texts that say the same."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import msgspec

from vldata.datasets.dataset import Dataset
from vldata.files.gate import SafePath, below
from vldata.media.refs import Failure
from vldata.output.contract import Contract
from vldata.output.folder import Target
from vldata.records.record import Record, iter_records, plain_text
from vldata.splits.digests import Digests, PackedNames
from vldata.splits.near_pictures import BITS, DEFAULT_DISTANCE, fingerprints, near_pairs
from vldata.splits.near_texts import DEFAULT_SIMILARITY, Texts, near_texts, words_of
from vldata.wording import counted
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

OnProgress = Callable[[str, int, int], None]


class Nearness(msgspec.Struct, frozen=True):
    """What counts as near: bits of a picture's hash that may differ, share of a text's shingles that must agree."""

    picture_distance: int = DEFAULT_DISTANCE
    text_similarity: float = DEFAULT_SIMILARITY


class Place(msgspec.Struct, frozen=True):
    """A record: `file:line` and id."""

    at: str
    id: str


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


class Corpus(msgspec.Struct, frozen=True, kw_only=True):
    """One dataset as it is compared: records go by their numbers. Everything stands where it is used first.

    Attributes:
        pictures: the first record of each picture, by its path; `videos` likewise.
        examples: digests of what each record says and shows.
        texts: what each record says.
        ids: the id of each record.
        lines: the line of each record in its file; `files` are the first record of each file.
    """

    name: str
    out: Path
    pictures: dict[str, int]
    videos: dict[str, int]
    examples: Digests
    texts: Texts
    ids: PackedNames
    lines: array[int]
    files: dict[int, str]

    def place(self, row: int) -> Place:
        """Where a record stands."""
        first = max(start for start in self.files if start <= row)
        return Place(f"{self.files[first]}:{self.lines[row]}", self.ids[row])


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
    prints, notes = _fingerprint_all(corpora, count_workers(workers), on_progress)
    for one, other in combinations(range(len(corpora)), 2):
        yield _compare(corpora[one], corpora[other], prints[one], prints[other], notes, near or Nearness())


def read_corpus(name: str, out: Path, contract: Contract) -> Corpus:
    """Read the records of one dataset."""
    corpus = Corpus(
        name=name, out=out, pictures={}, videos={}, examples=Digests(), texts=Texts(), ids=PackedNames(), lines=array("Q"), files={}
    )
    for file in contract.files:
        corpus.files[len(corpus.ids)] = file.name
        for number, record in iter_records(below(out, file.name).checked()):
            row = len(corpus.ids)
            corpus.ids.append(record.id)
            corpus.lines.append(number)
            corpus.texts.add(words_of(record), alone=not record.media)
            for content in contents_of(record):
                corpus.examples.add(content, row)
            for image in record.images:
                corpus.pictures.setdefault(image, row)
            for video in record.kept_videos:
                corpus.videos.setdefault(video, row)
    return corpus


def contents_of(record: Record) -> Iterator[str]:
    """Yield what an example says and shows; of a pair once with the chosen and once with the rejected answer."""
    *before, last = (plain_text(message.content) for message in record.messages)
    lasts = [last] if record.rejected is msgspec.UNSET else [last, plain_text(record.rejected.content)]
    for last in lasts:
        yield "\x1f".join((*before, last)) + f"\x1e{' '.join(record.media)}"


def _fingerprint_all(
    corpora: Sequence[Corpus], workers: int, on_progress: OnProgress | None
) -> tuple[list[dict[str, bytes]], tuple[str, ...]]:
    files = list(dict.fromkeys(below(corpus.out.absolute(), picture) for corpus in corpora for picture in corpus.pictures))
    found: dict[SafePath, bytes] = {}
    lost = plain = 0
    for done, (index, result) in enumerate(fingerprints(files, workers=workers) if files else (), start=1):
        lost += isinstance(result, Failure)
        plain += result == b""
        if isinstance(result, bytes):
            found[files[index]] = result
        if on_progress:
            on_progress("all", done, len(files))
    notes = []
    if lost:
        notes.append(f"Not compared, as they cannot be read: {counted(lost, 'picture')}. vldata validate names them.")
    if plain:
        notes.append(f"Compared by their bytes alone, as they are of one colour: {counted(plain, 'picture')}.")
    by_corpus = []
    for corpus in corpora:
        paths = {picture: below(corpus.out.absolute(), picture) for picture in corpus.pictures}
        by_corpus.append({picture: found[path] for picture, path in paths.items() if path in found})
    return by_corpus, tuple(notes)


def _compare(
    first: Corpus, second: Corpus, ours: Mapping[str, bytes], theirs: Mapping[str, bytes], notes: tuple[str, ...], near: Nearness
) -> Leaks:
    leaks: dict[str, list[Leak]] = {kind: [] for kind in KINDS}
    affected: dict[str, set[str | bytes | int]] = {kind: set() for kind in KINDS}

    def add(kind: str, one: int, other: int, key: str | bytes | int, what: str) -> None:
        affected[kind].add(key)
        if len(leaks[kind]) < KEPT:
            leaks[kind].append(Leak(kind, first.place(one), second.place(other), what))

    for picture in sorted(first.pictures.keys() & second.pictures.keys()):
        add("picture", first.pictures[picture], second.pictures[picture], picture, picture)
    for video in sorted(first.videos.keys() & second.videos.keys()):
        add("picture", first.videos[video], second.videos[video], video, video)
    for pair in near_pairs(ours, theirs, distance=near.picture_distance):
        what = f"{pair.first} ~ {pair.second}, {pair.distance} of {BITS} bits apart"
        add("near_picture", first.pictures[pair.first], second.pictures[pair.second], pair.second, what)
    for content in first.examples.shared(second.examples):
        add("example", content.first[0], content.second[0], content.digest, "equal texts and pictures")
    texts = near_texts(first.texts, second.texts, similarity=near.text_similarity)
    for text in texts.pairs:
        add("near_text", text.first, text.second, text.second, f"{text.similarity:.0%} alike")
    notes += (_LIMITED,) if texts.limited else ()
    counts = {kind: len(keys) for kind, keys in affected.items()}
    return Leaks(first.name, second.name, counts, tuple(leak for kind in KINDS for leak in leaks[kind]), notes)
