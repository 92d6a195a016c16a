"""Ids of millions of rows at a few bytes each: which stand twice, and where each id of one list stands in another.

Two hashes of 64 and 32 bits tell texts apart. Where the first alone decides, or two ids of a list agree in it, the texts themselves are
compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_AT_ONCE = 1 << 16


def repeated(ids: Sequence[str]) -> dict[str, list[int]]:
    """The ids that stand more than once, with their places, in the order in which the second of each comes. Walks the ids twice at most."""
    import numpy as np

    hashes: Any = np.fromiter(map(hash, ids), np.int64, len(ids))
    hashes.sort()
    suspects = frozenset(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
    del hashes
    if not suspects:
        return {}
    places: dict[str, list[int]] = {}
    for place, text in enumerate(ids):
        if hash(text) in suspects:
            places.setdefault(text, []).append(place)
    return dict(sorted(((text, found) for text, found in places.items() if len(found) > 1), key=lambda item: item[1][1]))


def places_of(asked: Iterable[str], known: Sequence[str]) -> NDArray[np.int32]:
    """Where each of the asked ids stands in a list of different ones; -1 for those that do not. About 20 bytes an id while it looks."""
    import numpy as np

    first, second = np.empty(len(known), np.int64), np.empty(len(known), np.uint32)
    end = 0
    for texts in _batches(known):
        start, end = end, end + len(texts)
        first[start:end], second[start:end] = _hashes(texts)
    order: Any = np.argsort(first, kind="stable").astype(np.uint32)
    first.sort()  # as `order` puts it: in its place, since no two are equal
    if bool((first[1:] == first[:-1]).any()):  # one in hundreds of thousands of lists of ten million
        return _by_texts(asked, known)
    found = []
    for texts in _batches(asked):
        one, other = _hashes(texts)
        if not len(first):
            found.append(np.full(len(texts), -1, np.int32))
            continue
        ranks = np.minimum(np.searchsorted(first, one), len(first) - 1)
        places = order[ranks]
        same = (first[ranks] == one) & (second[places] == other)
        found.append(np.where(same, places.astype(np.int32), np.int32(-1)))
    return np.concatenate(found) if found else np.empty(0, np.int32)


def _hashes(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    import numpy as np

    return (
        np.fromiter(map(hash, texts), np.int64, len(texts)),
        np.fromiter((hash(text + "\0") & 0xFFFF_FFFF for text in texts), np.uint32, len(texts)),
    )


def _by_texts(asked: Iterable[str], known: Iterable[str]) -> NDArray[np.int32]:
    import numpy as np

    places = {text: place for place, text in enumerate(known)}
    return np.array([places.get(text, -1) for text in asked], np.int32)


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    walk = iter(texts)
    while batch := list(islice(walk, _AT_ONCE)):
        yield batch
