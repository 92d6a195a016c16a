"""From an example to arrays: tokens, labels, positions and picture patches. All of it on the host, in the loader's workers.

Pictures stay bytes (768 a patch of 16 pixels, 588 of 14) until they reach the model: a quarter of the float, and half of that because a
picture's two time slices are equal. Layout and arithmetic follow transformers' Qwen2-VL image processor and the models that came with and
after it (releases 5.17 to 5.23).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from vldata.errors import DataError
from vldata.models.families import DEFAULT, FAMILIES
from vldata.models.families.family import Images
from vldata.models.families_of import folder_family, folder_images
from vldata.models.prompt import Prompter
from vltrain.cuts import MERGE, Cut, cut_of
from vltrain.data import Example, Openable, open_images

IGNORED = -100
Grid = tuple[int, int]  # rows and columns of patches

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


class Laid(NamedTuple):
    """What a tower needs to know of a picture, which its grid alone decides. Arrays have one row a patch, in the order the tower takes."""

    places: Ints  # row and column of each patch
    columns: Mapping[str, npt.NDArray[Any]] = MappingProxyType({})
    order: Ints | None = None  # which patch of `to_patches` stands where; None for the same order
    windows: tuple[int, ...] = ()  # patches of each window, where attention stays inside windows


class Sample(msgspec.Struct, frozen=True):
    """One record as the model takes it. `positions` are the three rows of its rotary positions."""

    ids: Ints
    labels: Ints
    positions: Ints
    pictures: Ints  # where picture tokens stand
    patches: Bytes
    grids: tuple[Grid, ...]
    names: tuple[str, ...] = ()  # of the picture files
    cut: Cut = Cut()

    def __len__(self) -> int:
        return len(self.ids)


class Featurizer:
    """Makes samples with one model's tokenizer and template. Picklable, so that loader workers can carry it."""

    def __init__(self, model: Path) -> None:
        self._model = model
        self._prompter: Prompter | None = None
        family = folder_family(model) or FAMILIES[DEFAULT]
        self._images, self._cut = folder_images(model, family), cut_of(model, family) or Cut()

    def __getstate__(self) -> Path:
        return self._model

    def __setstate__(self, model: Path) -> None:
        self.__init__(model)  # type: ignore[misc]

    @property
    def prompter(self) -> Prompter:
        """The tokenizer and template, loaded once a process."""
        if self._prompter is None:
            self._prompter = Prompter(self._model)
        return self._prompter

    def make(self, example: Example) -> Sample:
        """Read the pictures and make the sample.

        Raises:
            DataError: a picture cannot be read, or there is nothing to learn.
        """
        patch = self._cut.patch
        pictures = [read_picture(image, self._images) for image in open_images(example)]
        grids = tuple((picture.shape[0] // patch, picture.shape[1] // patch) for picture in pictures)
        tokens = [rows * columns // MERGE**2 for rows, columns in grids]
        encoded = self.prompter.encode(example.record, tokens)
        ids = encoded.ids.astype(np.int64)
        labels = np.where(encoded.answer, ids, IGNORED)
        labels[0] = IGNORED
        if (labels == IGNORED).all():
            raise DataError("has no answer to learn.", where=example.record.id, cure="Run: vldata validate")
        cut = [to_patches(picture, patch) for picture in pictures]
        patches = np.concatenate(cut) if cut else np.zeros((0, 3 * patch**2), np.uint8)
        positions = rotary_positions(len(ids), encoded.first, grids)
        names = tuple(str(example.folder / image) for image in example.record.images)
        return Sample(ids, labels, positions, np.flatnonzero(encoded.pictures), patches, grids, names, self._cut)


def read_picture(path: Openable, images: Images = FAMILIES[DEFAULT].images) -> Bytes:
    """Decode a picture to rows x columns x RGB on the processor's grid; one that is not there yet is resized as the processor would."""
    from PIL import Image, UnidentifiedImageError

    try:
        with path.open() as file, Image.open(file) as opened:
            picture = opened.convert("RGB")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DataError(f"no picture: {error}.", where=str(path), cure="Run: vldata validate") from None
    size = images.resize(*picture.size)
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    return np.asarray(picture, dtype=np.uint8)


def to_patches(picture: Bytes, patch: int) -> Bytes:
    """Cut into patches of three colours x rows x columns, in the order of 2 x 2 blocks that become one token."""
    rows, columns = picture.shape[0] // patch, picture.shape[1] // patch
    blocks = picture.reshape(rows // MERGE, MERGE, patch, columns // MERGE, MERGE, patch, 3)
    return np.ascontiguousarray(blocks.transpose(0, 3, 1, 4, 6, 2, 5)).reshape(rows * columns, 3 * patch**2)


def rotary_positions(length: int, first: Sequence[int], grids: Sequence[Grid]) -> Ints:
    """Positions in time, height and width of each token; a picture moves the text after it on by its longer side."""
    out = np.empty((3, length), dtype=np.int64)
    place = position = 0
    for start, (rows, columns) in zip(first, grids, strict=True):
        out[:, place:start] = np.arange(position, position + start - place)
        position += start - place
        high, wide = rows // MERGE, columns // MERGE
        end = start + high * wide
        out[0, start:end] = position
        out[1, start:end] = position + np.repeat(np.arange(high), wide)
        out[2, start:end] = position + np.tile(np.arange(wide), high)
        position += max(high, wide)
        place = end
    out[:, place:] = np.arange(position, position + length - place)
    return out


def patch_coordinates(grid: Grid) -> Ints:
    """Row and column of each patch of a picture, in the order of `to_patches`."""
    rows, columns = grid
    place = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), axis=-1)
    blocks = place.reshape(rows // MERGE, MERGE, columns // MERGE, MERGE, 2).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(blocks).reshape(rows * columns, 2)


def interpolation(grid: Grid, side: int) -> tuple[Ints, Floats]:
    """Return which four entries of a `side` x `side` table of positions each patch mixes, and the weights (bilinear, corners aligned)."""
    coordinates = patch_coordinates(grid)
    taps, weights = [], []
    for axis in (0, 1):
        count = grid[axis]
        exact = coordinates[:, axis].astype(np.float32) * np.float32(side - 1) / np.float32(max(count - 1, 1))
        low = np.clip(np.floor(exact).astype(np.int64), 0, side - 1)
        high = np.minimum(low + 1, side - 1)
        fraction = (exact - low).astype(np.float32)
        taps.append((low, high))
        weights.append((1 - fraction, fraction))
    indices = np.stack([taps[0][a] * side + taps[1][b] for a in (0, 1) for b in (0, 1)], axis=1)
    mixed = np.stack([weights[0][a] * weights[1][b] for a in (0, 1) for b in (0, 1)], axis=1)
    return indices, mixed.astype(np.float32)
