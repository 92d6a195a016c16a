"""`vldata pii`: personal data in a dataset, found or taken out."""

from __future__ import annotations

from typing import Annotated

import typer

from vldata.cli import options as opt
from vldata.wording import counted


def pii(
    target: opt.Target,
    redact: Annotated[bool, typer.Option("--redact", help="Register a copy with labels in place of what was found.")] = False,
    name: Annotated[
        str | None,
        typer.Option(
            "--as", help="With --redact: name of the copy; by default NAME_redacted.", show_default=False, callback=opt.refuse_empty
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="With --redact: replace an earlier copy.")] = False,
    json_output: opt.Json = False,
) -> None:
    """Look for identity numbers, phone numbers and e-mail addresses in every text; exit 1 when there are any."""
    import msgspec

    from vldata.datasets.pii import redact as run_redact
    from vldata.datasets.pii import scan_dataset
    from vldata.output.folder import DatasetPaths, split_target
    from vldata.terminal import note, say, say_json

    count, findings = scan_dataset(target)
    copy = ""
    if redact:
        paths = DatasetPaths(*split_target(target))
        copy, changed = run_redact(paths, name or "", overwrite=overwrite)
        note(f"Registered {copy!r}: {changed:,} of {counted(count, 'record')} changed.")
        if any(finding.message.startswith("id:") for finding in findings.kept):
            note("Ids were kept as they are, for other files know the records by them: some hold personal data.")
    if json_output:
        found = [{**msgspec.to_builtins(finding), "cure": finding.cure} for finding in findings.kept]
        say_json({"records": count, "counts": dict(findings.counts), "findings": found, "redacted": copy})
    else:
        for line in findings.lines():
            say(line)
        total = counted(findings.total, "finding") if findings.total else "no findings"
        say(f"{counted(count, 'record')}, {total}.")
    if findings.total and not redact:
        raise typer.Exit(1)
