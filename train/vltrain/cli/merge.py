"""`vltrain merge`: an adapter and its base to one model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vldata.cli import options as opt
from vltrain.cli.plan import RecipeFile


def merge(
    recipe: RecipeFile,
    adapter: Annotated[str, typer.Option(help="Adapter folder; by default the recipe's output.", show_default=False)] = "",
    out: Annotated[str, typer.Option("--out", help="Folder to write; by default the recipe's merge_to.", show_default=False)] = "",
    verify: Annotated[bool, typer.Option(help="Compare logits with those of adapter-on-base.")] = True,
    json_output: opt.Json = False,
) -> None:
    """Merge an adapter onto its full-precision base: sharded safetensors, and every side file of the base."""
    import msgspec

    from vldata.errors import UsageError
    from vldata.terminal import note, say, say_json
    from vltrain.cli.quiet import hush
    from vltrain.merge import merge as run_merge
    from vltrain.recipe import read_recipe

    read, _ = read_recipe(recipe)
    source, target = adapter or read.adapter or read.output, out or read.merge_to
    if not source or not target:
        raise UsageError(
            "adapter and merge_to must be known." if not source else "merge_to: where to write is missing.", cure="Give --out FOLDER."
        )
    hush()
    result = run_merge(Path(read.model), Path(source), Path(target), shard_gb=read.shard_gb, verify=verify, say=note)
    if json_output:
        say_json(msgspec.to_builtins(result))
        return
    files = f"{result.shards} file{'' if result.shards == 1 else 's'}"
    say(f"{result.merged_tensors:,} tensors merged in {result.dtype}, {files} in {result.output}.")
    if verify:
        say(
            f"Logits differ from adapter-on-base by at most {result.max_logit_difference:.2e} (greatest logit {result.greatest_logit:.2f})."
        )
