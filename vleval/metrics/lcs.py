"""The items of one longest common subsequence, with the tie-breaking of the `rouge` package."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isqrt

import numpy as np

WALKED_CELLS = 4_000_000_000  # of a table that is walked back through, in seconds
_MOST_CELLS = 250_000  # of the length table; beyond it a bit a cell is kept, and of rows as many as their square root


def lcs_items(first: Sequence[str], second: Sequence[str]) -> set[str]:
    """Distinct items of the subsequence found by walking the length table back from its end.

    Of two equal ways the one that shortens `second` is taken.
    """
    if not first or not second:
        return set()
    if len(first) * len(second) > _MOST_CELLS:
        codes: dict[str, int] = {}
        left = [codes.setdefault(item, len(codes)) for item in first]
        right = [codes.setdefault(item, len(codes)) for item in second]
        items = list(codes)
        return {items[left[place]] for place, _ in common_places(left, right)}
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


def common_places(first: Sequence[int], second: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The places in both sides of the items of `lcs_items`, from the last on.

    A row of the table is a number whose clear bits are the columns where the length grows (Hyyrö 2004). Some rows are kept on the way
    down, and those between two of them are found again on the way back. Where the length grows at a column without a match, the row above
    is as long and the column before is shorter: that is all the walk asks.
    """
    places: dict[int, list[int]] = {code: [] for code in first}
    for place, code in enumerate(second):
        if code in places:
            places[code].append(place)
    full = (1 << len(second)) - 1
    width = len(second) // 8 + 1

    def below(row: int, code: int) -> int:
        mask = _mask(places[code], width)
        return ((row + (row & mask)) | (row & ~mask)) & full

    stride = isqrt(len(first)) + 1
    kept, row = [full], full
    for number, code in enumerate(first, start=1):
        row = below(row, code)
        if number % stride == 0:
            kept.append(row)
    j = len(second)
    for block in range(len(kept) - 1, -1, -1):
        start = block * stride
        rows = [kept[block]]
        for code in first[start : start + stride]:
            rows.append(below(rows[-1], code))
        for i in range(min(start + stride, len(first)), start, -1):
            same = rows[i - start].to_bytes(width, "little")
            while j and first[i - 1] != second[j - 1] and same[(j - 1) >> 3] >> ((j - 1) & 7) & 1:
                j -= 1
            if not j:
                return
            if first[i - 1] == second[j - 1]:
                j -= 1
                yield i - 1, j


def _mask(places: Sequence[int], width: int) -> int:
    bits = bytearray(width)
    for place in places:
        bits[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(bits, "little")
