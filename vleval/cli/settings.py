"""Command-line values turned into typed settings."""

from __future__ import annotations

import os
from typing import cast, get_args

from vldata.errors import UsageError
from vleval.metrics.options import CoordSpace, MetricOptions


def metric_options(strip_think: bool | None, coord_space: str, reference_space: str, iou: float, allow_remote_code: bool) -> MetricOptions:
    """Settings of metrics.

    Raises:
        UsageError: no such coordinate space.
    """
    return MetricOptions(
        strip_think=strip_think,
        coord_space=space_of(coord_space),
        reference_space=space_of(reference_space),
        iou=iou,
        allow_remote_code=allow_remote_code,
    )


def space_of(name: str) -> CoordSpace:
    """A coordinate space by name.

    Raises:
        UsageError: no such space.
    """
    known = get_args(CoordSpace)
    if name not in known:
        raise UsageError(f"no coordinate space {name!r}.", cure="Spaces: " + ", ".join(space for space in known if space) + ".")
    return cast("CoordSpace", name)


def api_key() -> str:
    """Read the key from the environment, the only place it may come from."""
    return os.environ.get("VLEVAL_API_KEY") or os.environ.get("OPENAI_API_KEY") or ""
