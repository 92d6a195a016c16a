"""What a report shows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from vldata.flags import Flag, OptionGroup


class Showing(OptionGroup, frozen=True, kw_only=True):
    """What a report shows.

    Attributes:
        image_root: the folder that image paths are relative to; by default that of the references.
        title: the heading.
        names: of the systems, in the order of the files, separated by commas; by default the files' names.
        gallery: how many rows are shown.
    """

    PANEL: ClassVar[str] = "Showing"

    image_root: Annotated[
        Path | None, Flag("Folder that holds the images. Default: that of the references.", metavar="DIR", show_default=False)
    ] = None
    title: Annotated[str, Flag("Heading of the report.", show_default=False)] = ""
    names: Annotated[
        str, Flag("Names of the systems, in the order of the files. Default: the files' names.", metavar="A,B", show_default=False)
    ] = ""
    gallery: Annotated[int, Flag("How many rows to show.", least=0)] = 300
