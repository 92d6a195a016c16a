"""Vision towers with the levers: one module a tower, and for each model type the line that says which it has."""

from __future__ import annotations

from typing import Any

from vltrain.towers.qwen2_5_vl import WindowTower
from vltrain.towers.qwen2_vl import PlainTower
from vltrain.towers.qwen3_vl import PlacedTower
from vltrain.towers.tower import Tower

TOWERS: dict[str, type[Tower]] = {
    "qwen2_vl": PlainTower,
    "qwen2_5_vl": WindowTower,
    "qwen3_vl": PlacedTower,
    "qwen3_vl_moe": PlacedTower,
    "qwen3_5": PlacedTower,
    "qwen3_5_moe": PlacedTower,
}


def tower_of(core: Any) -> Tower:
    """The tower of a model."""
    return TOWERS[core.config.model_type](core.model.visual)
