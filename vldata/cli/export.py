"""`vldata export`: a dataset in the form another trainer reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from vldata.cli import options as opt
from vldata.exports import FORMATS
from vldata.wording import counted


def export(
    target: opt.Target,
    to: Annotated[str, typer.Option(help="; ".join(f"{name}: {text}" for name, (_, text) in FORMATS.items()) + ".")],
    out: Annotated[Path | None, typer.Option(help="Folder of the export; by default DIR/exports/FORMAT.", show_default=False)] = None,
    images: Annotated[
        Literal["auto", "absolute", "copy", "embed"],
        typer.Option(
            help="Name pictures where they lie, copy them beside the export, or embed their bytes (openai, parquet; their default)."
        ),
    ] = "auto",
    rows_per_shard: Annotated[int, typer.Option(help="Records a shard, for parquet and webdataset.", min=1, max=1_000_000_000)] = 1000,
    push: Annotated[
        str, typer.Option(metavar="REPO", help="With --to hf: upload to this dataset of the hub, private.", show_default=False)
    ] = "",
    public: Annotated[bool, typer.Option("--public", help="With --push: let everybody see it.")] = False,
    json_output: opt.Json = False,
) -> None:
    """Write a dataset for another trainer, with the snippet that trains on it."""
    from vldata.errors import UsageError
    from vldata.exports import export as run_export
    from vldata.exports.plan import ExportPlan
    from vldata.output.folder import split_target
    from vldata.terminal import note, say, say_json

    embeds = ("openai", "parquet")
    if images == "embed" and to not in embeds:
        raise UsageError(f"the {to} format names pictures by path.", cure="Use --images absolute or copy.")
    if push and to != "hf":
        raise UsageError(f"the {to} format is not uploaded.", cure="Use --to hf --push REPO.")
    if public and not push:
        raise UsageError("--public says who may see an upload.", cure="Add --push REPO, or leave it out.")
    places: Literal["absolute", "copy", "embed"] = ("embed" if to in embeds else "absolute") if images == "auto" else images
    folder = out if out is not None else split_target(target)[0] / "exports" / to
    result = run_export(to, ExportPlan(target, folder, images=places, rows_per_shard=rows_per_shard, push=push, public=public))
    if json_output:
        files = [str(file) for file in result.files]
        say_json({"format": result.format, "files": files, "records": result.records, "snippet": result.snippet})
        return
    say(f"{counted(result.records, 'row')}: {', '.join(str(file) for file in result.files[:3])}{' ...' if len(result.files) > 3 else ''}")
    note("Train on it:")
    say(result.snippet.rstrip())
