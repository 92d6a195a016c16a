"""`vltrain plan`: what a recipe will do, and what would fail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vldata.cli import options as opt

if TYPE_CHECKING:
    from vltrain.plan import Prepared
    from vltrain.recipe import Recipe

RecipeFile = Annotated[Path, typer.Argument(help="A recipe, or a LLaMA-Factory YAML.", metavar="RECIPE.yaml", show_default=False)]


def plan(
    recipe: RecipeFile,
    gpu: Annotated[str, typer.Option(help="Judge for this type of GPU, for example T4-16GB.", show_default=False)] = "",
    gpus: Annotated[int, typer.Option(help="How many GPUs share the steps.", min=1)] = 1,
    json_output: opt.Json = False,
) -> None:
    """Say what a recipe will do: steps, trainable parameters, tokens against the cutoff, memory, and what would fail.

    Loads no weights and imports no torch. Exits with 1 when the run would fail.
    """
    import msgspec

    from vldata.errors import UsageError
    from vldata.suggest import nearest
    from vldata.terminal import say_json
    from vltrain.memory import GPUS
    from vltrain.plan import prepare
    from vltrain.recipe import read_recipe

    if gpu and gpu not in GPUS:
        raise UsageError(f"--gpu: no type {gpu!r}.{nearest(gpu, GPUS)}", cure=f"Known are {', '.join(GPUS)}.")
    read, notes = read_recipe(recipe)
    if read.job != "sft":
        _say_other(read, recipe, as_json=json_output)
        return
    prepared = prepare(read, gpu=gpu, gpus=gpus, notes=notes)
    if json_output:
        say_json(msgspec.to_builtins(prepared.plan))
    else:
        _say(read, prepared)
    if prepared.plan.problems:
        raise typer.Exit(1)


def _say_other(recipe: Recipe, file: Path, *, as_json: bool) -> None:
    from vldata.terminal import say, say_json
    from vltrain.llamafactory import SAMPLING, predict_command

    command = f"vltrain merge {file}" if recipe.job == "merge" else predict_command(recipe)
    if as_json:
        say_json({"job": recipe.job, "command": command})
    elif recipe.job == "merge":
        say(f"This merges {recipe.adapter} into {recipe.model}. Run: {command}")
    else:
        say(f"This evaluates, which is vleval's. Run: {command}")
        if left := [key for key in recipe.generation if key not in (*SAMPLING, "do_sample")]:
            say(f"Not passed on: {', '.join(left)}.")


def _say(recipe: Recipe, prepared: Prepared) -> None:
    from vldata.terminal import say

    found = prepared.plan
    batch = f"batch {recipe.batch_size} x {recipe.accumulate}"
    if found.train_records:
        length = f"{recipe.epochs:g} epochs" if recipe.max_steps <= 0 else "max_steps"
        say(f"Steps: {found.steps:,} ({found.train_records:,} records, {batch}, {length}); {found.eval_records:,} held out.")
    else:
        say("Steps: not known, there are no records.")
    if prepared.shape:
        total = prepared.shape.parameters + found.trainable_parameters
        share = found.trainable_parameters / total
        say(f"Trainable parameters: {found.trainable_parameters:,} of {total:,} ({share:.4%}): {recipe.method}, rank {recipe.rank}.")
    counted = "" if found.tokens.text_counted else " in pictures alone, text uncounted"
    if found.train_records:
        say(f"Tokens of a record: at most {found.tokens.max:,}, 95 % up to {found.tokens.p95:,}{counted}; cutoff {found.cutoff:,}.")
    for fact in prepared.facts:
        say(fact)
    for name, row in found.memory.items():
        say(f"  {name:<14} {row['gib']:6.1f} GiB of {row['available_gib']:6.1f}  {'fits' if row['fits'] else 'does not fit'}")
    for warning in found.warnings:
        say(f"Warning: {warning}")
    for problem in found.problems:
        say(f"Problem: {problem}")
