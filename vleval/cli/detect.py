"""`vleval detect`: boxes drawn on pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vleval.cli import options as o

if TYPE_CHECKING:
    from vleval.detect.run import Detection


def detect(
    file: o.File,
    image_root: Annotated[
        Path | None, typer.Option("--image-root", "--input_dir", metavar="DIR", help="Folder the pictures lie in. Default: that of --data.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "--output_dir", metavar="DIR", help="Folder for the drawn pictures.")] = Path("detections"),
    coord_space: o.CoordSpace = "",
    references: o.References = None,
    format: o.Format = "",
    classes: Annotated[
        str, typer.Option("--classes", metavar="A,B,C", help="Labels that are expected; others are drawn and counted.")
    ] = "",
    font: Annotated[list[Path] | None, typer.Option("--font", metavar="FILE", help="Font for labels; may be given more than once.")] = None,
    whole_folder: Annotated[bool, typer.Option("--whole-folder", help="A picture of the folder without a prediction is an error.")] = False,
    escape_labels: Annotated[bool, typer.Option("--escape-labels", help="Write characters that no font has as their code.")] = False,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Exit 0 although some pictures could not be drawn.")] = False,
    json: o.Json = False,
) -> None:
    """Draw the boxes that a model named, upright and with their labels."""
    from vldata import terminal
    from vldata.errors import UsageError
    from vleval.cli.settings import space_of
    from vleval.detect.run import Settings
    from vleval.detect.run import detect as run_detect
    from vleval.joining import Allow, join
    from vleval.readers import read_predictions
    from vleval.references import read_references

    space = space_of(coord_space)
    loaded = read_predictions(file, format=format)
    for sentence in loaded.notes:
        terminal.note(sentence)
    rows = loaded.rows
    root = image_root
    if references is not None:
        known = read_references(references)
        rows = join(loaded, known, Allow(missing=True)).rows
        root = root or known.root
    if root is None:
        raise UsageError("no folder of pictures.", cure="Give --image-root DIR, or the dataset with --data DIR/NAME.")
    found = run_detect(
        rows,
        root,
        out,
        Settings(
            space, frozenset(name.strip() for name in classes.split(",") if name.strip()), tuple(font or ()), whole_folder, escape_labels
        ),
    )
    if json:
        import msgspec

        terminal.say_json(msgspec.to_builtins(found))
    else:
        _print(found, out)
    if found.failed:
        _note_failures(found)
        if not keep_going or not found.drawn:
            raise typer.Exit(1)


def _note_failures(found: Detection) -> None:
    from vldata import terminal

    for fault in found.failed[:10]:
        terminal.note(f"{fault.image or fault.id}: {fault.reason}.")
    terminal.note(f"{len(found.failed):,} of {len(found.failed) + len(found.drawn):,} could not be drawn.")


def _print(found: Detection, out: Path) -> None:
    from vldata import terminal
    from vleval.report.text import cut

    for picture in found.drawn:
        terminal.say(f"{picture.image} ({picture.width}x{picture.height}) -> {out / picture.output}")
        for box in picture.boxes:
            corners = ", ".join(f"{value:.0f}" for value in (box.x1, box.y1, box.x2, box.y2))
            details = "; ".join(f"{key} {cut(value, 40)}" for key, value in box.extra.items())
            terminal.say(f"  {cut(box.label, 40) or '(no label)'} [{corners}]" + (f"  {details}" if details else ""))
        for count, words in (
            (picture.dropped, "incomplete"),
            (picture.outside, "outside the picture"),
            (picture.unknown, "of no expected class"),
        ):
            if count:
                terminal.say(f"  {count} {words}")
    boxes = sum(len(picture.boxes) for picture in found.drawn)
    terminal.say(f"{len(found.drawn):,} pictures, {boxes:,} boxes drawn.")
    if found.escaped:
        terminal.note(f"No font has {found.escaped[:20]!r}; such characters are written as their code.")
