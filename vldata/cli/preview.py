"""`vldata preview`: a dataset as one HTML file to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vldata.cli import options as opt
from vldata.cli.know import Tokenizer
from vldata.wording import counted


def preview(
    target: opt.Target,
    out: Annotated[Path | None, typer.Option(help="The file; by default DIR/NAME.preview.html.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(help="Most records to show; of more, those with findings and a sample.", min=1)] = 5_000,
    tokenizer: Tokenizer = "",
    workers: opt.Workers = 0,
    json_output: opt.Json = False,
) -> None:
    """Write a gallery of records, pictures, tokens and findings: one HTML file that opens without a network."""
    import msgspec

    from vldata.cli.progress import count_progress
    from vldata.previews.make import make_preview
    from vldata.terminal import note, say, say_json

    with count_progress("pictures") as on_progress:
        made = make_preview(target, out=out, limit=limit, tokenizer=tokenizer, workers=workers, on_progress=on_progress)
    if json_output:
        say_json(msgspec.to_builtins(msgspec.structs.asdict(made) | {"path": str(made.path)}))
        return
    for line in made.notes:
        note(line)
    findings = f", {counted(made.findings, 'finding')}" if made.findings else ""
    shown = f"{counted(made.shown, 'record')}, {counted(made.pictures_shown, 'picture')}{findings}"
    say(f"{shown}: {made.path} ({made.bytes / 2**20:,.1f} MiB)")
