"""`python -m vltrain`, which is how torchrun starts it."""

from __future__ import annotations

from vltrain.cli import main

if __name__ == "__main__":
    main()
