"""Natural order: `frame2` before `frame10`, as a person sorts file names."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"([0-9]+)")


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key that compares runs of digits as numbers and the rest without case; equal keys never hide a difference in spelling."""
    parts: list[tuple[int, int, str]] = []
    for part in _DIGITS.split(text):
        if "0" <= part[:1] <= "9":
            digits = part.lstrip("0")
            parts.append((0, len(digits), digits))
        elif part:
            parts.append((1, 0, part.casefold()))
    return (*parts, (2, 0, text))
