"""Choosing whole groups whose sizes add up to an exact number, at random but reproducibly."""

from __future__ import annotations

import random
from array import array
from collections.abc import Sequence

# One bit a sum a group: beyond this many bits most of the target is filled first with random groups and only the rest is solved.
_MAX_TABLE_BITS = 1 << 28
_POOL = 400


def choose_exact(sizes: Sequence[int], target: int, rng: random.Random) -> Sequence[int] | None:
    """Return indices of groups whose sizes sum to `target`, or None when no choice does (or, for huge inputs, none was found).

    Groups are shuffled, then a table of reachable sums decides exactly; of the solutions a random one is walked out of the table.
    """
    order = array("I", range(len(sizes)))
    rng.shuffle(order)
    if len(order) * (target + 1) <= _MAX_TABLE_BITS:
        return _solve(sizes, order, target, rng)
    for _ in range(20):
        chosen, rest, left = _fill_at_random(sizes, order, target)
        if (end := _solve(sizes, rest, left, rng)) is not None:
            chosen.extend(end)
            return chosen
        rng.shuffle(order)
    return None


def nearest_sums(sizes: Sequence[int], target: int) -> tuple[int | None, int | None]:
    """Return the largest reachable sum below `target` and the smallest above it."""
    top = min(sum(sizes), target + max(sizes, default=0))
    reach = 1
    mask = (1 << (top + 1)) - 1
    for size in sizes:
        reach |= (reach << size) & mask
    below = next((total for total in range(target - 1, 0, -1) if reach >> total & 1), None)
    above = next((total for total in range(target + 1, top + 1) if reach >> total & 1), None)
    return below, above


def _fill_at_random(sizes: Sequence[int], order: Sequence[int], target: int) -> tuple[array[int], array[int], int]:
    """Take shuffled groups while they fit; the last ones taken and some that were not form the pool of the exact step."""
    chosen, passed = array("I"), array("I")
    left = target
    for index in order:
        if sizes[index] <= left and len(passed) < _POOL * 50:
            chosen.append(index)
            left -= sizes[index]
        else:
            passed.append(index)
    freed = chosen[-_POOL:]
    left += sum(sizes[index] for index in freed)
    del chosen[len(chosen) - len(freed) :]
    return chosen, freed + passed[:_POOL], left


def _solve(sizes: Sequence[int], order: Sequence[int], target: int, rng: random.Random) -> list[int] | None:
    mask = (1 << (target + 1)) - 1
    tables = [1]  # tables[i]: bit s is set when a choice among the first i groups sums to s
    for index in order:
        tables.append((tables[-1] | tables[-1] << sizes[index]) & mask)
    if not tables[-1] >> target & 1:
        return None
    chosen: list[int] = []
    left = target
    available = sum(sizes[index] for index in order)
    for step in range(len(order), 0, -1):
        index = order[step - 1]
        size = sizes[index]
        without = bool(tables[step - 1] >> left & 1)
        within = left >= size and bool(tables[step - 1] >> (left - size) & 1)
        # Both ways lead to the target: take the group as often as its share of what is left asks for, so that large and small
        # groups are chosen alike.
        if within and (not without or rng.random() * available < left):
            chosen.append(index)
            left -= size
        available -= size
    return chosen
