"""Rows drawn by chance at four bytes each: the very ones that `random.Random.sample` draws, which holds an object for each."""

from __future__ import annotations

import math
import random
from array import array

from vldata.datasets.rows import row_numbers


def draw_rows(rng: random.Random, count: int, of: int, *, first: int = 0) -> array[int]:
    """Draw `count` of the rows from `first` to `first + of - 1` without repetition, in the order of `rng.sample`.

    So one seed has always meant the same rows. Where few are drawn, those drawn are remembered; else each leaves a list of all.
    """
    if count * 3 <= 1_000:
        return row_numbers(rng.sample(range(first, first + of), count))
    drawn = row_numbers()
    if of > 21 + 4 ** math.ceil(math.log(count * 3, 4)):
        there = bytearray(of)
        for _ in range(count):
            while there[row := rng.randrange(of)]:
                pass
            there[row] = 1
            drawn.append(first + row)
        return drawn
    left = row_numbers(range(first, first + of))
    for last in range(of - 1, of - 1 - count, -1):
        place = rng.randrange(last + 1)
        drawn.append(left[place])
        left[place] = left[last]
    return drawn
