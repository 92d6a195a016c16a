"""Re-proving a split from its files: nothing is taken from the certificate but what it claims."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from heapq import nsmallest
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import msgspec

from vldata.errors import DataError
from vldata.files.gate import below
from vldata.output.contract import Contract, read_contract
from vldata.output.folder import DatasetPaths
from vldata.output.sides import iter_sides, parent_digest
from vldata.records.record import Record, iter_records
from vldata.splits.corpus import Corpus, Named, read_corpus
from vldata.splits.digests import Digests, iter_parts
from vldata.splits.grouping import BY_PICTURE, group_keys
from vldata.splits.leaks import KINDS, Nearness, compare_all
from vldata.splits.near_pictures import BITS
from vldata.splits.prints import OnProgress


class Proof(msgspec.Struct, frozen=True):
    """One thing that was proved or disproved: `shared` counts what is on two sides, `examples` are at most five of it.

    `proof` is False for what is measured with a threshold (near-duplicates): something to look at, not a broken promise.
    """

    name: str
    good: bool
    detail: str
    shared: int = 0
    examples: tuple[str, ...] = ()
    proof: bool = True


class Certification(msgspec.Struct, frozen=True):
    """The outcome for one split."""

    parent: str
    sides: dict[str, int]
    group_by: str
    checks: tuple[Proof, ...]

    @property
    def good(self) -> bool:
        """Whether every proof held."""
        return all(check.good for check in self.checks if check.proof)

    @property
    def spotless(self) -> bool:
        """Whether there is nothing to look at either."""
        return all(check.good for check in self.checks)


def certify(
    out: Path, name: str, *, near: Nearness | None = None, workers: int = 0, on_progress: OnProgress | None = None
) -> Certification:
    """Re-prove the split that `name` was split into, or is a side of.

    Args:
        out: the folder of dataset_info.json.
        name: the dataset, or one of its sides.
        near: what counts as a near-duplicate; by default `Nearness()`.
        workers: processes that open the pictures; 0: one a core.
        on_progress: called with pictures done and in all.

    Raises:
        DataError: there is no split, or a side cannot be read.
    """
    parent = _parent_of(out, name)
    sides = dict(iter_sides(out, parent))
    if not sides:
        raise DataError(f"{parent!r} has no registered split.", where=str(out), cure=f"Make one: vldata split {out / parent} --test 0.2")
    claims = [contract.split for contract in sides.values() if contract.split]
    read = _read_sides(out, sides, claims[0].group_by)
    checks = [
        _claims_agree(sides),
        *_disjoint_checks(read, claims[0].group_by),
        *_near_checks([side.corpus for side in read], near or Nearness(), workers, on_progress),
        *_parent_checks(out, parent, sides, [side.ids for side in read]),
    ]
    return Certification(parent, {side.corpus.name: len(side.ids) for side in read}, claims[0].group_by, tuple(checks))


class _Side(NamedTuple):
    """What is read of one side: its records, and besides the digests of their ids, and their groups."""

    corpus: Corpus
    ids: Digests
    groups: Named


class _Keys(NamedTuple):
    """What stands in a side, by digests, and how an example shows the one of a row."""

    digests: Digests
    label: Callable[[int], str]


def _read_sides(out: Path, sides: dict[str, Contract], group_by: str) -> list[_Side]:
    """Read every side once; groups by picture are found over all of them before, as pictures may link records of two sides."""
    linked: Iterator[str] | None = None
    if group_by == BY_PICTURE and all(BY_PICTURE not in contract.columns for contract in sides.values()):
        linked = group_keys(_Records(out, tuple(sides.values())), group_by)
    read = []
    for name, contract in sides.items():
        ids, groups = Digests(), Named()

        def also(record: Record, row: int, ids: Digests = ids, groups: Named = groups) -> None:
            ids.add(record.id, row)
            if group_by != "none":
                groups.add((next(linked) if linked is not None else record.meta.get(group_by)) or record.id)

        read.append(_Side(read_corpus(name, out, contract, also=also), ids, groups))
    return read


class _Records(Collection[Record]):
    """The records of some datasets, read again each time they are asked for."""

    def __init__(self, out: Path, contracts: Sequence[Contract]) -> None:
        self._out, self._contracts = out, contracts

    def __len__(self) -> int:
        return sum(contract.counts.written for contract in self._contracts)

    def __iter__(self) -> Iterator[Record]:
        for contract in self._contracts:
            yield from _read_side(self._out, contract)

    def __contains__(self, record: object) -> bool:
        return any(one == record for one in self)


def _disjoint_checks(read: Sequence[_Side], group_by: str) -> Iterator[Proof]:
    """Prove for each kind of thing that none is on two sides."""
    names = [side.corpus.name for side in read]
    corpora = [side.corpus for side in read]
    if group_by != "none":
        yield _disjoint(f"groups by {group_by}", names, [[_Keys(side.groups.digests, side.groups.names.__getitem__) for side in read]])
    yield _disjoint("ids", names, [[_Keys(side.ids, side.corpus.ids.__getitem__) for side in read]])
    media = [[corpus.pictures for corpus in corpora], [corpus.videos for corpus in corpora]]
    yield _disjoint("pictures", names, [[_Keys(shown.digests, shown.names.__getitem__) for shown in kind] for kind in media])
    examples = [_Keys(corpus.examples, corpus.ids.__getitem__) for corpus in corpora]
    yield _disjoint("whole examples (texts and pictures)", names, [examples])


def _parent_of(out: Path, name: str) -> str:
    paths = DatasetPaths(out, name)
    contract = read_contract(paths)
    return contract.split.parent if contract.split else name


def _read_side(out: Path, contract: Contract) -> Iterable[Record]:
    for file in contract.files:
        for _, record in iter_records(below(out, file.name).checked()):
            yield record


def _claims_agree(sides: dict[str, Contract]) -> Proof:
    claims = {
        (c.split.parent_sha256, c.split.group_by, c.split.seed, tuple(sorted(c.split.sizes.items()))) for c in sides.values() if c.split
    }
    sizes = [contract.split.sizes for contract in sides.values() if contract.split]
    complete = all(set(size) == {c.split.side for c in sides.values() if c.split} for size in sizes)
    good = len(claims) == 1 and complete
    return Proof(
        "sides of one split", good, "all sides name the same parent, seed and sizes." if good else "the sides come from different splits."
    )


def _disjoint(what: str, names: Sequence[str], kinds: Sequence[Sequence[_Keys]]) -> Proof:
    """Prove that no key of a side is on another, by digests of 128 bits; of each kind there are the keys of every side."""
    import numpy as np

    counts, shared = [0] * len(names), 0
    examples: list[str] = []
    for keys in kinds:
        for part in iter_parts([one.digests for one in keys]):
            lasts = np.stack([part.lasts(which) for which in range(len(keys))])
            counts = [count + int((column >= 0).sum()) for count, column in zip(counts, lasts, strict=True)]
            several = (lasts >= 0).sum(axis=0) > 1
            shared += int(several.sum())
            examples = nsmallest(5, chain(examples, (_told(names, keys, rows) for rows in lasts.T[several].tolist())))
    told = ", ".join(f"{side} {count:,}" for side, count in zip(names, counts, strict=True))
    return Proof(what, not shared, f"{told}; {shared:,} on two sides.", shared, tuple(examples))


def _told(names: Sequence[str], keys: Sequence[_Keys], rows: Sequence[int]) -> str:
    """Say where a key stands: in the last two sides that have it."""
    first, second = [which for which, row in enumerate(rows) if row >= 0][-2:]
    here, there = keys[first].label(rows[first]), keys[second].label(rows[second])
    return f"{here} in {names[first]} and {'' if here == there else f'{there} '}in {names[second]}"


def _near_checks(corpora: Sequence[Corpus], near: Nearness, workers: int, on_progress: OnProgress | None) -> Iterator[Proof]:
    found = list(compare_all(corpora, near=near, workers=workers, on_progress=on_progress))
    notes = "".join(f" {note}" for note in dict.fromkeys(note for result in found for note in result.notes))
    limits = {"near_picture": f"within {near.picture_distance} of {BITS} bits", "near_text": f"at least {near.text_similarity:.0%} alike"}
    for kind, limit in limits.items():
        count = sum(result.counts[kind] for result in found)
        examples = [
            f"{leak.first.id} in {result.first} and {leak.second.id} in {result.second}: {leak.what}"
            for result in found
            for leak in result.leaks
            if leak.kind == kind
        ]
        detail = f"{count:,} on two sides, {limit}.{notes if kind == 'near_picture' else ''}"
        yield Proof(KINDS[kind], not count, detail, count, tuple(examples[:5]), proof=False)


def _parent_checks(out: Path, parent: str, sides: dict[str, Contract], ids_of: Sequence[Digests]) -> list[Proof]:
    paths = DatasetPaths(out, parent)
    if not paths.contract.is_file():
        return [Proof("parent", True, f"{parent!r} is not here: coverage of the parent was not checked.")]
    contract = read_contract(paths)
    digest = parent_digest(contract)
    same = all(side.split and side.split.parent_sha256 == digest for side in sides.values())
    ids = Digests()
    for row, record in enumerate(_read_side(out, contract)):
        ids.add(record.id, row)
    whole = split = both = 0
    for part in iter_parts([ids, *ids_of]):
        here = part.present(0)
        whole += int(here.sum())
        split += int(part.present_in_any(1).sum())
        both += int((here & part.present_in_any(1)).sum())
    return [
        Proof("parent unchanged", same, "its digest is the one the sides name." if same else f"{parent!r} changed after the split."),
        Proof("every record on a side", whole == split == both, f"{whole:,} in {parent!r}, {split:,} on the sides."),
    ]
