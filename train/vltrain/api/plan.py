"""`vltrain plan`: what a recipe will do, and what would fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from vldata.flags import Flag
from vldata.jobs import JobResult
from vltrain.api.params import RecipeFile

if TYPE_CHECKING:
    from vltrain.planning import Prepared
    from vltrain.recipe import Recipe


@dataclass(frozen=True, repr=False)
class PlanResult(JobResult):
    """What a run will do; `prepared` is None where the recipe is not one of training."""

    recipe: Recipe
    file: Path
    prepared: Prepared | None

    @property
    def ok(self) -> bool:
        """Whether the run would not fail."""
        return self.prepared is None or not self.prepared.plan.problems

    def lines(self) -> Iterator[str]:
        """Yield steps, parameters, tokens, memory, warnings and problems."""
        if self.prepared is None:
            yield from self._other_lines()
        else:
            yield from _plan_lines(self.recipe, self.prepared)

    def document(self) -> Any:
        """Return the plan, or the command that does what the recipe asks for."""
        import msgspec

        if self.prepared is None:
            return {"job": self.recipe.job, "command": self._command()}
        return msgspec.to_builtins(self.prepared.plan)

    def _command(self) -> str:
        from vltrain.llamafactory import predict_command

        return f"vltrain merge {self.file}" if self.recipe.job == "merge" else predict_command(self.recipe)

    def _other_lines(self) -> Iterator[str]:
        from vltrain.llamafactory import SAMPLING, sampling_note

        recipe = self.recipe
        if recipe.job == "merge":
            yield f"This merges {recipe.adapter} into {recipe.model}. Run: {self._command()}"
            return
        yield f"This evaluates, which is vleval's. Run: {self._command()}"
        if note := sampling_note(recipe):
            yield note
        if left := [key for key in recipe.generation if key not in (*SAMPLING, "do_sample")]:
            yield f"Not passed on: {', '.join(left)}."


def _plan_lines(recipe: Recipe, prepared: Prepared) -> Iterator[str]:
    found = prepared.plan
    batch = f"batch {recipe.batch_size} x {recipe.accumulate}"
    if found.train_records:
        length = f"{recipe.epochs:g} epochs" if recipe.max_steps <= 0 else "max_steps"
        yield f"Steps: {found.steps:,} ({found.train_records:,} records, {batch}, {length}); {found.eval_records:,} held out."
    else:
        yield "Steps: not known, there are no records."
    if prepared.shape:
        total = prepared.shape.parameters + found.trainable_parameters
        share = found.trainable_parameters / total
        yield f"Trainable parameters: {found.trainable_parameters:,} of {total:,} ({share:.4%}): {recipe.method}, rank {recipe.rank}."
    counted = "" if found.tokens.text_counted else " in pictures alone, text uncounted"
    if found.train_records:
        yield f"Tokens of a record: at most {found.tokens.max:,}, 95 % up to {found.tokens.p95:,}{counted}; cutoff {found.cutoff:,}."
    yield from prepared.facts
    for name, row in found.memory.items():
        yield f"  {name:<14} {row['gib']:6.1f} GiB of {row['available_gib']:6.1f}  {'fits' if row['fits'] else 'does not fit'}"
    yield from (f"Warning: {warning}" for warning in found.warnings)
    yield from (f"Problem: {problem}" for problem in found.problems)


def plan(
    recipe: RecipeFile,
    *,
    gpu: Annotated[str, Flag("Judge for this type of GPU, for example T4-16GB.", show_default=False)] = "",
    gpus: Annotated[int, Flag("How many GPUs share the steps.", least=1)] = 1,
    elsewhere: Annotated[bool, Flag("The run is for another machine: what this one lacks is only said. --gpu implies it.")] = False,
) -> PlanResult:
    """Say what a recipe will do: steps, trainable parameters, tokens against the cutoff, memory, and what would fail.

    Loads no weights and imports no torch. Exits with 1 when the run would fail.

    Raises:
        UsageError: no such type of GPU, or a recipe that cannot be read.
    """
    from vldata.errors import UsageError
    from vldata.suggest import nearest
    from vltrain.memory import GPUS
    from vltrain.planning import prepare
    from vltrain.recipe import read_recipe

    if gpu and gpu not in GPUS:
        raise UsageError(f"--gpu: no type {gpu!r}.{nearest(gpu, GPUS)}", cure=f"Known are {', '.join(GPUS)}.")
    read, notes = read_recipe(Path(recipe))
    prepared = prepare(read, gpu=gpu, gpus=gpus, notes=notes, elsewhere=elsewhere) if read.job == "sft" else None
    return PlanResult(read, Path(recipe), prepared)
