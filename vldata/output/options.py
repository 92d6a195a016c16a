"""The options of a conversion that every source shares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from vldata.flags import Flag, OptionGroup
from vldata.media.engines import Engine, RayAddress
from vldata.media.pixels import DEFAULT, FAMILIES, LLAMAFACTORY_MAX_PIXELS
from vldata.media.refs import Decoder, FormatRule


class ConvertOptions(OptionGroup, frozen=True, kw_only=True):
    """Options that every converter shares; the command line's flags of the same names."""

    PANEL: ClassVar[str] = "Conversion"

    out: Annotated[Path, Flag("Output folder; may hold other datasets.", metavar="DIR")] = Path("prepared")
    name: Annotated[str, Flag("Name of the dataset; by default the converter's, or the file's.", show_default=False)] = ""
    processor: Annotated[str, Flag(f"For whose models images are written: {', '.join(FAMILIES)}.", metavar="NAME", complete=FAMILIES)] = (
        DEFAULT
    )
    max_pixels: Annotated[int, Flag("Most pixels of a written image; never above the processor's own.", least=1)] = LLAMAFACTORY_MAX_PIXELS
    min_pixels: Annotated[int, Flag("Least pixels of a written image; never below the processor's own.", least=0)] = 0
    image_format: Annotated[FormatRule, Flag("Format of written images.")] = "auto"
    quality: Annotated[int, Flag("Quality of JPEG and WebP.", least=1, most=100)] = 95
    limit: Annotated[int | None, Flag("Convert only the first N annotations.", least=1, show_default=False)] = None
    workers: Annotated[int, Flag("Processes that render images; 0: one a core.", least=0, most=1_024)] = 0
    engine: Engine = "local"
    ray_address: RayAddress = ""
    timeout_s: Annotated[float, Flag("Seconds one file may take to decode.", ("--timeout-s",), least=0.1, most=86_400)] = 60.0
    decoder: Annotated[Decoder, Flag("Video decoder; decord needs its extra.")] = "pyav"
    repair: Annotated[bool, Flag("Repair what has one cure (control tokens, missing tags) and list it.")] = False
    fresh: Annotated[bool, Flag("Discard an interrupted conversion instead of resuming it.")] = False
    overwrite: Annotated[bool, Flag("Replace a dataset of this name made from other inputs or settings.")] = False
    shard_size: Annotated[
        int, Flag("Records a file, in a folder NAME/; 0: one file up to 1,000,000, then so many a file.", metavar="N", least=0)
    ] = 0
    ignore: Annotated[
        tuple[str, ...], Flag("Leave out a source field although it changes meaning; may be given several times.", metavar="FIELD")
    ] = ()
    pages: Annotated[
        str, Flag("Pages of a TIFF or PDF, or frames of an animated image, each an image: first, all, or how many.", metavar="WHICH")
    ] = "first"
    max_rejects: Annotated[
        float, Flag("Largest share of rejected records with which a dataset is registered; 1: any.", metavar="SHARE", least=0, most=1)
    ] = 0.1
