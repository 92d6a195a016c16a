"""Schedules and optimizers that transformers' Trainer knows by name (`SchedulerType`, `OptimizerNames`), without importing it.

Left out are those that need more than a name: layer-wise and projected optimizers (galore, apollo, lomo, grokadamw), and schedules that
need arguments of their own. A test holds the lists to the installed transformers.
"""

from __future__ import annotations

SCHEDULES = ("linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup", "inverse_sqrt")
OPTIMIZERS = (
    "adamw_torch", "adamw_torch_fused", "adafactor", "sgd", "adagrad", "rmsprop", "adamw_8bit", "adamw_bnb_8bit", "lion_8bit", "lion_32bit",
    "paged_adamw_8bit", "paged_adamw_32bit", "paged_lion_8bit", "paged_lion_32bit",
)  # fmt: skip

# Services that transformers reports to (its integrations), by the package that each needs; TensorBoard is a key of its own.
TRACKERS = ("wandb", "trackio", "swanlab", "mlflow")
