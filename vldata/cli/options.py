"""Options that several commands share, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from vldata.media.pixels import LLAMAFACTORY_MAX_PIXELS, PROCESSORS

OUT = Path("prepared")
MAX_PIXELS = LLAMAFACTORY_MAX_PIXELS

Out = Annotated[Path, typer.Option("--out", help="Output folder; may hold other datasets.")]


def refuse_empty(value: str | None) -> str | None:
    """Refuse a name that was given and is empty, for example an unset variable of a shell: it is not the default."""
    if value == "":
        from vldata.output.folder import check_name

        check_name(value)
    return value


Name = Annotated[
    str | None,
    typer.Option(
        "--name", help="Name of the dataset; by default the converter's, or the file's.", show_default=False, callback=refuse_empty
    ),
]
As = Annotated[str | None, typer.Option("--as", help="Name of the new dataset.", show_default=False, callback=refuse_empty)]
MaxPixels = Annotated[int, typer.Option(help="Most pixels of a written picture; never above the processor's own.", min=1)]
MinPixels = Annotated[int, typer.Option(help="Least pixels of a written picture; never below the processor's own.", min=0)]
Processor = Annotated[str, typer.Option(help=f"Whose grid pictures are written on: {', '.join(PROCESSORS)}.")]
ImageFormat = Annotated[Literal["auto", "jpeg", "png", "webp"], typer.Option(help="Format of written pictures.")]
Quality = Annotated[int, typer.Option(help="Quality of JPEG and WebP.", min=1, max=100)]
Limit = Annotated[int | None, typer.Option(help="Convert only the first N annotations.", min=1, show_default=False)]
Workers = Annotated[int, typer.Option(help="Processes that render pictures; 0: one a core.", min=0, max=1_024)]
Timeout = Annotated[float, typer.Option("--timeout-s", help="Seconds one file may take to decode.", min=0.1, max=86_400)]
DecoderOption = Annotated[Literal["pyav", "decord"], typer.Option(help="Video decoder; decord needs its extra.")]
Seed = Annotated[int, typer.Option(help="Seed of the choice.", min=0, max=2**63 - 1)]
Strict = Annotated[bool, typer.Option("--strict", help="Exit 1 when any record was rejected.")]
Repair = Annotated[bool, typer.Option("--repair", help="Repair what has one cure (control tokens, missing tags) and list it.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Discard an interrupted conversion instead of resuming it.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a dataset of this name made from other inputs or settings.")]
ShardSize = Annotated[int, typer.Option(help="Records a file, in a folder NAME/; 0: one file.", min=0)]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]
Target = Annotated[str, typer.Argument(help="DIR/NAME of a registered dataset.", metavar="DIR/NAME")]
