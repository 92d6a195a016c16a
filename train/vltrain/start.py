"""The entry point of `vltrain`, which imports next to nothing before an interrupt is answered as it should be."""

from __future__ import annotations

from vldata.start import launch


def vltrain() -> None:
    """Entry point of `vltrain`."""
    launch("vltrain.cli")
