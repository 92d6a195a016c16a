"""`vleval report`: a page a person would rather look at than read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vleval.cli import options as o
from vleval.reports.options import Showing
from vleval.settings import Reading, Scoring


def report(
    *,
    files: Annotated[list[str], typer.Argument(metavar="A [B...]", help="Predictions; several are compared with the first.")],
    out: Annotated[
        list[Path] | None, typer.Option("--out", metavar="FILE", help="report.html, .md or .json; may be given more than once.")
    ] = None,
    references: o.References = None,
    json: o.Json = False,
    reading: Reading,
    scoring: Scoring,
    showing: Showing,
) -> None:
    """Write a report: scores with intervals, categories, comparison, and the rows themselves."""
    from vldata import terminal
    from vleval.reports.make import report as run_report

    outputs = out if out is not None else [] if json else [Path("report.html")]
    made = run_report(files, references, out=outputs, reading=reading, scoring=scoring, showing=showing)
    for sentence in made.notes:
        terminal.note(sentence)
    for path in made.files:
        terminal.note(f"{path}: {path.stat().st_size:,} bytes.")
    if json:
        terminal.say_json(made.document())
