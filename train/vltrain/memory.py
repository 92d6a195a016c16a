"""What a run needs of a GPU's memory, estimated from sizes alone.

Weights, adapters with their optimizer, and activations. The activations are fitted to measured runs (docs/training.md). Expect an error of
a fifth.
"""

from __future__ import annotations

import os

import msgspec

from vldata.models.shapes import Shape
from vltrain.recipe import Recipe

GIB = 2**30
_NF4_BYTES = 0.5 + 1 / 64 + 0.02  # four bits, a byte of scale for 64 weights, and the scales of scales


class Gpu(msgspec.Struct, frozen=True):
    """A type of GPU: memory a process can use, and whether it computes in bfloat16."""

    gib: float
    bf16: bool
    capability: str


GPUS = {
    "T4-16GB": Gpu(14.6, False, "sm75"),
    "V100-16GB": Gpu(15.7, False, "sm70"),
    "RTX3090-24GB": Gpu(23.6, True, "sm86"),
    "RTX4090-24GB": Gpu(23.6, True, "sm89"),
    "L4-24GB": Gpu(22.2, True, "sm89"),
    "A100-40GB": Gpu(39.4, True, "sm80"),
    "L40S-48GB": Gpu(44.4, True, "sm89"),
    "A100-80GB": Gpu(79.2, True, "sm80"),
    "H100-80GB": Gpu(79.2, True, "sm90"),
    "H200-141GB": Gpu(139.8, True, "sm90"),
}


def estimate_bytes(recipe: Recipe, shape: Shape, *, trainable: int, tokens: int, patches: int) -> dict[str, float]:
    """Estimate bytes by part for one step of `tokens` tokens and `patches` picture patches."""
    wide = 4 if recipe.precision == "fp32" else 2
    weights = float(shape.parameters * wide)
    if recipe.method == "qlora":
        weights -= shape.language_linear_parameters * (wide - _NF4_BYTES)
    # What a layer keeps for its backward pass: fused, it keeps less of what is between its products.
    layer = tokens * wide * (8 * shape.hidden + 2.7 * shape.ffn if recipe.compile else 14 * shape.hidden + 5 * shape.ffn)
    kept = tokens * wide * shape.hidden * shape.layers + layer if recipe.checkpointing else layer * shape.layers
    tower = patches * wide * (10 * shape.vision_hidden + 3 * shape.vision_ffn) * (0.5 if recipe.compile else 1)
    if recipe.train_vision:
        tower *= shape.vision_depth if not recipe.checkpointing else 2
    rows = max(64, tokens // 20) if recipe.logits_at_labels else tokens
    logits = rows * shape.vocabulary * 10.0
    return {"weights": weights, "adapter": trainable * 16.0, "activations": kept + tower + logits, "reserve": 0.7 * GIB}


def estimate(recipe: Recipe, shape: Shape, *, trainable: int, tokens: int, patches: int) -> dict[str, dict[str, float | bool]]:
    """Estimate GiB a GPU, and whether each known type has them."""
    parts = estimate_bytes(recipe, shape, trainable=trainable, tokens=tokens, patches=patches)
    total = round(sum(parts.values()) / GIB, 1)
    return {name: {"gib": total, "available_gib": gpu.gib, "fits": total <= gpu.gib} for name, gpu in GPUS.items()}


def system_memory_gib() -> float:
    """Return the memory of this machine in GiB, for a run on its CPU; 0 where the system does not tell."""
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIB, 1)
    except (ValueError, OSError, AttributeError):
        return 0.0
