"""Pictures that look alike: a perceptual hash of every file, and the pairs of two sets that are within a few bits of each other.

The hash is the sign pattern of the 16x16 lowest frequencies of the 64x64 grey picture against their median (255 bits; the constant term is
left out). Measured on 164 charts and 300 rooms: a copy that was re-encoded (JPEG 40), halved, squashed by a fifth or of less contrast
differs in at most 8 bits, one cropped by 2 % in 18 at the median; two different charts differ in 24 bits or more. Grey alone takes a red
sofa for a blue one, so the colours of 8x8 blocks must agree too: copies differ by at most 13 levels there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from vldata.errors import UsageError
from vldata.files.gate import SafePath
from vldata.media.refs import Failure
from vldata.media.sources import Unusable, read_picture_bytes
from vldata.splits.columns import unfold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

BITS = 255
DEFAULT_DISTANCE = 16
MAX_DISTANCE = 33
_SIDE, _LOW, _BLOCKS = 64, 16, 8
HASH_BYTES, COLOUR_BYTES = 32, 128
_FLAT_LEVELS = 8  # a picture of less contrast has noise for a hash
_COLOUR_LEVELS = 24
_COLOUR_RANK = 3  # the third largest difference of a block: two blocks may differ by more
_BANDS = 17  # of 15 bits: pictures within 16 bits agree in one whole band, within 33 in all but one bit of a band
_CHUNK = 500_000  # pairs that are compared at once
_HASHES = 20_000


class NearPair(NamedTuple):
    """Two pictures, one of each set, and in how many of `BITS` they differ."""

    first: str
    second: str
    distance: int


def fingerprint(path: str | SafePath) -> bytes | Failure:
    """Hash and block colours of one file; empty for a picture too plain to tell from others."""
    from vldata.media.decode import decode_picture

    try:
        return _fingerprint(decode_picture(read_picture_bytes(path), lambda width, height: (_SIDE, _SIDE)).image)
    except Unusable as verdict:
        return verdict.failure


def _fingerprint(image: Image.Image) -> bytes:
    import numpy as np
    from PIL import Image

    planes = image.convert("YCbCr")
    grey = np.asarray(planes.getchannel(0), dtype=np.float64)
    if np.ptp(grey) < _FLAT_LEVELS:
        return b""
    cosines = _cosines()
    low = (cosines @ grey @ cosines.T).ravel()[1:]
    bits = np.packbits(low > np.median(low))
    blocks = np.asarray(planes.resize((_BLOCKS, _BLOCKS), Image.Resampling.BOX))[..., 1:]
    return bits.tobytes() + blocks.tobytes()


@functools.cache
def _cosines() -> NDArray[np.float64]:
    """The lowest rows of the discrete cosine transform of `_SIDE` samples."""
    import numpy as np

    return np.cos(np.pi * (2 * np.arange(_SIDE) + 1) * np.arange(_LOW)[:, None] / (2 * _SIDE))


def open_fingerprinter(setup: None) -> Callable[[str | SafePath], bytes | Failure]:
    """Load the libraries once and return the work of one worker."""
    from vldata.media.decode import warm_up

    warm_up()
    return fingerprint


def fingerprints(paths: Iterable[str | SafePath], *, workers: int) -> Iterator[tuple[int, bytes | Failure]]:
    """Yield (index of the path, fingerprint or why there is none) as they come, from killable workers."""
    from vldata.media.engines import open_pool

    with open_pool("vldata.splits.near_pictures:open_fingerprinter", None, workers=workers) as pool:
        yield from pool.map_unordered(paths)


class Looks(Protocol):
    """Pictures of a set that can be told from others, by their numbers from 0."""

    @property
    def hashes(self) -> NDArray[np.uint8]:
        """The hash of each."""

    def name(self, number: int) -> str:
        """The name of one."""

    def colours(self, number: int) -> bytes:
        """The colours of its blocks."""


class _Named:
    """Pictures whose fingerprints are at hand."""

    def __init__(self, found: Mapping[str, bytes]) -> None:
        import numpy as np

        self._names = [name for name, data in found.items() if data]
        self._found = found
        self.hashes = np.frombuffer(b"".join(found[name][:HASH_BYTES] for name in self._names), np.uint8).reshape(-1, HASH_BYTES)

    def name(self, number: int) -> str:
        return self._names[number]

    def colours(self, number: int) -> bytes:
        return self._found[self._names[number]][HASH_BYTES:]


def near_pairs(first: Mapping[str, bytes], second: Mapping[str, bytes], *, distance: int = DEFAULT_DISTANCE) -> list[NearPair]:
    """The pairs of differently named pictures within `distance` bits and of the same colours, the nearest first.

    Of several pictures with one hash in the first set, a picture of the second is paired with one.
    Nothing within the distance is missed: hashes are compared where they agree in a band of 15 bits, or nearly, which is far from every
    pair with every other.

    Raises:
        UsageError: a distance above `MAX_DISTANCE`.
    """
    ours, theirs = _Named(first), _Named(second)
    found = [NearPair(ours.name(one), theirs.name(other), apart) for one, other, apart in near_looks(ours, theirs, distance)]
    return sorted(found, key=lambda pair: (pair.distance, pair.first, pair.second))


def near_looks(ours: Looks, theirs: Looks, distance: int) -> Iterator[tuple[int, int, int]]:
    """Yield the pairs of `near_pairs` by their numbers, with the bits in which they differ, in any order.

    Raises:
        UsageError: a distance above `MAX_DISTANCE`.
    """
    if not 0 <= distance <= MAX_DISTANCE:
        raise UsageError(f"a distance of {distance} bits cannot be searched.", cure=f"Give 0 to {MAX_DISTANCE} of {BITS} bits.")
    if not len(ours.hashes) or not len(theirs.hashes):
        return
    our_hashes, our_members = _distinct(ours.hashes)
    their_hashes, their_members = _distinct(theirs.hashes)
    for here, there, apart in _near_hashes(our_hashes, their_hashes, distance):
        for one, other in _same_colours(ours, our_members(here), theirs, their_members(there)):
            yield one, other, apart


def _distinct(hashes: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Callable[[int], list[int]]]:
    """Each hash once, and the pictures that have it, in their order."""
    import numpy as np

    wide = np.ascontiguousarray(hashes).view(np.uint64)
    order = np.lexsort(wide.T)
    new = np.ones(len(order), dtype=bool)
    new[1:] = (wide[order[1:]] != wide[order[:-1]]).any(axis=1)
    starts = np.append(np.flatnonzero(new), len(order))

    def members(number: int) -> list[int]:
        return list(map(int, order[starts[number] : starts[number + 1]]))

    return np.ascontiguousarray(hashes[order[starts[:-1]]]), members


def _same_colours(ours: Looks, members: list[int], theirs: Looks, others: list[int]) -> Iterator[tuple[int, int]]:
    """For every other picture, the first of ours of another name whose blocks have the same colours."""
    import numpy as np

    mine = [(one, ours.name(one), np.frombuffer(ours.colours(one), np.uint8).astype(np.int16)) for one in members]
    for other in others:
        name, blocks = theirs.name(other), np.frombuffer(theirs.colours(other), np.uint8)
        for one, its_name, colours in mine:
            if its_name != name and np.sort(np.abs(colours - blocks))[-_COLOUR_RANK] <= _COLOUR_LEVELS:
                yield one, other
                break


def _near_hashes(ours: NDArray[np.uint8], theirs: NDArray[np.uint8], distance: int) -> Iterator[tuple[int, int, int]]:
    """Yield `(row of ours, row of theirs, distance)` of every pair within the distance, each once."""
    import numpy as np

    our_bands, their_bands = _bands(ours), _bands(theirs)
    flips = [0, *(1 << bit for bit in range(15))] if distance >= _BANDS else [0]
    done: NDArray[np.int64] = np.empty(0, dtype=np.int64)
    for band in range(_BANDS):
        order = np.argsort(their_bands[:, band], kind="stable")
        keys = their_bands[order, band]
        for flip in flips:
            wanted = our_bands[:, band] ^ np.uint16(flip)
            begin, end = np.searchsorted(keys, wanted, "left"), np.searchsorted(keys, wanted, "right")
            hits = [_check(ours, theirs, order, *part, distance) for part in unfold(begin, end, _CHUNK)]
            done = np.union1d(done, np.concatenate(hits)) if hits else done
    for code in done.tolist():
        here, there = divmod(code, len(theirs))
        yield here, there, int(np.bitwise_count(ours[here] ^ theirs[there]).sum())


def _bands(hashes: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """The bands of every hash as numbers; each takes every 17th bit, so that all mix low and high frequencies."""
    import numpy as np

    weights = (1 << np.arange(15, dtype=np.uint16))[:, None]
    found = np.empty((len(hashes), _BANDS), dtype=np.uint16)
    for start in range(0, len(hashes), _HASHES):
        some = hashes[start : start + _HASHES]
        bits = np.unpackbits(some, axis=1)[:, :BITS].reshape(len(some), 15, _BANDS).astype(np.uint16)
        found[start : start + _HASHES] = (bits * weights).sum(axis=1)
    return found


def _check(
    ours: NDArray[np.uint8],
    theirs: NDArray[np.uint8],
    order: NDArray[np.int64],
    rows: NDArray[np.int64],
    places: NDArray[np.int64],
    distance: int,
) -> NDArray[np.int64]:
    """The pairs within the distance, as one number each."""
    import numpy as np

    columns = order[places]
    wide_ours, wide_theirs = ours.view(np.uint64), theirs.view(np.uint64)
    apart = np.bitwise_count(wide_ours[rows] ^ wide_theirs[columns]).sum(axis=1)
    near = apart <= distance
    return np.asarray(rows[near] * len(theirs) + columns[near], dtype=np.int64)
