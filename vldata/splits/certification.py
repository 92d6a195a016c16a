"""Re-proving a split from its files: nothing is taken from the certificate but what it claims."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from vldata.errors import DataError
from vldata.files.gate import below
from vldata.output.contract import Contract, read_contract
from vldata.output.folder import DatasetPaths
from vldata.output.sides import iter_sides, parent_digest
from vldata.records.record import Record, iter_records
from vldata.splits.grouping import BY_PICTURE, group_keys
from vldata.splits.leaks import KINDS, Nearness, OnProgress, compare_all, contents_of, read_corpus
from vldata.splits.near_pictures import BITS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
    keys = _keys_by(out, sides, claims[0].group_by)
    hashed = {what: {side: _hashes(keys[what](contract)) for side, contract in sides.items()} for what in keys}
    checks = [
        _claims_agree(sides),
        *(_disjoint(what, found, sides, keys[what]) for what, found in hashed.items()),
        *_near_checks(out, sides, near or Nearness(), workers, on_progress),
        *_parent_checks(out, parent, sides, hashed["ids"]),
    ]
    return Certification(parent, {side: found.total for side, found in hashed["ids"].items()}, claims[0].group_by, tuple(checks))


Keys = Callable[[Contract], Iterator[tuple[str, str]]]
"""What stands in a side, each with the label that an example shows."""


def _keys_by(out: Path, sides: dict[str, Contract], group_by: str) -> dict[str, Keys]:
    """What must not be on two sides: how the keys of one side are read from its files."""

    def ids(contract: Contract) -> Iterator[tuple[str, str]]:
        return ((record.id, record.id) for record in _read_side(out, contract))

    def pictures(contract: Contract) -> Iterator[tuple[str, str]]:
        return ((path, path) for record in _read_side(out, contract) for path in record.media)

    def examples(contract: Contract) -> Iterator[tuple[str, str]]:
        return ((text, record.id) for record in _read_side(out, contract) for text in contents_of(record))

    keys: dict[str, Keys] = {"pictures": pictures, "whole examples (texts and pictures)": examples}
    groups = {} if group_by == "none" else {f"groups by {group_by}": _groups(out, sides, group_by)}
    return {**groups, "ids": ids, **keys}


def _groups(out: Path, sides: dict[str, Contract], group_by: str) -> Keys:
    """The groups of a side, found over all of them: pictures may link records of two sides."""
    linked: dict[str, list[str]] = {}
    if group_by == BY_PICTURE and all(BY_PICTURE not in contract.columns for contract in sides.values()):
        everything = [record for contract in sides.values() for record in _read_side(out, contract)]
        keys = group_keys(everything, group_by)
        linked = {contract.name: [next(keys) for _ in range(contract.counts.written)] for contract in sides.values()}

    def groups(contract: Contract) -> Iterator[tuple[str, str]]:
        told = iter(linked.get(contract.name, ()))
        for record in _read_side(out, contract):
            group = (next(told) if linked else record.meta.get(group_by)) or record.id
            yield group, group

    return groups


class _Hashed(NamedTuple):
    """Keys as numbers of 64 bits, eight bytes a key instead of its text: each once, in order, and how many there were."""

    distinct: NDArray[np.uint64]
    total: int


def _hashes(keys: Iterable[tuple[str, str]]) -> _Hashed:
    import numpy as np

    found = array("Q")
    for key, _ in keys:
        found.append(_hash(key))
    return _Hashed(np.unique(np.frombuffer(found, dtype=np.uint64)) if found else np.empty(0, dtype=np.uint64), len(found))


def _hash(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


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


def _disjoint(what: str, hashed: dict[str, _Hashed], sides: dict[str, Contract], keys: Keys) -> Proof:
    """Prove that no key of a side is on another; where hashes meet, the keys themselves are read again and compared."""
    import numpy as np

    meet = {
        int(h) for one, other in combinations(hashed.values(), 2) for h in np.intersect1d(one.distinct, other.distinct, assume_unique=True)
    }
    labels = {side: {key: label for key, label in keys(contract) if _hash(key) in meet} for side, contract in sides.items()} if meet else {}
    shared: dict[str, str] = {}
    for first, second in combinations(labels, 2):
        for key in labels[first].keys() & labels[second].keys():
            here, there = labels[first][key], labels[second][key]
            shared[key] = f"{here} in {first} and {'' if here == there else f'{there} '}in {second}"
    counts = ", ".join(f"{side} {len(found.distinct):,}" for side, found in hashed.items())
    return Proof(what, not shared, f"{counts}; {len(shared):,} on two sides.", len(shared), tuple(sorted(shared.values())[:5]))


def _near_checks(out: Path, sides: dict[str, Contract], near: Nearness, workers: int, on_progress: OnProgress | None) -> Iterator[Proof]:
    corpora = [read_corpus(name, out, contract) for name, contract in sides.items()]
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


def _parent_checks(out: Path, parent: str, sides: dict[str, Contract], ids_of: dict[str, _Hashed]) -> list[Proof]:
    import numpy as np

    paths = DatasetPaths(out, parent)
    if not paths.contract.is_file():
        return [Proof("parent", True, f"{parent!r} is not here: coverage of the parent was not checked.")]
    contract = read_contract(paths)
    digest = parent_digest(contract)
    same = all(side.split and side.split.parent_sha256 == digest for side in sides.values())
    ids = _hashes((record.id, "") for record in _read_side(out, contract))
    split_ids = np.unique(np.concatenate([found.distinct for found in ids_of.values()]))
    return [
        Proof("parent unchanged", same, "its digest is the one the sides name." if same else f"{parent!r} changed after the split."),
        Proof(
            "every record on a side",
            bool(np.array_equal(ids.distinct, split_ids)),
            f"{len(ids.distinct):,} in {parent!r}, {len(split_ids):,} on the sides.",
        ),
    ]
