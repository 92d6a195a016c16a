"""Names of files as people order them."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"(\d+)")


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key under which `frame2` comes before `frame10`, and `A` next to `a`."""
    return tuple((0, int(part), part) if part.isdecimal() else (1, 0, part.casefold()) for part in _DIGITS.split(name) if part)
