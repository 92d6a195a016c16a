"""How many examples a property test draws: few in `make test`, which is to end in five minutes, twenty times as many in `make thorough`."""

from __future__ import annotations

import os

_FACTOR = int(os.environ.get("VLKIT_EFFORT", "1"))


def examples(number: int) -> int:
    """A third of `number` examples in `make test`."""
    return number * _FACTOR if _FACTOR > 1 else max(1, number // 3)
