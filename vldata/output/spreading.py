"""The order of records in a file: media first, and never 1,000 text-only records in a row.

Arrow readers fix the type of `images` from the first block they read; a block of text-only records makes it null and the first
picture then fails the load. The same holds for `videos`: a file that has both begins with one of each.

A record is told by a number: 0 for text alone, plus 1 for pictures, plus 2 for videos.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from vldata.records.record import Record
from vldata.records.rules import MAX_TEXT_ONLY_RUN

_KINDS = (1, 2)


def kind_of(record: Record) -> int:
    """The number of a record."""
    return (1 if record.images else 0) + (2 if record.kept_videos else 0)


def is_safe_order(kinds: Sequence[int]) -> bool:
    """Whether records in this order load. A file without any picture or video is safe too."""
    if not any(kinds):
        return True
    run = 0
    for index, kind in enumerate(kinds):
        if kind:
            run = 0
        elif index == 0 or (run := run + 1) > MAX_TEXT_ONLY_RUN:
            return False
    return all(first <= MAX_TEXT_ONLY_RUN for first in _firsts(kinds))


def _firsts(kinds: Sequence[int]) -> list[int]:
    """Where the first picture and the first video are, of those there are."""
    firsts = (next((index for index, kind in enumerate(kinds) if kind & bit), None) for bit in _KINDS)
    return [first for first in firsts if first is not None]


def leading(kinds: Sequence[int]) -> tuple[int, ...]:
    """Places among the records with media that must come first, so that each column has its type from the beginning."""
    return tuple(sorted(set(_firsts([kind for kind in kinds if kind]))))


def can_spread(kinds: Sequence[int]) -> bool:
    """Whether there are pictures and videos enough to keep text-only records apart."""
    media = sum(map(bool, kinds))
    return (len(kinds) - media) <= (media - _together(kinds)) * MAX_TEXT_ONLY_RUN


def spread_order(kinds: Sequence[int]) -> Iterator[bool]:
    """Yield, place by place, whether the next record with media (True) or the next text-only one belongs there.

    Both keep their own order but for the `leading` ones; the text-only ones are spread evenly behind the others.
    """
    together = _together(kinds)
    media = sum(map(bool, kinds)) - together
    texts = len(kinds) - media - together
    placed = 0
    yield from itertools.repeat(True, together)
    for index in range(media):
        yield True
        due = (index + 1) * texts // media
        for _ in range(due - placed):
            yield False
        placed = due


def _together(kinds: Sequence[int]) -> int:
    """How many records with media stand before the first that text-only ones may follow."""
    return max(0, len(leading(kinds)) - 1)
