"""`vleval compare`: whether two systems differ."""

from __future__ import annotations

from typing import Annotated

import typer

from vleval.cli import options as o
from vleval.settings import Judging, Reading, Scoring


def compare(
    *,
    files: Annotated[list[str], typer.Argument(metavar="A B [C...]", help="Predictions of the same questions; each is compared with A.")],
    references: o.References = None,
    agreement: Annotated[bool, typer.Option("--agreement", help="A and B are marks of two judges: print how far they agree.")] = False,
    names: Annotated[
        str,
        typer.Option(metavar="A,B", help="Names of the systems, in the order of the files. Default: the files' names.", show_default=False),
    ] = "",
    json: o.Json = False,
    reading: Reading,
    scoring: Scoring,
    judging: Judging,
) -> None:
    """Say whether two or more systems differ: paired, clustered, corrected."""
    from vldata import terminal

    if agreement:
        _print_agreement(files, names, json)
        return
    import msgspec

    from vleval.comparing import compare as run_compare

    without_extras = msgspec.structs.replace(scoring, extras=False)
    compared = run_compare(
        files,
        references,
        reading=reading,
        scoring=without_extras,
        judging=judging,
        judge_key=o.api_key(),
        names=names,
        tell=terminal.note,
    )
    terminal.say_result(compared, json=json)


def _print_agreement(files: list[str], names: str, json: bool) -> None:
    from vldata import terminal
    from vldata.errors import UsageError
    from vleval.agreeing import agreement

    if len(files) != 2:
        raise UsageError("--agreement needs the marks of exactly two judges.", cure="vleval compare --agreement judge1.json judge2.json")
    terminal.say_result(agreement(*files, names=names), json=json)
