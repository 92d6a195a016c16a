"""`vleval compare`: whether two systems differ."""

from __future__ import annotations

from typing import Annotated

import typer

from vleval.cli import options as o


def compare(
    files: Annotated[list[str], typer.Argument(metavar="A B [C...]", help="Predictions of the same questions; each is compared with A.")],
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
    agreement: Annotated[bool, typer.Option("--agreement", help="A and B are marks of two judges: print how far they agree.")] = False,
    seed: o.Seed = 0,
    json: o.Json = False,
) -> None:
    """Say whether two or more systems differ: paired, clustered, corrected."""
    from vldata import terminal

    if agreement:
        _print_agreement(files, json)
        return
    from vleval.cli.settings import metric_options
    from vleval.compare import compare as run_compare
    from vleval.compare import comparison_document
    from vleval.joining import Allow

    compared = run_compare(
        files,
        references=references,
        profile=profile,
        metrics=metric or (),
        format=format,
        group_by=group_by,
        options=metric_options(strip_think, coord_space, reference_space, iou, allow_remote_code),
        allow=Allow(missing=allow_missing, duplicates=allow_duplicates, extra=allow_extra),
        seed=seed,
        tell=terminal.note,
    )
    if json:
        terminal.say_json(comparison_document(compared))
        return
    from vleval.report.compare_text import comparison_lines

    for line in comparison_lines(compared.comparison):
        terminal.say(line)


def _print_agreement(files: list[str], json: bool) -> None:
    import dataclasses

    from vldata import terminal
    from vldata.errors import UsageError
    from vleval.compare import agreement as run_agreement
    from vleval.compare import display_names
    from vleval.readers import read_marks
    from vleval.report.compare_text import agreement_lines

    if len(files) != 2:
        raise UsageError("--agreement needs the marks of exactly two judges.", cure="vleval compare --agreement judge1.json judge2.json")
    first, second = (read_marks(file) for file in files)
    found = run_agreement(first, second)
    if json:
        terminal.say_json(dataclasses.asdict(found))
        return
    for line in agreement_lines(found, *display_names(files)):
        terminal.say(line)
