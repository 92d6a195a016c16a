"""Which side of a split each group goes to, and what a split by rows would have leaked instead."""

from __future__ import annotations

import itertools
import math
import random
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from vldata.errors import DataError, UsageError
from vldata.records.record import Record
from vldata.splits.sorting import sorted_pairs
from vldata.splits.subset_sum import choose_exact, nearest_sums

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Side = Literal["train", "val", "test"]
SIDES: tuple[Side, ...] = ("train", "val", "test")
LEAK_SHUFFLES = 200
_ATTEMPTS = 50
_VAL, _TEST = SIDES.index("val"), SIDES.index("test")

BY_PICTURE = "image"


class RecordGroups(NamedTuple):
    """The groups of records by number, in the order of their names."""

    of_row: array[int]  # the group of each row
    sizes: array[int]  # rows of each group
    firsts: array[int]  # the first row of each group

    @property
    def seen(self) -> NDArray[np.int64]:
        """Group numbers in the order in which the rows show them."""
        import numpy as np

        return np.argsort(np.frombuffer(self.firsts, np.uint32), kind="stable")


def number_groups(records: Collection[Record], group_by: str) -> RecordGroups:
    """Find the group of each row; a record without a value is a group of its own.

    Raises:
        DataError: `group_by` is neither a meta key of the records nor "image" nor "none".
    """
    of_row = array("I", bytes(4 * len(records)))
    sizes, firsts = array("I"), array("I")  # of each group its rows, and the first of them
    before = b""
    for name, row in sorted_pairs(_names(records, group_by)):
        if not sizes or name != before:
            sizes.append(0)
            firsts.append(row)
            before = name
        of_row[row] = len(sizes) - 1
        sizes[-1] += 1
    return RecordGroups(of_row, sizes, firsts)


def _names(records: Collection[Record], group_by: str) -> Iterator[tuple[bytes, int]]:
    """The name of every row's group; one that stands alone goes by its id."""
    for row, (key, record) in enumerate(zip(group_keys(records, group_by), records, strict=True)):
        yield (key or f"\x00{record.id}").encode("utf-8", "surrogatepass"), row


def group_keys(records: Collection[Record], group_by: str) -> Iterator[str]:
    """Yield the group of every record, "" for one that stands alone.

    Where "image" is no meta key, records belong together that show a same picture or video, directly or over other records; a picture is
    named by the digest of its bytes, and a group by one of its pictures.

    Raises:
        DataError: as `number_groups`.
    """
    if group_by == "none":
        yield from itertools.repeat("", len(records))
        return
    if by_picture(records, group_by):
        yield from _linked_by_pictures(records)
        return
    for record in records:
        if group_by not in record.meta:
            raise DataError(
                f"record {record.id!r} has no meta key {group_by!r}.",
                cure=f"Group by one of: {', '.join(dict.fromkeys((*record.meta, BY_PICTURE)))}, none.",
            )
        yield record.meta[group_by]


def by_picture(records: Iterable[Record], group_by: str) -> bool:
    """Whether "image" means the pictures themselves: no record has a meta key of that name."""
    return group_by == BY_PICTURE and not any(BY_PICTURE in record.meta for record in records)


def _linked_by_pictures(records: Iterable[Record]) -> Iterator[str]:
    first_of: dict[str, str] = {}  # picture -> picture of the same group, towards the one that names it

    def name_of(picture: str) -> str:
        while (towards := first_of.setdefault(picture, picture)) != picture:
            first_of[picture] = first_of[towards]  # halve the way for the next one
            picture = towards
        return picture

    for record in records:
        for other in record.media[1:]:
            first, second = name_of(record.media[0]), name_of(other)
            first_of[second] = first
    for record in records:
        yield name_of(record.media[0]) if record.media else ""


