"""Rows that belong together: which key they are clustered by, and the sums over each cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vldata.errors import UsageError
from vleval.metric import Floats
from vleval.rows import Row

# sample: epochs of one question, as inspect_ai writes them; circle: passes of one question with its options in another order
AUTOMATIC = ("scene", "episode", "image", "sample", "circle")
_NONE = ("", "none")


@dataclass(frozen=True)
class Groups:
    """A clustering of n rows.

    Attributes:
        key: the field, or "" when the rows stand alone.
        index: shape (n,), the cluster of each row, 0 to count-1.
        count: number of clusters; n when the rows stand alone.
        note: a sentence about the choice, to be said aloud.
    """

    key: str
    index: NDArray[np.intp]
    count: int
    note: str

    def sums(self, values: Floats) -> Floats:
        """Sum a (n,) or (n, k) array over each cluster."""
        if not self.key:
            return values
        if values.ndim == 1:
            return np.bincount(self.index, weights=values, minlength=self.count).astype(np.float64)
        return np.stack([np.bincount(self.index, weights=column, minlength=self.count) for column in values.T], axis=1)

    def take(self, chosen: NDArray[np.intp]) -> Groups:
        """The same clustering of some of the rows."""
        if not self.key:
            return Groups("", np.arange(len(chosen)), len(chosen), self.note)
        kept, index = np.unique(self.index[chosen], return_inverse=True)
        return Groups(self.key, index.astype(np.intp), len(kept), self.note)


def choose_groups(rows: Sequence[Row], group_by: str | None = None) -> Groups:
    """Cluster rows by `group_by`, else by the first of scene, episode and image identity that any row has, else not at all.

    Rows that lack the key stand alone, each a cluster of its own, and the note counts them.

    Raises:
        UsageError: no row has the key that was asked for.
    """
    count = len(rows)
    if group_by in _NONE:
        return Groups("", np.arange(count), count, "Rows are taken as independent, as asked.")
    if group_by:
        if not any(row.groups.get(group_by) for row in rows):
            known = sorted({key for row in rows[:1000] for key in row.groups})
            raise UsageError(
                f"no row has a field {group_by!r} to group by.",
                cure=f"Rows have: {', '.join(known)}." if known else "Rows have no group fields.",
            )
        return _by(rows, group_by, "as asked")
    present = {key for row in rows if row.groups for key in AUTOMATIC if row.groups.get(key)}
    for key in AUTOMATIC:
        if key in present:
            found = _by(rows, key, "found in the rows; --group-by chooses another, --group-by none switches it off")
            if found.count < count:
                return found
    return Groups("", np.arange(count), count, "No two rows share a scene, episode or image: rows are taken as independent.")


def _by(rows: Sequence[Row], key: str, why: str) -> Groups:
    numbers: dict[str, int] = {}
    index = np.empty(len(rows), np.intp)
    alone = 0
    for position, row in enumerate(rows):
        name = row.groups.get(key)
        if name:
            index[position] = numbers.setdefault(name, len(numbers))
        else:
            index[position] = -1
            alone += 1
    if alone:
        index[index < 0] = np.arange(len(numbers), len(numbers) + alone)
    note = f"Rows are clustered by {key}: {len(numbers):,} groups in {len(rows):,} rows ({why})."
    if alone:
        note += f" {alone:,} rows have no {key} and stand alone."
    return Groups(key, index, len(numbers) + alone, note)
