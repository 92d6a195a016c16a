"""Qwen3-VL and Qwen3.5: a table of learned positions stretched over each picture, and features of some blocks for the first layers."""

from __future__ import annotations

import functools
from typing import Any

import torch

from vltrain.attention import Segments
from vltrain.collate import Batch, Lay
from vltrain.features import Grid, Laid, interpolation, patch_coordinates
from vltrain.linears import linears
from vltrain.towers.tower import Tower, attended


@functools.lru_cache(maxsize=256)
def lay(grid: Grid, side: int) -> Laid:
    """Row and column of each patch, and what it mixes of a `side` x `side` table."""
    taps, weights = interpolation(grid, side)
    return Laid(patch_coordinates(grid), {"position_taps": taps, "position_weights": weights})


class PlacedTower(Tower):
    """Learned positions, two linears after attention."""

    def lay(self) -> Lay:
        """Positions, and which entries of the table they mix."""
        return functools.partial(lay, side=self.module.num_grid_per_side)

    def enter(self, hidden: torch.Tensor, table: Batch) -> torch.Tensor:
        """Add the learned positions."""
        mixed: torch.Tensor = (self.module.pos_embed(table["position_taps"]) * table["position_weights"][:, :, None]).sum(1)
        return hidden + mixed.to(hidden.dtype)

    @staticmethod
    def block(block: Any, hidden: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, segments: Segments) -> torch.Tensor:
        """Attention, then two linears."""
        hidden = attended(block, hidden, cos, sin, segments)
        inner = block.mlp.act_fn(linears(block.norm2(hidden), (block.mlp.linear_fc1,))[0])
        return hidden + linears(inner, (block.mlp.linear_fc2,))[0]

    def joins(self, place: int, level: int, hidden: torch.Tensor) -> torch.Tensor | None:
        """Features of the blocks that the configuration names; Qwen3.5 has none."""
        if place not in getattr(self.module, "deepstack_visual_indexes", ()):
            return None
        return self.module.deepstack_merger_list[level](hidden)  # type: ignore[no-any-return]


TOWER = PlacedTower
