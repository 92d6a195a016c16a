"""The entry point of `vleval`, which imports next to nothing before an interrupt is answered as it should be."""

from __future__ import annotations

from vldata.start import launch


def vleval() -> None:
    """Entry point of `vleval`."""
    launch("vleval.cli")
