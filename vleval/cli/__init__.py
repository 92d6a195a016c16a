"""The `vleval` command line."""

from __future__ import annotations

import typer

from vldata.terminal import run

app = typer.Typer(
    help="Score, compare and report what vision-language models answer.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Entry point of `vleval`."""
    run(app, "vleval")
