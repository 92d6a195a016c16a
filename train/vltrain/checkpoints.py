"""Which checkpoint a run goes on from, and what an interrupted one may count on. No torch."""

from __future__ import annotations

from pathlib import Path

from vldata.errors import UsageError
from vldata.models.layout import ADAPTER_WEIGHTS, WEIGHTS
from vltrain.recipe import Recipe

STATE = "trainer_state.json"


def list_checkpoints(output: Path) -> dict[int, Path]:
    """The whole checkpoints of a run, by step."""
    found = {int(path.name[11:]): path for path in output.glob("checkpoint-*") if path.name[11:].isdigit()}
    return {step: found[step] for step in sorted(found) if (found[step] / STATE).is_file()}


def find_checkpoint(recipe: Recipe, steps: int) -> Path | None:
    """Where a run of so many steps goes on from: the last checkpoint before its last step.

    Raises:
        UsageError: a checkpoint that is named is not there; the run is finished, or has come further than is asked for.
    """
    output, says = Path(recipe.output), recipe.written
    if recipe.resume not in ("auto", "never"):
        if not (Path(recipe.resume) / STATE).is_file():
            fault = f"{recipe.written('resume')}: no checkpoint in {recipe.resume!r}."
            raise UsageError(fault, cure=f"Give {output}/checkpoint-N, or {recipe.written('auto')}.")
        return Path(recipe.resume)
    if recipe.overwrite:
        return None
    found = list_checkpoints(output)
    finished = (output / (WEIGHTS if recipe.method == "full" else ADAPTER_WEIGHTS)).exists()
    if finished and (recipe.resume == "never" or max(found, default=steps) >= steps):
        raise UsageError(
            f"a finished {'model' if recipe.method == 'full' else 'adapter'} is here.",
            where=recipe.output,
            cure=f"Set {says('overwrite: true')}, more steps or {says('epochs')}, or another {says('output')}.",
        )
    if recipe.resume == "never":
        return None
    if found and max(found) > steps:
        raise UsageError(
            f"the run here has come to step {max(found):,}, beyond the {steps:,} asked for.",
            where=recipe.output,
            cure=f"Set {recipe.written('overwrite: true')} to lose it, or another {recipe.written('output')}.",
        )
    before = [step for step in found if step < steps]
    return found[before[-1]] if before else None


def after_interrupt(recipe: Recipe) -> str:
    """Say what the same command would do after a run was interrupted."""
    found = list_checkpoints(Path(recipe.output))
    if not found:
        return "No checkpoint was saved yet: the same command starts again; save_steps sets how often one is."
    last = max(found)
    if recipe.resume == "auto" and not recipe.overwrite:
        return f"The same command goes on from checkpoint-{last}."
    return f"To go on, set resume: {found[last]}"
