"""`python -m vltrain`, which is how torchrun starts it."""

from __future__ import annotations

from vltrain.start import vltrain

if __name__ == "__main__":
    vltrain()
