"""The options of a conversion that every source shares."""

from __future__ import annotations

from pathlib import Path

import msgspec

from vldata.media.pixels import LLAMAFACTORY_MAX_PIXELS
from vldata.media.refs import Decoder, FormatRule


class ConvertOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options that every converter shares; the command line's flags of the same names."""

    out: Path = Path("prepared")
    name: str = ""
    processor: str = "qwen3-vl"
    max_pixels: int = LLAMAFACTORY_MAX_PIXELS
    min_pixels: int = 0
    image_format: FormatRule = "auto"
    quality: int = 95
    limit: int | None = None
    workers: int = 0
    timeout_s: float = 60.0
    decoder: Decoder = "pyav"
    repair: bool = False
    fresh: bool = False
    overwrite: bool = False
    shard_size: int = 0
