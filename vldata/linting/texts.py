"""Text as tokens: counted with a tokenizer where one is given, else told between two bounds."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterable
from typing import Any

_BYTES_PER_TOKEN = 4  # English and Chinese run at 4 to 5 bytes a token in the vocabularies of these models
_BOX = re.compile(
    r"(?:[\[(]\s*\d+(?:\.\d+)?\s*(?:,\s*\d+(?:\.\d+)?\s*){3}[\])])"  # [x1, y1, x2, y2]
    r"|(?:\(\s*\d+\s*,\s*\d+\s*\)\s*,\s*\(\s*\d+\s*,\s*\d+\s*\))"  # (x1, y1), (x2, y2)
)
_POLYGON = re.compile(r"\[\s*(?:[\[(]\s*-?\d+(?:\.\d+)?\s*,\s*-?\d+(?:\.\d+)?\s*[\])]\s*,?\s*){3,}\]")  # [[x, y], [x, y], [x, y]]
_OTHER_TAG = re.compile(
    r"<\|?\s*(?:image|img|picture|video|ImageHere|start_of_image)[^<>]{0,20}>|<IMG_CONTEXT>|\[(?:IMG|image)[ _]?\d*\]"
    r"|\uff1c\s*(?:image|video)\s*\uff1e|</(?:image|img|video)>",
    re.IGNORECASE,
)
_CLOSING = re.compile(r"</(?:image|img|video)>", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class Counter:
    """Counts the tokens of texts."""

    def __init__(self, tokenizer: Any = None) -> None:
        self._encode = tokenizer.encode if tokenizer else None
        self.exact = tokenizer is not None

    def count(self, text: str) -> int:
        """Return the tokens of a text, or an estimate."""
        if not text:
            return 0
        if self._encode is not None:
            return len(self._encode(text, add_special_tokens=False).ids)
        return -(-(len(text) if text.isascii() else len(text.encode("utf-8", "replace"))) // _BYTES_PER_TOKEN)


def other_tags(turns: Iterable[tuple[str, Any]]) -> str:
    """Return a clause that names what stands for media in the tags of other tools, "" where nothing does."""
    found = {match.group() for _, content in turns if isinstance(content, str) for match in _OTHER_TAG.finditer(content)}
    found -= {"<image>", "<video>", "<audio>"}
    return f"; the text has {', '.join(sorted(found)[:3])}" if found else ""


def closing_tag(text: str) -> str:
    """Return the end of a pair of tags, which no trainer reads, "" where there is none."""
    match = _CLOSING.search(text) if "</" in text else None
    return match.group() if match else ""


def is_base64(text: str) -> bool:
    """Whether a text is the bytes of a file in base64, as transformers loads images."""
    if len(text) < 64 or os.sep == text[:1]:
        return False
    try:
        return bool(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return False


def pixel_boxes(text: str, sizes: list[tuple[int, int]]) -> str:
    """Return a box or polygon in a text that is written in pixels of an image of one of these sizes, "" where there is none.

    Numbers up to 1 are shares. Numbers up to 1000 in an image smaller than that cannot be pixels of it. Whatever else fits into an
    image may be pixels, and is taken for them.
    """
    if "," not in text or "<|box_start|>" in text:  # a dialect on a scale of 0 to 1000
        return ""
    for match in _BOX.finditer(text):
        x1, y1, x2, y2 = map(float, _NUMBER.findall(match.group())[:4])
        if max(x1, y1, x2, y2) > 1 and x1 <= x2 and y1 <= y2 and any(x2 <= width and y2 <= height for width, height in sizes):
            return match.group()
    if "]" in text:
        for match in _POLYGON.finditer(text):
            numbers = [*map(float, _NUMBER.findall(match.group()))]
            right, low = max(numbers[::2]), max(numbers[1::2])
            if max(right, low) > 1 and any(right <= width and low <= height for width, height in sizes):
                return match.group()
    return ""
