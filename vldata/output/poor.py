"""When a conversion has failed too often to be registered: too many rejects, or none of its records kept its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vldata.output.contract import Counts
from vldata.records.codes import CODES
from vldata.records.draft import Reject
from vldata.wording import counted

_ASK = "--max-rejects"
_CAUSES = 3


class Refusal(NamedTuple):
    """Why nothing is registered, and what to do."""

    what: str
    cure: str


def refuse_poor(counts: Counts, by_code: Mapping[str, int], rejects: Sequence[Reject], max_rejects: float) -> Refusal | None:
    """Return why a conversion may not be registered; None for one that may.

    A share of 1 allows everything that has a record at all.
    """
    tried = counts.written + counts.rejected
    if not counts.rejected:
        return None
    share = counts.rejected / tried
    if counts.written and share <= max_rejects and not _lost_images(counts, by_code, max_rejects):
        return None
    causes = sorted(by_code.items(), key=lambda item: (-item[1], item[0]))
    told = [_told(code, count, rejects) for code, count in causes[:_CAUSES]]
    if len(causes) > _CAUSES:
        told.append(f"{counted(len(causes) - _CAUSES, 'more cause')}.")
    if not counts.written:
        what = f"none of {counted(tried, 'record')} could be used."
    elif share > max_rejects:
        what = f"{counts.rejected:,} of {counted(tried, 'record')} were rejected ({share:.0%}); at most {max_rejects:.0%} may be."
    else:
        what = f"every record with an image was rejected ({counts.rejected:,}), and what is left is text alone."
    lines = [what, *told]
    cure = "Nothing was registered."
    if counts.written:
        cure += f" Mend the source, or register the {counted(counts.written, 'record')} with {_ASK} 1."
    return Refusal("\n  ".join(lines), cure)


def _told(code: str, count: int, rejects: Sequence[Reject]) -> str:
    first = next(reject for reject in rejects if reject.code == code)
    return f"{count:,} x {code} {CODES[code].title}; the first, {first.where}: {first.reason}\n    Cure: {CODES[code].cure}"


def _lost_images(counts: Counts, by_code: Mapping[str, int], max_rejects: float) -> bool:
    """Whether the records that are left have no media, while some were rejected for theirs."""
    if counts.pictures or counts.videos or max_rejects >= 1:
        return False
    return any(code.startswith("VL1") or code in _MEDIA_CODES for code in by_code)


_MEDIA_CODES = frozenset({"VL006", "VL202", "VL203", "VL205", "VL206", "VL207", "VL209", "VL213", "VL214"})
