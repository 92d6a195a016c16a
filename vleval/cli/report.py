"""`vleval report`: a page a person would rather look at than read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vleval.cli import options as o

if TYPE_CHECKING:
    from vleval.report.make import Made


def report(
    files: Annotated[list[str], typer.Argument(metavar="A [B...]", help="Predictions; several are compared with the first.")],
    out: Annotated[
        list[Path] | None, typer.Option("--out", metavar="FILE", help="report.html, .md or .json; may be given more than once.")
    ] = None,
    references: o.References = None,
    profile: o.Profile = "vlkit",
    metric: o.Metrics = None,
    format: o.Format = "",
    group_by: o.GroupBy = None,
    allow_missing: o.AllowMissing = False,
    allow_duplicates: o.AllowDuplicates = False,
    allow_extra: o.AllowExtra = False,
    strip_think: o.StripThink = None,
    coord_space: o.CoordSpace = "",
    reference_space: o.ReferenceSpace = "",
    iou: o.Iou = 0.5,
    allow_remote_code: o.AllowRemoteCode = False,
    image_root: Annotated[
        Path | None, typer.Option("--image-root", metavar="DIR", help="Folder the pictures lie in. Default: that of the references.")
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Heading of the report.")] = "",
    gallery: Annotated[int, typer.Option("--gallery", min=0, help="How many rows to show.")] = 300,
    seed: o.Seed = 0,
    json: o.Json = False,
) -> None:
    """Write a report: scores with intervals, categories, comparison, and the rows themselves."""
    from vleval.cli.settings import metric_options
    from vleval.joining import Allow
    from vleval.report.make import Request, check_outputs, make_report

    outputs = check_outputs(out if out is not None or json else [Path("report.html")])
    made = make_report(
        Request(
            files=tuple(files),
            references=references,
            profile=profile,
            metrics=tuple(metric or ()),
            format=format,
            group_by=group_by,
            options=metric_options(strip_think, coord_space, reference_space, iou, allow_remote_code),
            allow=Allow(missing=allow_missing, duplicates=allow_duplicates, extra=allow_extra),
            image_root=image_root,
            title=title,
            gallery=gallery,
            seed=seed,
        ),
        with_images=any(path.suffix == ".html" for path in outputs),
    )
    _deliver(made, outputs, json)


def _deliver(made: Made, outputs: list[Path], json: bool) -> None:
    from vldata import terminal
    from vldata.files.durable import write_atomic
    from vleval.report.make import render

    for sentence in made.notes:
        terminal.note(sentence)
    for path in outputs:
        content = render(made, path.suffix)
        write_atomic(path, content)
        terminal.note(f"{path}: {len(content):,} bytes.")
    if json:
        import msgspec

        terminal.say_json(msgspec.to_builtins(made.document))
