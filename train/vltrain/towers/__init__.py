"""Vision towers with the levers: one module a tower, found by the name that the family gives it (`Family.fast`), and in it `TOWER`.

Asking which types are fast needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vldata.models.families import FAMILIES
from vldata.models.families.family import Fast

if TYPE_CHECKING:
    from vltrain.towers.tower import Tower

FAST: dict[str, Fast] = {kind: fast for family in FAMILIES.values() for kind, fast in family.fast.items()}
REGULAR = tuple(kind for kind, fast in FAST.items() if fast.regular)


def tower_of(core: Any) -> Tower:
    """The tower of a model."""
    tower: type[Tower] = import_module(f"{__name__}.{FAST[core.config.model_type].tower}").TOWER
    return tower(core.model.visual)
