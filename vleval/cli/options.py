"""Options that several commands share, with their words in one place."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from vldata.completion import complete_dataset

File = Annotated[str, typer.Argument(metavar="FILE", help="Predictions of any known tool; - for stdin.")]
References = Annotated[
    str | None,
    typer.Option(
        "--references",
        "--data",
        metavar="FILE|DIR/NAME",
        help="Accepted answers: a file, or a dataset of vldata.",
        autocompletion=complete_dataset,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def api_key() -> str:
    """Read the key from the environment, the only place it may come from."""
    return os.environ.get("VLEVAL_API_KEY") or os.environ.get("OPENAI_API_KEY") or ""
