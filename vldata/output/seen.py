"""Which ids were written before, at eight bytes an id: sorted 64-bit hashes, and the records themselves where hashes agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class _HasId(msgspec.Struct):
    id: str


class SeenIds:
    """The ids of the finished parts of a dataset.

    Args:
        lines: yields the lines of all records written so far; read only when a hash was seen before, to tell for certain.
    """

    def __init__(self, lines: Callable[[], Iterator[bytes]]) -> None:
        self._lines = lines
        self._runs: list[npt.NDArray[np.int64]] = []  # each sorted, each less than half as long as the one before
        self._waiting: list[Sequence[str]] = []

    def add(self, ids: Sequence[str]) -> None:
        """Remember the ids of one more part, whose lines can be read from now on."""
        self._waiting.append(ids)

    def repeated(self, ids: Sequence[str]) -> frozenset[str]:
        """Return those of the ids that were added before."""
        for waiting in self._waiting:
            self._keep(waiting)
        self._waiting.clear()
        if not self._runs:
            return frozenset()
        import numpy as np

        hashes = np.sort(np.fromiter(map(hash, ids), dtype=np.int64, count=len(ids)))  # in order they are found faster
        suspects: set[int] = set()
        for run in self._runs:
            places = np.minimum(run.searchsorted(hashes), len(run) - 1)
            suspects.update(hashes[run[places] == hashes].tolist())
        return self._confirm({text for text in ids if hash(text) in suspects}) if suspects else frozenset()

    def _keep(self, ids: Sequence[str]) -> None:
        import numpy as np

        run: Any = np.sort(np.fromiter(map(hash, ids), dtype=np.int64, count=len(ids)))
        while self._runs and len(self._runs[-1]) < 2 * len(run):
            run = np.sort(np.concatenate((self._runs.pop(), run)), kind="stable")
        if len(run):
            self._runs.append(run)

    def _confirm(self, suspects: set[str]) -> frozenset[str]:
        decode = msgspec.json.Decoder(_HasId).decode
        return frozenset(found for line in self._lines() if (found := decode(line).id) in suspects)
