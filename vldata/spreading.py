"""The order of records in a file: a picture first, and never 1,000 text-only records in a row.

Arrow readers fix the type of `images` from the first block they read; a block of text-only records makes it null and the first
picture then fails the load.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vldata.rules import MAX_TEXT_ONLY_RUN


def is_safe_order(has_image: Sequence[int]) -> bool:
    """Whether records in this order load: 1 stands for a record with a picture. A file without any picture is safe too."""
    if not any(has_image):
        return True
    run = 0
    for index, flag in enumerate(has_image):
        if flag:
            run = 0
        elif index == 0 or (run := run + 1) > MAX_TEXT_ONLY_RUN:
            return False
    return True


def can_spread(has_image: Sequence[int]) -> bool:
    """Whether there are pictures enough to keep text-only records apart."""
    images = sum(map(bool, has_image))
    return (len(has_image) - images) <= images * MAX_TEXT_ONLY_RUN


def spread_order(has_image: Sequence[int]) -> Iterator[bool]:
    """Yield, place by place, whether the next record with a picture (True) or the next text-only one belongs there.

    Both kinds keep their own order; the text-only ones are spread evenly behind the pictures.
    """
    images = sum(map(bool, has_image))
    texts = len(has_image) - images
    placed = 0
    for index in range(images):
        yield True
        due = (index + 1) * texts // images
        for _ in range(due - placed):
            yield False
        placed = due
