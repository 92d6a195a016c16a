"""Qwen2.5-VL: attention inside windows of 112 pixels a side, but for a few blocks that see the whole picture, and a gated product.

Patches go through all blocks in the order of the windows; only what stands for the picture in the text goes back to the order of rows. At
the right and the lower edge windows are as small as the picture leaves them.

The published towers are 3,420 wide inside, and 3,420 numbers of 16 bits are no multiple of the 16 bytes that a GPU's fast products want. A
frozen tower gets columns of nothing up to the next multiple of 64: what it computes stays, and gate and up become one product.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributed.tensor import DTensor

from vltrain.attention import Segments
from vltrain.collate import Batch, Lay
from vltrain.cuts import MERGE
from vltrain.features import Grid, Laid, patch_coordinates
from vltrain.linears import linears
from vltrain.towers.tower import Tower, attended

_STEP = 64  # columns


@functools.lru_cache(maxsize=256)
def lay(grid: Grid, window: int) -> Laid:
    """Patches in the order of windows of `window` x `window` tokens, row by row, and row by row inside each."""
    rows, columns = grid[0] // MERGE, grid[1] // MERGE
    tokens = np.arange(rows * columns).reshape(rows, columns)
    windows = [tokens[top : top + window, left : left + window] for top in range(0, rows, window) for left in range(0, columns, window)]
    order = np.concatenate([one.reshape(-1) for one in windows])
    patches = (order[:, None] * MERGE**2 + np.arange(MERGE**2)).reshape(-1)
    return Laid(patch_coordinates(grid)[patches], {}, patches, tuple(one.size * MERGE**2 for one in windows))


class WindowTower(Tower):
    """Rotary positions alone, windows, a gated product after attention."""

    def __init__(self, module: Any) -> None:
        super().__init__(module)
        self._whole = frozenset(module.fullatt_block_indexes)
        self._ready = False

    def lay(self) -> Lay:
        """Positions, in the order of the windows."""
        return functools.partial(lay, window=self.module.window_size // MERGE // self.module.patch_size)

    def prepare(self) -> None:
        """Widen what is frozen."""
        if not self._ready:
            for block in self.module.blocks:
                widen(block.mlp)
        self._ready = True

    @staticmethod
    def block(block: Any, hidden: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, segments: Segments) -> torch.Tensor:
        """Attention, then the gated product."""
        hidden = attended(block, hidden, cos, sin, segments)
        return hidden + gated(block.mlp, block.norm2(hidden))

    def sees_windows(self, place: int) -> bool:
        """All but those that the configuration names."""
        return place not in self._whole

    def leave(self, hidden: torch.Tensor, table: Batch) -> torch.Tensor:
        """Merge, and put the tokens back into rows."""
        tokens = self.module.merger(hidden)
        order = table["patch_order"][:: MERGE**2] // MERGE**2  # all patches of a token stay together
        return torch.empty_like(tokens).index_copy(0, order, tokens)


def gated(mlp: Any, normed: torch.Tensor) -> torch.Tensor:
    """The product of a block, by the wide weights where there are any."""
    if hasattr(mlp, "wide_in"):
        gate, up = F.linear(normed, mlp.wide_in, mlp.wide_in_bias).chunk(2, dim=-1)
        return F.linear(mlp.act_fn(gate) * up, mlp.wide_out, mlp.down_proj.bias)
    gate, up = linears(normed, (mlp.gate_proj, mlp.up_proj))
    return linears(mlp.act_fn(gate) * up, (mlp.down_proj,))[0]


def widen(mlp: Any) -> bool:
    """Give a frozen product columns of nothing up to a width that is multiplied fast; say whether it was done.

    The weights move into the wide tensors and stay what they were, as views: nothing is kept twice.
    """
    parts = (mlp.gate_proj, mlp.up_proj, mlp.down_proj)
    plain = all(type(part) is nn.Linear and not part.weight.requires_grad and not isinstance(part.weight, DTensor) for part in parts)
    inner = mlp.gate_proj.out_features
    if not plain or inner % _STEP == 0 or any(part.weight.is_meta for part in parts):
        return False
    gate, down = mlp.gate_proj.weight, mlp.down_proj.weight
    wide = -(-inner // _STEP) * _STEP
    into, out = gate.new_zeros(2 * wide, gate.shape[1]), down.new_zeros(down.shape[0], wide)
    bias = None if mlp.gate_proj.bias is None else gate.new_zeros(2 * wide)
    for place, part in ((0, mlp.gate_proj), (wide, mlp.up_proj)):
        into[place : place + inner].copy_(part.weight)
        part.weight.data = into[place : place + inner]
        if bias is not None:
            bias[place : place + inner].copy_(part.bias)
    out[:, :inner].copy_(down)
    down.data = out[:, :inner]
    for name, tensor in (("wide_in", into), ("wide_out", out), ("wide_in_bias", bias)):
        mlp.register_buffer(name, tensor, persistent=False)
    return True


TOWER = WindowTower
