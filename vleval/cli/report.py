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
    serve: Annotated[
        bool, typer.Option("--serve", help="Then show report.html at 127.0.0.1, made again when a file changes, until Ctrl-C.")
    ] = False,
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65_535, help="Port for --serve; 0: any that is free.")] = 0,
    reading: Reading,
    scoring: Scoring,
    showing: Showing,
) -> None:
    """Write a report: scores with intervals, categories, comparison, and the rows themselves."""
    from vldata import terminal
    from vldata.errors import UsageError
    from vleval.reports.make import MadeReport
    from vleval.reports.make import report as run_report

    outputs = out if out is not None else [] if json else [Path("report.html")]
    page = next((path for path in outputs if path.suffix == ".html"), None)
    if serve and page is None:
        raise UsageError("--serve shows a page, and none is written.", cure="Add --out report.html.")

    def make() -> MadeReport:
        return run_report(files, references, out=outputs, reading=reading, scoring=scoring, showing=showing)

    made = make()
    for sentence in made.notes:
        terminal.note(sentence)
    for path in made.files:
        terminal.note(f"{path}: {path.stat().st_size:,} bytes.")
    if json:
        terminal.say_json(made.document())
    if serve and page is not None:
        from vldata.web.live import Live, serve_live, watched_files

        watched = watched_files([*files, *([references] if references else [])])
        serve_live(Live(page, watched, lambda: (make(), None)[1], terminal.note), port=port, tell=terminal.note)
