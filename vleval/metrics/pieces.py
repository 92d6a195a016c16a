"""A long text piece by piece, so that what a metric makes of it never is in memory whole.

A list of the words of a text takes twenty times its memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

PIECE = 1 << 13  # characters
BLANKS = re.compile(r"\s")
SPACES = re.compile(" ")
_ALONE = "\u0e01-\u0e2e\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff"  # letters that are words of their own, and join no letter before them
WORDS = re.compile(rf"\s|(?<=[{_ALONE}])[{_ALONE}]")


def pieces(text: str, breaks: re.Pattern[str] = WORDS) -> Iterator[str]:
    """The text in parts of about `PIECE` characters, each cut before a place where words end; a text without such a place is one part."""
    start = 0
    while len(text) - start > PIECE and (found := breaks.search(text, start + PIECE)):
        yield text[start : found.start()]
        start = found.start()
    yield text[start:] if start else text


def rejoined(text: str, change: Callable[[str], str], breaks: re.Pattern[str] = BLANKS) -> str:
    """The text changed part by part, where a change gives words with one blank between."""
    if len(text) <= PIECE:
        return change(text)
    return " ".join(filter(None, map(change, pieces(text, breaks))))


def collapsed(text: str) -> str:
    """Blanks collapsed to one, none at the ends."""
    return rejoined(text, _single_blanks)


def _single_blanks(text: str) -> str:
    return " ".join(text.split())
