"""The `vldata` command line."""

from __future__ import annotations

import typer

from vldata.terminal import run

app = typer.Typer(
    help="Convert, validate and split data for vision-language models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Entry point of `vldata`."""
    run(app, "vldata")
