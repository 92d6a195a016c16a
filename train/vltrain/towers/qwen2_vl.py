"""Qwen2-VL: no learned positions, and attention over the whole picture in every block."""

from __future__ import annotations

import functools
from typing import Any

import torch

from vltrain.attention import Segments
from vltrain.collate import Lay
from vltrain.features import Grid, Laid, patch_coordinates
from vltrain.linears import linears
from vltrain.towers.tower import Tower, attended


@functools.lru_cache(maxsize=256)
def lay(grid: Grid) -> Laid:
    """Row and column of each patch."""
    return Laid(patch_coordinates(grid))


class PlainTower(Tower):
    """Rotary positions alone, two linears after attention."""

    def lay(self) -> Lay:
        """Positions alone."""
        return lay

    @staticmethod
    def block(block: Any, hidden: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, segments: Segments) -> torch.Tensor:
        """Attention, then two linears."""
        hidden = attended(block, hidden, cos, sin, segments)
        inner = block.mlp.act(linears(block.norm2(hidden), (block.mlp.fc1,))[0])
        return hidden + linears(inner, (block.mlp.fc2,))[0]


TOWER = PlainTower
