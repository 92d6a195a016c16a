"""Re-proving a split from its files: nothing is taken from the certificate but what it claims."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path

import msgspec

from vldata.errors import DataError
from vldata.files.gate import below
from vldata.output.contract import Contract, read_contract
from vldata.output.folder import DatasetPaths
from vldata.output.sides import iter_sides, parent_digest
from vldata.records.record import Record, iter_records
from vldata.splits.grouping import by_picture, group_keys
from vldata.splits.leaks import KINDS, Nearness, OnProgress, compare_all, contents_of, read_corpus
from vldata.splits.near_pictures import BITS


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
    records = {side: list(_read_side(out, contract)) for side, contract in sides.items()}
    claims = [contract.split for contract in sides.values() if contract.split]
    group_by = claims[0].group_by
    checks = [
        _claims_agree(sides),
        _disjoint("ids", {side: {record.id: record.id for record in rows} for side, rows in records.items()}),
        _disjoint("pictures", {side: {path: path for record in rows for path in record.media} for side, rows in records.items()}),
        _disjoint(
            "whole examples (texts and pictures)",
            {side: {text: r.id for r in rows for text in contents_of(r)} for side, rows in records.items()},
        ),
        *_near_checks(out, sides, near or Nearness(), workers, on_progress),
        *_parent_checks(out, parent, sides, records),
    ]
    if group_by != "none":
        checks.insert(1, _disjoint(f"groups by {group_by}", _groups(records, group_by)))
    return Certification(parent, {side: len(rows) for side, rows in records.items()}, group_by, tuple(checks))


def _groups(records: dict[str, list[Record]], group_by: str) -> dict[str, dict[str, str]]:
    """The groups of each side, found over all of them: pictures may link records of two sides."""
    everything = [record for rows in records.values() for record in rows]
    if by_picture(everything, group_by):
        keys = iter(group_keys(everything, group_by))
        return {side: {(group := next(keys) or record.id): group for record in rows} for side, rows in records.items()}
    return {side: {(group := record.meta.get(group_by) or record.id): group for record in rows} for side, rows in records.items()}


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


def _disjoint(what: str, labels: dict[str, dict[str, str]]) -> Proof:
    """Prove that no key of a side is on another; the labels are for the examples."""
    shared: dict[str, str] = {}
    for first, second in combinations(labels, 2):
        for key in labels[first].keys() & labels[second].keys():
            here, there = labels[first][key], labels[second][key]
            shared[key] = f"{here} in {first} and {'' if here == there else f'{there} '}in {second}"
    counts = ", ".join(f"{side} {len(found):,}" for side, found in labels.items())
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


def _parent_checks(out: Path, parent: str, sides: dict[str, Contract], records: dict[str, list[Record]]) -> list[Proof]:
    paths = DatasetPaths(out, parent)
    if not paths.contract.is_file():
        return [Proof("parent", True, f"{parent!r} is not here: coverage of the parent was not checked.")]
    contract = read_contract(paths)
    digest = parent_digest(contract)
    same = all(side.split and side.split.parent_sha256 == digest for side in sides.values())
    ids = {record.id for record in _read_side(out, contract)}
    split_ids = {record.id for rows in records.values() for record in rows}
    return [
        Proof("parent unchanged", same, "its digest is the one the sides name." if same else f"{parent!r} changed after the split."),
        Proof("every record on a side", ids == split_ids, f"{len(ids):,} in {parent!r}, {len(split_ids):,} on the sides."),
    ]
