"""Numbers as sentences say them."""

from __future__ import annotations


def counted(n: int, noun: str) -> str:
    """`1 record`, `1,636 records`."""
    return f"{n:,} {noun}" + ("" if n == 1 else "s")
