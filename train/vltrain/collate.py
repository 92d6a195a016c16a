"""Samples to a batch: joined end to end (packed) or padded, with every index that the step needs worked out beforehand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from vldata.errors import DataError
from vltrain.features import IGNORED, Grid, Laid, Sample

Batch = dict[str, Any]
Lay = Callable[[Grid], Laid]  # a tower's, for one picture; a loader's workers carry it
ROW_STEP = 128  # widths of rows are multiples of this: a kernel is planned once a width
ROW_WASTE = 1.3  # rows may cost this much more than their samples: what the faster kernel gains


class Collator:
    """Makes batches. Its result is a plain dict of tensors and numbers; `labels` are there for Trainer to count."""

    def __init__(self, *, packing: bool, pad_id: int, lay: Lay) -> None:
        self._packing = packing
        self._pad_id = pad_id
        self._lay = lay

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
        grids = [grid for sample in samples for grid in sample.grids]
        batch["grid"] = torch.tensor([(1, *grid) for grid in grids]) if grids else torch.zeros((0, 3), dtype=torch.long)
        batch |= lay_out(grids, self._lay)
        batch["patches"] = torch.from_numpy(np.concatenate([sample.patches for sample in samples]))
        batch["normal"] = torch.tensor(samples[0].cut.normal)[:, :, None]
        batch["picture_names"] = tuple(name for sample in samples for name in sample.names)
        batch["samples"] = len(samples)
        return batch


def lay_out(grids: Sequence[Grid], lay: Lay) -> Batch:
    """What the tower needs to know of the pictures of a batch, one after the other; nothing where there are none."""
    if not grids:
        return {}
    laid = [lay(grid) for grid in grids]
    lengths = [rows * columns for rows, columns in grids]
    out: Batch = {
        "picture_grids": tuple(grids),
        "picture_lengths": tuple(lengths),
        "picture_bounds": _bounds(lengths),
        "patch_places": torch.from_numpy(np.concatenate([one.places for one in laid])),
    }
    for name in laid[0].columns:
        out[name] = torch.from_numpy(np.concatenate([one.columns[name] for one in laid]))
    orders = [one.order for one in laid if one.order is not None]
    if orders:
        starts = np.cumsum([0, *lengths[:-1]])
        out["patch_order"] = torch.from_numpy(np.concatenate([order + start for order, start in zip(orders, starts, strict=True)]))
        out["window_lengths"] = tuple(length for one in laid for length in one.windows)
        out["window_bounds"] = _bounds(out["window_lengths"])
    return out


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
