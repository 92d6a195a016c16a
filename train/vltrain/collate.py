"""Samples to a batch: joined end to end (packed) or padded, with every index that the step needs worked out beforehand."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from vldata.errors import DataError
from vltrain.features import IGNORED, Grid, Sample, interpolation, patch_coordinates

Batch = dict[str, Any]
ROW_STEP = 128  # widths of rows are multiples of this: a kernel is planned once a width
ROW_WASTE = 1.3  # rows may cost this much more than their samples: what the faster kernel gains


class Collator:
    """Makes batches. Its result is a plain dict of tensors and numbers; `labels` are there for Trainer to count."""

    def __init__(self, *, packing: bool, pad_id: int, position_side: int) -> None:
        self._packing = packing
        self._pad_id = pad_id
        self._side = position_side

    def __call__(self, samples: Sequence[Sample | DataError]) -> Batch:
        """Make one batch, or say under `broken` which record could not be read."""
        for sample in samples:
            if isinstance(sample, DataError):
                return {"broken": (sample.what, sample.where, sample.cure)}
        return self._make([sample for sample in samples if isinstance(sample, Sample)])

    def _make(self, samples: Sequence[Sample]) -> Batch:
        batch = _join(samples) if self._packing else _pad(samples, self._pad_id)
        labels = batch["labels"].reshape(-1)
        length = batch["labels"].shape[1]
        following = torch.full_like(labels, IGNORED)
        following[:-1] = labels[1:]
        following[length - 1 :: length] = IGNORED
        batch["label_rows"] = torch.nonzero(following != IGNORED).squeeze(1)
        batch["targets"] = following[batch["label_rows"]]
        batch |= self._vision([grid for sample in samples for grid in sample.grids])
        batch["patches"] = torch.from_numpy(np.concatenate([sample.patches for sample in samples]))
        batch["picture_names"] = tuple(name for sample in samples for name in sample.names)
        batch["samples"] = len(samples)
        return batch

    def _vision(self, grids: Sequence[Grid]) -> Batch:
        if not grids:
            return {"grid": torch.zeros((0, 3), dtype=torch.long)}
        tables = [_tables(grid, self._side) for grid in grids]
        lengths = [rows * columns for rows, columns in grids]
        return {
            "grid": torch.tensor([(1, *grid) for grid in grids]),
            "patch_places": torch.from_numpy(np.concatenate([table[0] for table in tables])),
            "position_taps": torch.from_numpy(np.concatenate([table[1] for table in tables])),
            "position_weights": torch.from_numpy(np.concatenate([table[2] for table in tables])),
            "picture_bounds": _bounds(lengths),
            "picture_lengths": tuple(lengths),
        }


@functools.lru_cache(maxsize=256)
def _tables(grid: Grid, side: int) -> tuple[Any, Any, Any]:
    taps, weights = interpolation(grid, side)
    return patch_coordinates(grid), taps, weights


def _bounds(lengths: Sequence[int]) -> torch.Tensor:
    return torch.tensor(np.concatenate([[0], np.cumsum(lengths)]), dtype=torch.int32)


def _join(samples: Sequence[Sample]) -> Batch:
    lengths = [len(sample) for sample in samples]
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    text = np.concatenate([np.arange(length) for length in lengths])
    positions = np.concatenate([text[None], np.concatenate([sample.positions for sample in samples], axis=1)])
    pictures = np.concatenate([sample.pictures + start for sample, start in zip(samples, starts, strict=True)])
    return {
        "input_ids": torch.from_numpy(np.concatenate([sample.ids for sample in samples]))[None],
        "labels": torch.from_numpy(np.concatenate([sample.labels for sample in samples]))[None],
        "position_ids": torch.from_numpy(positions)[:, None],
        "picture_rows": torch.from_numpy(pictures.astype(np.int64)),
        "bounds": _bounds(lengths),
        "lengths": tuple(lengths),
        **as_rows(lengths, starts),
    }


def as_rows(lengths: Sequence[int], starts: Any) -> Batch:
    """Where tokens stand when samples of nearly one length become rows, for kernels that take rows; nothing where filling up costs more."""
    width = -(-max(lengths) // ROW_STEP) * ROW_STEP
    if len(lengths) * width**2 > ROW_WASTE * sum(length**2 for length in lengths):
        return {}
    spread = np.full((len(lengths), width), -1, np.int64)
    for row, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        spread[row, :length] = np.arange(start, start + length)
    back = np.concatenate([np.arange(length) + row * width for row, length in enumerate(lengths)])
    return {"spread": torch.from_numpy(spread), "back": torch.from_numpy(back)}


def _pad(samples: Sequence[Sample], pad_id: int) -> Batch:
    longest = max(len(sample) for sample in samples)
    shape = (len(samples), longest)
    ids, labels = np.full(shape, pad_id, np.int64), np.full(shape, IGNORED, np.int64)
    mask, positions = np.zeros(shape, np.int64), np.zeros((4, *shape), np.int64)
    for row, sample in enumerate(samples):
        end = len(sample)
        ids[row, :end], labels[row, :end], mask[row, :end] = sample.ids, sample.labels, 1
        positions[0, row] = np.arange(longest)
        positions[1:, row, :end] = sample.positions
    pictures = np.concatenate([sample.pictures + row * longest for row, sample in enumerate(samples)])
    return {
        "input_ids": torch.from_numpy(ids),
        "labels": torch.from_numpy(labels),
        "attention_mask": torch.from_numpy(mask),
        "position_ids": torch.from_numpy(positions),
        "picture_rows": torch.from_numpy(pictures.astype(np.int64)),
    }
