"""Two images as the model sees them: which is turned, resized, flattened on another ground, or resampled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vldata.xrays.views import Divergence, Seen

_CLOSE = 24.0  # mean difference of resampled images stays far below this; of turned or blackened ones it does not
_REENCODED = 1.0  # another JPEG of the same image
_BLACK, _WHITE = 16, 239


def compare_images(theirs: Sequence[Seen], ours: Sequence[Seen], folders: tuple[Path, Path]) -> Iterator[Divergence]:
    """The first difference in how many images there are, in their grids, and in their pixels."""
    if len(theirs) != len(ours):
        yield Divergence("resize", f"{len(theirs)} images, ours has {len(ours)}")
        return
    for number, (mine, other) in enumerate(zip(theirs, ours, strict=True), 1):
        if mine.grid != other.grid:
            turned = (mine.grid[0], mine.grid[2], mine.grid[1]) == other.grid and mine.grid[1] != mine.grid[2]
            sizes = f"image {number} is {mine.size}, ours {other.size}"
            yield (
                Divergence("EXIF", f"{sizes}: it is not turned upright")
                if turned
                else Divergence("resize", f"{sizes}: {mine.tokens:,} tokens for {other.tokens:,}")
            )
            return
        if mine.digests != other.digests:
            yield _pixels(number, mine, other, folders)
            return


def _pixels(number: int, mine: Seen, other: Seen, folders: tuple[Path, Path]) -> Divergence:
    a, b = _load(mine, folders[0]), _load(other, folders[1])
    if a is None or b is None or a.shape != b.shape:
        return Divergence("pixels", f"image {number} has other pixels")
    apart = np.abs(a.astype(np.int16) - b.astype(np.int16))
    said = f"image {number}: {apart.mean():.1f} of 255 apart in the mean, {apart.max()} at most"
    if apart.mean() < _REENCODED:
        return Divergence("re-encoding", said, harmless=True)
    far = apart.max(axis=2) > 32
    if far.mean() > 0.01 and (b[far] >= _WHITE).all(axis=1).mean() > 0.8:
        black = (a[far] <= _BLACK).all(axis=1).mean() > 0.8
        return Divergence("alpha", f"{said}: transparent parts show {'black' if black else 'the colours that lie under them'}, ours white")
    for turns, name in ((2, "upside down"), (1, "on its side"), (3, "on its side")):
        turned = np.rot90(b, turns)
        if apart.mean() > _CLOSE and turned.shape == a.shape and np.abs(a.astype(np.int16) - turned.astype(np.int16)).mean() < _CLOSE / 2:
            return Divergence("EXIF", f"{said}: it stands {name}")
    return Divergence("pixels", said)


def _load(seen: Seen, folder: Path) -> Any:
    from PIL import Image

    if not seen.files:
        return None
    try:
        with Image.open(folder / Path(seen.files[0]).name) as image:
            return np.asarray(image.convert("RGB"))
    except OSError:
        return None
