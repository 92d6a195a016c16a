"""What `vleval score --explain` shows."""

from __future__ import annotations

import msgspec

MAX_FLIPS = 200


class Flip(msgspec.Struct, frozen=True, kw_only=True):
    """A record that does not score the same under all profiles; values are on each profile's scale, None where its tool drops the row."""

    id: str
    metric: str
    prediction: str | None
    references: tuple[str, ...]
    values: dict[str, float | None]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """`values` maps metric to profile to value; `flips` are the first 200 records that differ, `flipped` counts all of them."""

    values: dict[str, dict[str, float]]
    flipped: dict[str, int]
    flips: tuple[Flip, ...]
