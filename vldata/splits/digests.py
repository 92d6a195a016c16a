"""Texts and names of very many records in few bytes: what two sets share is found by sorted arrays instead of dictionaries."""

from __future__ import annotations

import hashlib
from array import array
from typing import NamedTuple


class PackedNames:
    """A list of texts as one run of bytes; about their length and eight bytes each."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("Q", [0])

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, place: int) -> str:
        return self._bytes[self._ends[place] : self._ends[place + 1]].decode("utf-8", "surrogatepass")

    def append(self, text: str) -> None:
        """Add a text."""
        self._bytes += text.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._bytes))


class Shared(NamedTuple):
    """One digest that two sets have: its bytes, and the rows of each set that have it, in the order they were added."""

    digest: bytes
    first: list[int]
    second: list[int]


class Digests:
    """Digests of 128 bits with the rows that have them, 24 bytes each."""

    def __init__(self) -> None:
        self._high, self._low, self._rows = array("Q"), array("Q"), array("Q")

    def add(self, text: str, row: int) -> None:
        """Add a text of a row."""
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        self._high.append(int.from_bytes(digest[:8]))
        self._low.append(int.from_bytes(digest[8:]))
        self._rows.append(row)

    def shared(self, other: Digests) -> list[Shared]:
        """What both have, in the order of this set."""
        import numpy as np

        mine, theirs = (np.frombuffer(one._high, dtype=np.uint64) for one in (self, other))
        order = np.argsort(mine, kind="stable")
        ranks = mine[order]
        left, right = (np.searchsorted(ranks, theirs, side) for side in ("left", "right"))
        found: dict[tuple[int, int], Shared] = {}
        for there in np.flatnonzero(right > left):
            key = other._high[there], other._low[there]
            if key not in found:
                here = [int(place) for place in order[left[there] : right[there]] if self._low[place] == key[1]]
                if not here:
                    continue
                digest = key[0].to_bytes(8) + key[1].to_bytes(8)
                found[key] = Shared(digest, [self._rows[place] for place in here], [])
            found[key].second.append(other._rows[there])
        return sorted(found.values(), key=lambda one: one.first[0])
