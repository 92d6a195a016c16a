"""Holding a source to be what an interrupted conversion read: its finished parts and what follows must be of one piece.

The annotations have digests of their own, in the fingerprint; what is looked at here is what else decides a draft: which images are there.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence

from vldata.output.staging import Marker, source_changed
from vldata.records.draft import Draft, Reject, TextDraft


class SameDrafts:
    """Holds what a source yields now to what it yielded when the finished parts were read: an image that came or went changes a draft."""

    def __init__(self, markers: Sequence[Marker], source: str) -> None:
        self._left = deque(markers)
        self._source = source
        self._drafts: list[Draft | TextDraft | Reject] = []

    def add(self, draft: Draft | TextDraft | Reject) -> None:
        """Take the next of the drafts that finished parts hold.

        Raises:
            DataError: a part would be another now.
        """
        self._drafts.append(draft)
        if len(self._drafts) == self._left[0].annotations:
            if drafts_digest(self._drafts) != self._left.popleft().drafts:
                raise source_changed(f"the source of {self._source!r}")
            self._drafts.clear()

    def finish(self) -> None:
        """Hold the source to have had all of them.

        Raises:
            DataError: it ended before.
        """
        if self._left:
            raise source_changed(f"the source of {self._source!r}")


def drafts_digest(drafts: Sequence[Draft | TextDraft | Reject]) -> str:
    """Digest of what was read for a part, as far as it may change while the annotations, which have digests of their own, do not."""
    told = "\n".join([draft.id + "\0" if type(draft) is TextDraft else _told(draft) for draft in drafts])
    return hashlib.blake2b(f"{told}\n".encode("utf-8", "surrogatepass") if drafts else b"", digest_size=16).hexdigest()


def _told(draft: Draft | TextDraft | Reject) -> str:
    if isinstance(draft, TextDraft):
        return f"{draft.id}\0"
    if isinstance(draft, Reject):
        return f"{draft.id}\0{draft.where}\0{draft.code}\0{draft.reason}"
    named = "\0".join(f"{getattr(ref, 'path', '')}\0{ref.source}" for ref in draft.media)
    return f"{draft.id}\0{named}"
