"""Sources in, validated records out: images on the processor's grid, splits that do not leak."""

from __future__ import annotations

__version__ = "0.1.0"
