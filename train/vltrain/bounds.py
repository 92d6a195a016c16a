"""What the numbers of a recipe can be: beyond these no run ends, fits or means anything."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

MOST = 10_000_000  # of steps, tokens, records at once
_TABLE: dict[str, tuple[float, float]] = {
    "accumulate": (1, MOST),
    "alpha": (0, 1e6),
    "batch_size": (1, MOST),
    "cutoff": (1, MOST),
    "dropout": (0, 1),
    "epochs": (0, 100_000),
    "eval_batch_size": (0, MOST),
    "eval_steps": (0, 1e9),
    "keep_vision_gib": (0, 1e6),
    "learning_rate": (0, 100),
    "log_steps": (1, MOST),
    "max_grad_norm": (0, 1e9),
    "max_pixels": (1, 1e9),
    "max_records": (1, 1e9),
    "max_steps": (-1, 1e9),
    "min_pixels": (1, 1e9),
    "rank": (1, 8_192),
    "save_limit": (1, 1e6),
    "save_steps": (0, 1e9),
    "seed": (0, 2**32 - 1),
    "shard_gb": (0, MOST),
    "val_size": (0, 1e9),
    "warmup": (0, 1e9),
    "weight_decay": (0, 1e3),
    "workers": (0, 1_024),
}
_ABOVE_ZERO = frozenset({"learning_rate", "epochs", "shard_gb", "alpha"})


def out_of_bounds(values: Mapping[str, Any]) -> str:
    """Name the first number that cannot be and say what can, or ""."""
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        low, high = _TABLE.get(key, (-math.inf, math.inf))
        if key in _ABOVE_ZERO and not 0 < value <= high:
            return f"{key}: {_shown(value)} must be above 0 and at most {high:,.0f}."
        if not low <= value:
            return f"{key}: {_shown(value)} must be at least {low:g}." if low else f"{key}: {_shown(value)} must not be below 0."
        if not value <= high:
            return f"{key}: {_shown(value)} is more than {high:,.0f}, which no run can be."
    generation = values.get("generation") or {}
    for key, value in generation.items():
        if not isinstance(value, bool) and not -1e9 <= value <= 1e9:
            return f"{key}: {_shown(value)} is no number to draw answers with."
    return ""


def _shown(value: float) -> str:
    text = str(value) if abs(value) < 1e15 else f"{value:.3g}"
    return text[:40]
