"""What sources of rows have in common; see `vldata.records.draft.Source` for the fields."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from vldata.media.refs import FormatRule
from vldata.records.draft import Draft, Reject, Setting, TextDraft, Traits
from vldata.sources.locate import MediaFinder
from vldata.sources.textboxes import Settled
from vldata.sources.textspace import Evidence


class RowSource(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of annotation files, whose media `finder` finds.

    `prefix` begins every id, `part` is what --name is followed by where a converter opens several datasets, and `texts` tells which space
    coordinates in texts count in.
    """

    name: str
    columns: tuple[str, ...]
    said: tuple[str, ...]
    annotations: tuple[Path, ...]
    media_root: Path
    settings: dict[str, Setting]
    image_format: FormatRule = "auto"
    total: int | None = None
    traits: Traits = Traits()
    part: str = ""
    finder: MediaFinder
    prefix: str
    remote: bool = False
    texts: Settled = Settled()

    def drafts(self, evidence: Evidence | None = None) -> Iterator[Draft | Reject]:
        """Yield every row, in file order; the samples of a packed row (Qwen) one after the other."""
        return (draft.as_draft() if isinstance(draft, TextDraft) else draft for draft in self.quick_drafts(evidence))

    def quick_drafts(self, evidence: Evidence | None = None) -> Iterator[Draft | TextDraft | Reject]:
        """Yield what `drafts` does, plain rows of text alone as `TextDraft`."""
        raise NotImplementedError
