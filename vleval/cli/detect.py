"""`vleval detect`: boxes drawn on images, from a predictions file or from a model that is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vleval.cli import options as o
from vleval.detection.options import BoxFinding, Drawing
from vleval.settings import Reading

_FILE = "Predictions of any known tool, - for stdin; with --model a folder of images."


def detect(
    *,
    file: Annotated[str | None, typer.Argument(metavar="FILE|IMAGES", help=_FILE, show_default=False)] = None,
    references: o.References = None,
    json: o.Json = False,
    finding: BoxFinding,
    drawing: Drawing,
    reading: Reading,
) -> None:
    """Draw the boxes that a model named, upright and with their labels; with --model, ask it first."""
    from vldata import terminal
    from vldata.errors import UsageError
    from vleval.detection.asking import find_objects
    from vleval.detection.run import detect as run_detect

    if finding.model:
        found = find_objects(file, references, finding=finding, drawing=drawing, reading=reading, api_key=o.api_key(), tell=terminal.note)
    elif file is None:
        raise UsageError("no predictions to draw.", cure="Give a predictions file; or a folder of images and the model to ask: --model M.")
    elif Path(file).is_dir():
        raise UsageError("is a folder.", where=file, cure="Give a predictions file; or the model to ask about its images: --model M.")
    else:
        found = run_detect(file, references, drawing=drawing, reading=reading, tell=terminal.note)
    for sentence in found.notes:
        terminal.note(sentence)
    for fault in found.failed[:10]:
        terminal.note(f"{fault.image or fault.id}: {fault.reason}.")
    if found.failed:
        terminal.note(f"{len(found.failed):,} of {len(found.failed) + len(found.drawn):,} could not be drawn.")
    if found.escaped:
        terminal.note(f"No font has {found.escaped[:20]!r}; such characters are written as their code.")
    terminal.say_result(found, json=json)