def count_of(asked: float, total: int, flag: str) -> int:
    """Turn a size as `--test` takes it into a count: below 1 it is a fraction of `total`, rounded up.

    Raises:
        UsageError: negative, fractional above 1, or more than there is.
    """
    if asked < 0 or not math.isfinite(asked):
        raise UsageError(f"{flag} {asked} is not a size.")
    if asked < 1:
        return math.ceil(total * asked - 1e-9)
    if asked != int(asked):
        raise UsageError(f"{flag} {asked} is neither a fraction below 1 nor a whole number.")
    if asked > total:
        raise UsageError(f"{flag} {asked:g} is more than the {total:,} records there are.")
    return int(asked)


def assign_sides(
    sizes: Sequence[int], n_test: int, n_val: int, seed: int, *, test_may_move: bool, val_may_move: bool
) -> tuple[bytearray, list[str]]:
    """Give each group its side, as a place in `SIDES`, and sentences about sizes that moved.

    A size given as a fraction may move to the nearest possible one, which is noted; a count is exact or an error. When a choice for
    test leaves none for val, another is tried.

    Args:
        sizes: of the groups, in the order of their names: the choice follows from it.
        n_test: records of the test side.
        n_val: records of the validation side.
        seed: of the choice.
        test_may_move: `n_test` was a fraction.
        val_may_move: `n_val` was one.

    Raises:
        DataError: no choice of whole groups has the exact size; the message names the nearest.
    """
    notes: list[str] = []
    n_test = _possible(sizes, n_test, "--test", notes, may_move=test_may_move)
    for attempt in range(_ATTEMPTS):
        rng = random.Random(f"{seed}/{attempt}")
        sides = bytearray(len(sizes))
        for index in choose_exact(sizes, n_test, rng) or ():
            sides[index] = _TEST
        if not n_val:
            return sides, notes
        rest = array("I", (index for index, side in enumerate(sides) if side != _TEST))
        rest_sizes = array("I", (sizes[index] for index in rest))
        picked = choose_exact(rest_sizes, n_val, rng)
        if picked is not None:
            break
    else:
        n_val = _possible(rest_sizes, n_val, "--val", notes, may_move=val_may_move)
        picked = choose_exact(rest_sizes, n_val, rng) or []
    for place in picked:
        sides[rest[place]] = _VAL
    return sides, notes


def _possible(sizes: Sequence[int], wanted: int, flag: str, notes: list[str], *, may_move: bool) -> int:
    if wanted == 0 or choose_exact(sizes, wanted, random.Random(0)) is not None:
        return wanted
    below, above = nearest_sums(sizes, wanted)
    nearest = [total for total in (below, above) if total is not None]
    if not nearest or not may_move:
        shown = " and ".join(f"{total:,}" for total in nearest) or "none"
        raise DataError(f"no choice of whole groups has exactly {wanted:,} records for {flag}; the nearest sizes are {shown}.")
    best = min(nearest, key=lambda total: abs(total - wanted))
    notes.append(f"{flag}: no choice of whole groups has {wanted:,} records; took {best:,}.")
    return best


def row_split_leak(group_of_row: Sequence[int] | NDArray[np.int64], n_test: int, n_val: int, seed: int) -> float:
    """Share of test rows whose group also has a row in train, mean over 200 seeded shuffles of the rows.

    Args:
        group_of_row: the number of each row's group, from 0.
        n_test: rows of the test side of such a split.
        n_val: rows of its validation side.
        seed: of the shuffles.
    """
    import numpy as np

    rows = np.asarray(group_of_row, dtype=np.int64)
    groups = int(rows.max()) + 1
    rng = np.random.default_rng(seed)
    shared = 0
    for _ in range(LEAK_SHUFFLES):
        shuffled = rng.permutation(rows)
        in_train = np.bincount(shuffled[n_test + n_val :], minlength=groups) > 0
        shared += int(in_train[shuffled[:n_test]].sum())
    return shared / (LEAK_SHUFFLES * n_test)
