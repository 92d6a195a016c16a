"""`vldata validate`: every rule over every dataset of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vldata.cli import options as opt
from vldata.wording import counted

if TYPE_CHECKING:
    from vldata.validation import Validation


def validate(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of dataset_info.json, or DIR/NAME for one dataset; by default . and then ./prepared.")
    ] = None,
    headers_only: Annotated[bool, typer.Option("--headers-only", help="Read headers; decode and hash nothing.")] = False,
    no_files: Annotated[bool, typer.Option("--no-files", help="Check the records alone.")] = False,
    workers: opt.Workers = 0,
    timeout_s: opt.Timeout = 60.0,
    json_output: opt.Json = False,
) -> None:
    """Check records, pictures and contract of every dataset in a folder; exit 1 with findings."""
    from vldata.cli.progress import count_progress
    from vldata.terminal import note, say, say_json
    from vldata.validation import find_folder
    from vldata.validation import validate as run_validate

    names: tuple[str, ...] = ()
    if (
        folder is not None
        and not folder.is_dir()
        and (folder.parent / "dataset_info.json").is_file()
        and folder.name != "dataset_info.json"
    ):
        folder, names = folder.parent, (folder.name.removesuffix(".jsonl"),)
    with count_progress("pictures") as on_progress:
        result = run_validate(
            find_folder(folder),
            names=names,
            headers_only=headers_only,
            files=not no_files,
            workers=workers,
            timeout_s=timeout_s,
            on_progress=on_progress,
        )
    for name in result.recovered:
        note(f"Finished the interrupted commit of {name!r}.")
    for name, reason in result.skipped.items():
        note(f"Passed over {name!r}: {reason}.")
    if json_output:
        say_json(_as_json(result))
    else:
        for line in result.findings.lines():
            say(line)
        for dataset in result.datasets:
            pictures = f", {counted(dataset.pictures, 'picture')}" if not no_files else ""
            videos = f", {counted(dataset.videos, 'video')}" if dataset.videos and not no_files else ""
            say(f"{dataset.name}: {counted(dataset.records, 'record')}{pictures}{videos}.")
        say(f"{counted(result.findings.total, 'finding')}." if result.findings.total else "No findings.")
    if result.findings.total:
        raise typer.Exit(1)


def _as_json(result: Validation) -> dict[str, object]:
    import msgspec

    return {
        "folder": str(result.folder),
        "datasets": msgspec.to_builtins(result.datasets),
        "skipped": result.skipped,
        "counts": result.counts,
        "findings": [{**msgspec.to_builtins(finding), "cure": finding.cure} for finding in result.findings.kept],
    }
