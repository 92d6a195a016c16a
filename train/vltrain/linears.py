"""Linears under adapters: those that share an input share one product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F


def linears(x: torch.Tensor, modules: Sequence[Any]) -> list[torch.Tensor]:
    """Apply linears that share an input. Their adapters' down projections become one product, unless dropout sets them apart."""
    adapted = [module for module in modules if hasattr(module, "lora_A") and not module.disable_adapters]
    drops = any(drop.p > 0 and drop.training for module in adapted for drop in module.lora_dropout.values() if hasattr(drop, "p"))
    if not adapted or drops:
        return [module(x) for module in modules]
    name = adapted[0].active_adapters[0]
    down = torch.cat([module.lora_A[name].weight for module in adapted]).to(x.dtype)
    parts = iter(F.linear(x, down).split([module.lora_A[name].weight.shape[0] for module in adapted], dim=-1))
    out = []
    for module in modules:
        if not (hasattr(module, "lora_A") and not module.disable_adapters):
            out.append(module(x))
            continue
        up = module.lora_B[name].weight.to(x.dtype) * module.scaling[name]
        out.append(module.base_layer(x) + F.linear(next(parts), up))
    return out


def rotate_half(x: torch.Tensor) -> torch.Tensor:
    """The second half of the last dimension, negated, before the first."""
    low, high = x.chunk(2, dim=-1)
    return torch.cat((-high, low), dim=-1)
