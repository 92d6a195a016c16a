"""The assignment problem: pairs of rows and columns, one to one, whose gains add up to the most (Hungarian method with potentials)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def assign(gains: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Best pairs (row, column), in the order of the rows; as many as the shorter side has."""
    if gains.shape[0] > gains.shape[1]:
        return sorted((row, column) for column, row in assign(gains.T))
    costs = gains.max() - gains
    rows, columns = costs.shape
    row_potential, column_potential = np.zeros(rows + 1), np.zeros(columns + 1)
    owner = np.zeros(columns + 1, dtype=np.int64)  # the row that holds a column, counted from 1; column 0 is the row being placed
    for row in range(1, rows + 1):
        _place(row, costs, row_potential, column_potential, owner)
    return sorted((int(owner[column]) - 1, column - 1) for column in range(1, columns + 1) if owner[column])


def _place(
    row: int,
    costs: NDArray[np.float64],
    row_potential: NDArray[np.float64],
    column_potential: NDArray[np.float64],
    owner: NDArray[np.int64],
) -> None:
    """Give `row` a column along the cheapest alternating path."""
    columns = costs.shape[1]
    slack = np.full(columns + 1, np.inf)
    before = np.zeros(columns + 1, dtype=np.int64)
    done = np.zeros(columns + 1, dtype=np.bool_)
    owner[0] = row
    column = 0
    while True:
        done[column] = True
        holder = owner[column]
        reduced = costs[holder - 1] - row_potential[holder] - column_potential[1:]
        better = ~done[1:] & (reduced < slack[1:])
        slack[1:][better] = reduced[better]
        before[1:][better] = column
        open_slack = np.where(done, np.inf, slack)
        open_slack[0] = np.inf
        following = int(open_slack.argmin())
        step = open_slack[following]
        row_potential[owner[done]] += step
        column_potential[done] -= step
        slack[~done] -= step
        column = following
        if owner[column] == 0:
            break
    while column:
        owner[column] = owner[before[column]]
        column = int(before[column])
