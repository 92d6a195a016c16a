"""How many processes to use."""

from __future__ import annotations

import os


def count_workers(asked: int) -> int:
    """Return `asked`, or one a core this process may run on when it is 0."""
    if asked > 0:
        return asked
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
