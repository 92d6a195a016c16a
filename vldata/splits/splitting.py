"""Splitting a dataset by groups: exact sizes, no group on two sides, and a certificate of what a split by rows would have leaked."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path

import msgspec

from vldata.datasets.derive import NewDataset, publish_parts, read_media
from vldata.datasets.rows import ChosenRows, Records, Rows, row_numbers
from vldata.datasets.whole import read_whole
from vldata.errors import DataError, UsageError
from vldata.output.contract import Certificate, Contract, Counts, RowSplitLeak, read_contract
from vldata.output.dataset_info import no_dataset, read_dataset_info
from vldata.output.folder import DatasetPaths, check_name
from vldata.output.journal import recover
from vldata.output.ownership import hold_dataset
from vldata.output.sides import iter_sides, parent_digest
from vldata.splits.grouping import (
    LEAK_SHUFFLES,
    SIDES,
    RecordGroups,
    Side,
    assign_sides,
    count_of,
    group_keys,
    number_groups,
    row_split_leak,
)
from vldata.wording import counted


class SplitResult(msgspec.Struct, frozen=True):
    """What a split made: dataset name and record count of each side, groups a side, and the leak of a split by rows."""

    names: dict[str, str]
    sizes: dict[str, int]
    groups: dict[str, int]
    leak: RowSplitLeak | None
    notes: tuple[str, ...]


def split(
    out: Path, name: str, *, test: float = 0, val: float = 0, group_by: str = "scene", seed: int = 0, overwrite: bool = False
) -> SplitResult:
    """Split dataset `name` of folder `out` into NAME_train, NAME_val and NAME_test, registered next to it.

    Args:
        out: the folder of dataset_info.json.
        name: the dataset.
        test: records of the test side; below 1, a fraction of all, rounded up.
        val: records of the validation side; below 1, a fraction of what remains after test, rounded up.
        group_by: a key of `meta`, whose values stay whole; "image": records that show a same picture; or "none".
        seed: of the choice and of the leak estimate.
        overwrite: replace sides of an earlier split of this dataset.

    Raises:
        UsageError: sizes that cannot be.
        DataError: unknown dataset or key, a name in use, or no choice of groups of the exact size.
    """
    check_name(name)
    parent = DatasetPaths(out, name)
    if not parent.state.is_dir() and name not in read_dataset_info(out):
        raise no_dataset(out, name)  # before a lock is laid into a folder that is none of ours
    with hold_dataset(parent):
        recover(parent, "split", owned=_side_names(name))
        return _split_locked(parent, test, val, group_by, seed, overwrite=overwrite)


def _split_locked(parent: DatasetPaths, test: float, val: float, group_by: str, seed: int, *, overwrite: bool) -> SplitResult:
    if parent.name not in read_dataset_info(parent.out):
        raise no_dataset(parent.out, parent.name)
    contract = read_contract(parent)
    with read_whole(parent, contract) as whole:
        records = whole.records
        groups = number_groups(records, group_by)
        n_test = count_of(test, len(whole), "--test")
        n_val = count_of(val, len(whole) - n_test, "--val")
        if not n_test and not n_val:
            raise UsageError("nothing to split off.", cure="Give --test, --val or both, as a number of records or a fraction.")
        if n_test + n_val >= len(whole):
            raise UsageError(f"test ({n_test:,}) and val ({n_val:,}) leave nothing of {len(whole):,} records to train on.")
        sides, notes = assign_sides(groups.sizes, n_test, n_val, seed, test_may_move=0 < test < 1, val_may_move=0 < val < 1)
        rows = _rows_of_sides(groups, sides)
        names = {side: f"{parent.name}_{side}" for side in rows}
        _refuse_existing(parent, names.values(), overwrite=overwrite)
        result = SplitResult(
            names={str(side): name for side, name in names.items()},
            sizes={side: len(members) for side, members in rows.items()},
            groups={side: sides.count(SIDES.index(side)) for side in rows},
            leak=_leak(groups, rows, group_by, seed),
            notes=(*notes, *_shared_pictures(whole, rows)),
        )
        parent_sha256 = parent_digest(contract)
        shared = _shared_groups(records, rows, group_by)
        certificates = {
            side: Certificate(parent.name, parent_sha256, side, group_by, seed, result.sizes, result.groups, shared, result.leak)
            for side in rows
        }
        _publish_sides(parent, contract, whole, rows, certificates)
    return result


def _rows_of_sides(groups: RecordGroups, sides: bytearray) -> dict[Side, array[int]]:
    """The rows of each side that has a group."""
    rows = {side: row_numbers() for place, side in enumerate(SIDES) if place in sides}
    of_place = [rows.get(side) for side in SIDES]
    for row, group in enumerate(groups.of_row):
        members = of_place[sides[group]]
        assert members is not None
        members.append(row)
    return rows


def _shared_groups(records: Records, rows: dict[Side, array[int]], group_by: str) -> int:
    """Count the groups on two sides, from the records as they are about to be written: what the certificate says is looked up, not assumed.

    Raises:
        DataError: there is one; nothing is written then.
    """
    if group_by == "none":
        return 0
    import numpy as np

    side_of_row = bytearray(len(records))
    for place, members in enumerate(rows.values()):
        for row in members:
            side_of_row[row] = 1 << place
    hashes = np.empty(len(records), np.int64)
    for row, group in enumerate(group_keys(records, group_by)):
        hashes[row] = hash(group)
        side_of_row[row] *= group != ""
    sides = np.frombuffer(side_of_row, np.uint8)
    of_side = [np.unique(hashes[sides == 1 << place]) for place in range(len(rows))]
    several = [np.intersect1d(one, other, assume_unique=True) for one, other in combinations(of_side, 2)]
    suspects = {int(number) for found in several for number in found}
    seen: dict[str, int] = {}
    for side, group in zip(side_of_row, group_keys(records, group_by) if suspects else (), strict=bool(suspects)):
        if hash(group) in suspects:
            seen[group] = seen.get(group, 0) | side
    if shared := [group for group, on in seen.items() if on & (on - 1)]:
        raise DataError(
            f"{len(shared):,} groups would be on two sides, the first {shared[0]!r}.", cure="This is a fault of vldata: report it."
        )
    return 0


def _shared_pictures(whole: Rows, rows: dict[Side, array[int]]) -> Iterator[str]:
    """Warn of pictures that two sides show: groups that look apart by name may still hold the same files."""
    kinds = whole.kinds()
    seen = {
        side: {image for record in whole.records.at(row for row in members if kinds[row]) for image in record.media}
        for side, members in rows.items()
    }
    for first, second in combinations(seen, 2):
        if shared := seen[first] & seen[second]:
            count = counted(len(shared), "picture")
            yield f"Warning: {first} and {second} share {count} under other groups; --group-by image keeps them on one side."


def _leak(groups: RecordGroups, rows: dict[Side, array[int]], group_by: str, seed: int) -> RowSplitLeak | None:
    """Estimate the leak of a split by rows of the same sizes; none is defined without groups."""
    if group_by == "none":
        return None
    import numpy as np

    held_out: Side = "test" if "test" in rows else "val"
    other = len(rows.get("val", ())) if held_out == "test" else 0
    sizes = np.frombuffer(groups.sizes, dtype=np.uint32)[groups.seen]
    group_of_row = np.repeat(np.arange(len(sizes)), sizes)
    return RowSplitLeak(round(row_split_leak(group_of_row, len(rows[held_out]), other, seed), 4), LEAK_SHUFFLES, group_by)


def _refuse_existing(parent: DatasetPaths, names: Iterable[str], *, overwrite: bool) -> None:
    table = read_dataset_info(parent.out)
    for name in names:
        paths = DatasetPaths(parent.out, name)
        if name not in table and not paths.records.exists():
            continue
        certificate = read_contract(paths).split if paths.contract.exists() else None
        ours = certificate is not None and certificate.parent == parent.name
        if not (overwrite and ours):
            cure = (
                "Replace the earlier split with --overwrite." if ours else "It is not a side of a split of this dataset: rename it first."
            )
            raise DataError(f"{name!r} is there already.", where=str(parent.out), cure=cure)


def _publish_sides(
    parent: DatasetPaths,
    contract: Contract,
    whole: Rows,
    rows: dict[Side, array[int]],
    certificates: dict[Side, Certificate],
) -> None:
    """Publish every side together, and unregister sides of an earlier split that this one does not have."""
    media = read_media(parent)
    parts = []
    for side, certificate in certificates.items():
        chosen = rows[side]
        counts = Counts(read=len(whole), written=len(chosen), rejected=0, excluded=len(whole) - len(chosen))
        base = msgspec.structs.replace(contract, counts=counts, split=certificate)
        parts.append(NewDataset(f"{parent.name}_{side}", ChosenRows(whole, chosen), base))
    names = {part.name for part in parts}
    ours = _side_names(parent.name)  # one that was renamed is its owner's to keep
    stale = tuple(name for name, _ in iter_sides(parent.out, parent.name) if name not in names and name in ours)
    publish_parts(parent, parts, media, made_by="split", unregister=stale)


def _side_names(parent: str) -> tuple[str, ...]:
    return tuple(f"{parent}_{side}" for side in SIDES)
