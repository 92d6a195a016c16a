"""The pieces in which a comparison reads and writes made so small that a handful of texts is on disk and read in many steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from vldata.splits import candidates, columns, digests, near_pictures, shingled

SMALL = (
    (columns, "EXTENT", 20),
    (digests, "RUN", 5),
    (digests, "PART", 16),
    (shingled, "_BLOCK", 7),
    (shingled, "_PIECE", 50),
    (candidates, "_RANGE", 90),
    (candidates, "_BLOCK", 9),
    (candidates, "_PIECE", 60),
    (near_pictures, "_CHUNK", 3),
    (near_pictures, "_HASHES", 2),
)


@contextmanager
def small_pieces() -> Iterator[None]:
    """Have everything in small pieces in the block."""
    with ExitStack() as stack:
        for module, name, value in SMALL:
            stack.enter_context(patch.object(module, name, value))
        yield
