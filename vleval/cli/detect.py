"""`vleval detect`: boxes drawn on images."""

from __future__ import annotations

from vleval.cli import options as o
from vleval.detection.options import Drawing
from vleval.settings import Reading


def detect(*, file: o.File, references: o.References = None, json: o.Json = False, drawing: Drawing, reading: Reading) -> None:
    """Draw the boxes that a model named, upright and with their labels."""
    from vldata import terminal
    from vleval.detection.run import detect as run_detect

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
