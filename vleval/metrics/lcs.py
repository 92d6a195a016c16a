"""The items of one longest common subsequence, with the tie-breaking of the `rouge` package."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rapidfuzz.distance import LCSseq

_MAX_CELLS = 64_000_000  # of the length table; beyond it ties may fall otherwise, which the package itself could never compute


def lcs_items(first: Sequence[str], second: Sequence[str]) -> set[str]:
    """Distinct items of the subsequence found by walking the length table back from its end.

    Of two equal ways the one that shortens `second` is taken.
    """
    if not first or not second:
        return set()
    if len(first) * len(second) > _MAX_CELLS:
        blocks = LCSseq.editops(list(first), list(second)).as_matching_blocks()
        return {item for block in blocks for item in first[block.a : block.a + block.size]}
    table = _table(first, second)
    i, j = len(first), len(second)
    found: set[str] = set()
    while i and j:
        if first[i - 1] == second[j - 1]:
            i, j = i - 1, j - 1
            found.add(first[i])
        elif table[i - 1, j] > table[i, j - 1]:
            i -= 1
        else:
            j -= 1
    return found


def _table(first: Sequence[str], second: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    codes: dict[str, int] = {}
    left = np.array([codes.setdefault(item, len(codes)) for item in first])
    right = np.array([codes.setdefault(item, len(codes)) for item in second])
    swap = len(right) < len(left)  # the inner loop runs over the longer side
    rows, columns = (right, left) if swap else (left, right)
    table = np.zeros((len(rows) + 1, len(columns) + 1), dtype=np.int32)
    for index, code in enumerate(rows):
        np.maximum.accumulate(np.maximum(table[index, 1:], table[index, :-1] + (columns == code)), out=table[index + 1, 1:])
    return table.T if swap else table
