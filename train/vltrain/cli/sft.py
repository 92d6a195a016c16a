"""`vltrain sft`: train an adapter."""

from __future__ import annotations

from typing import Annotated

import typer

from vldata.cli import options as opt
from vltrain.cli.plan import RecipeFile


def sft(
    recipe: RecipeFile,
    max_steps: Annotated[
        int | None, typer.Option(help="Stop after so many steps, whatever the recipe says.", min=1, show_default=False)
    ] = None,
    output: Annotated[str, typer.Option(help="Output folder, whatever the recipe says.", show_default=False)] = "",
    labels: Annotated[int, typer.Option("--show-labels", help="Show what is learned of the first N records, and stop.", min=0)] = 0,
    json_output: opt.Json = False,
) -> None:
    """Train an adapter as the recipe says; go on where a killed run stopped.

    Only what the assistant says is learned. On several GPUs start it with torchrun.
    """
    import msgspec

    from vldata.terminal import note, say, say_json
    from vltrain.checkpoints import after_interrupt
    from vltrain.cli.quiet import hush
    from vltrain.recipe import read_recipe
    from vltrain.sft import run_sft, show_labels

    read, notes = read_recipe(recipe)
    changes: dict[str, object] = {}
    if max_steps is not None:
        changes["max_steps"] = max_steps
    if output:
        changes["output"] = output
    read = msgspec.structs.replace(read, **changes)
    if labels:
        for line in show_labels(read, labels):
            say(line)
        return
    hush()
    try:
        result = run_sft(read, notes=notes, say=note)
    except KeyboardInterrupt:
        note(f"Interrupted. {after_interrupt(read)}")
        raise typer.Exit(130) from None
    if json_output:
        say_json(msgspec.to_builtins(result))
        return
    evaluated = f", evaluation loss {result.eval_loss:.4f}" if result.eval_loss is not None else ""
    say(f"{result.steps:,} steps, mean training loss {result.train_loss:.4f}{evaluated}; adapter in {result.output}.")
    speed = f"{result.train_samples_per_second:.2f} samples/s, {result.train_tokens_per_second:,.0f} tokens/s"
    say(f"{speed}; waited for data {result.data_wait_share:.1%} of the time; {result.trainable_parameters:,} trainable parameters.")
