"""The edit distance of ordered trees (Zhang and Shasha 1989), for any costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Change = Callable[[int, int], float]


def tree_distance(one: Sequence[int], other: Sequence[int], drop: Sequence[float], add: Sequence[float], change: Change) -> float:
    """What it costs at least to make one tree of another.

    Args:
        one: of each node in postorder, the place of its leftmost leaf.
        other: the same of the other tree.
        drop: what each node of the one costs to remove.
        add: what each node of the other costs to insert.
        change: what it costs to make node a of the one of node b of the other.
    """
    table: list[list[float]] = [[0] * len(other) for _ in one]
    roots = _keyroots(other)
    for i in _keyroots(one):
        for j in roots:
            _forests(one, other, i, j, drop, add, change, table)
    return table[-1][-1]


def _keyroots(leftmost: Sequence[int]) -> list[int]:
    """The root, and every node that has a sibling to its left."""
    return sorted({leaf: place for place, leaf in enumerate(leftmost)}.values())


def _forests(
    one: Sequence[int],
    other: Sequence[int],
    i: int,
    j: int,
    drop: Sequence[float],
    add: Sequence[float],
    change: Change,
    table: list[list[float]],
) -> None:
    """Fill the distances of the subtrees that end in the keyroots i and j."""
    first, start = one[i], other[j]
    columns = j - start + 2
    above: list[float] = [0] * columns
    for y in range(1, columns):
        above[y] = above[y - 1] + add[start + y - 1]
    forest = [above]
    for a in range(first, i + 1):
        row: list[float] = [above[0] + drop[a]] + [0] * (columns - 1)
        whole, known = one[a] == first, table[a]
        kept = forest[one[a] - first]
        for y in range(1, columns):
            b = start + y - 1
            shorter = min(above[y] + drop[a], row[y - 1] + add[b])
            if whole and other[b] == start:
                known[b] = row[y] = min(shorter, above[y - 1] + change(a, b))
            else:
                row[y] = min(shorter, kept[other[b] - start] + known[b])
        forest.append(row)
        above = row
