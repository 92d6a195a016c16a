"""What a run draws: its losses as pictures, smoothed where there are many points, and TensorBoard's event files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vltrain.recipe import Recipe

_MEMORY = 0.8  # what the smoothed curve keeps of itself at each point
_FEW = 10  # points that need no smoothed curve


def plot_losses(folder: Path, history: Sequence[dict[str, Any]]) -> None:
    """Draw training_loss.png and training_eval_loss.png, each where there is something to draw; a smoothed curve over many points."""
    from matplotlib.figure import Figure

    for key, name in (("loss", "training_loss.png"), ("eval_loss", "training_eval_loss.png")):
        points = [(row["step"], row[key]) for row in history if key in row]
        if not points:
            continue
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        steps, values = zip(*points, strict=True)
        many = len(points) > _FEW
        axes.plot(steps, values, marker="" if len(points) >= 50 else "o", linewidth=1.5, alpha=0.35 if many else 1, label="logged")
        if many:
            axes.plot(steps, smoothed(values), linewidth=2, label="smoothed")
            axes.legend()
        axes.set(xlabel="step", ylabel=key.replace("_", " "))
        axes.grid(alpha=0.3)
        figure.savefig(folder / name, dpi=120)


def smoothed(values: Sequence[float], memory: float = _MEMORY) -> list[float]:
    """An exponential mean without the pull of its beginning: each point is the weighted mean of those up to it."""
    found, total, weight = [], 0.0, 0.0
    for value in values:
        total, weight = memory * total + value, memory * weight + 1
        found.append(total / weight)
    return found


def log_every(recipe: Recipe, steps: int) -> int:
    """Steps between two lines of the log: as the recipe says, and each step of a run that would end before the first."""
    return recipe.log_steps if recipe.log_steps <= steps else 1


EVENTS = "events.out.tfevents."


def event_files(folder: Path) -> list[str]:
    """Names of TensorBoard's files below `runs` of a run's folder."""
    return sorted(path.name for path in (folder / "runs").glob(f"{EVENTS}*") if path.is_file() and not path.is_symlink())


def tensorboard_callback(folder: Path, first_step: int) -> Any:
    """A callback that writes event files below `runs`; what an earlier run wrote from `first_step` on no longer counts."""
    from torch.utils.tensorboard import SummaryWriter
    from transformers.integrations.integration_utils import TensorBoardCallback

    writer: Any = SummaryWriter
    return TensorBoardCallback(writer(log_dir=str(folder / "runs"), purge_step=first_step + 1 if first_step else None))
