"""What a conversion reports: while it runs, and when it is done."""

from __future__ import annotations

from pathlib import Path

import msgspec

from vldata.output.contract import Contract, Counts, UnusedField
from vldata.records.draft import Reject


class Progress(msgspec.Struct, frozen=True):
    """How far a conversion is: annotations settled of how many (None: unknown), records, rejects, pictures written."""

    done: int
    total: int | None
    records: int
    rejects: int
    pictures: int


class Conversion(msgspec.Struct, frozen=True, kw_only=True):
    """What a conversion made: datasets registered, counts, rejects by code with up to ten of each, notes of the renderer, verdict."""

    out: Path
    names: tuple[str, ...]
    counts: Counts
    reject_counts: dict[str, int]
    rejects: tuple[Reject, ...]
    notes: dict[str, int]
    verdict: str
    contract: Contract
    resumed: int = 0
    unused: tuple[UnusedField, ...] = ()
    mixed: str = ""  # a warning, where rows of several splits became one dataset
    said: tuple[str, ...] = ()  # what was found in the source, chosen and guessed
