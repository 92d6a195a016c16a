"""Command-line values turned into typed settings."""

from __future__ import annotations

from typing import cast, get_args

from vldata.errors import UsageError
from vleval.metrics.options import CoordSpace, MetricOptions


def metric_options(strip_think: bool | None, coord_space: str, allow_remote_code: bool) -> MetricOptions:
    """Settings of metrics.

    Raises:
        UsageError: no such coordinate space.
    """
    known = get_args(CoordSpace)
    if coord_space not in known:
        raise UsageError(f"no coordinate space {coord_space!r}.", cure="Spaces: " + ", ".join(name for name in known if name) + ".")
    return MetricOptions(strip_think=strip_think, coord_space=cast("CoordSpace", coord_space), allow_remote_code=allow_remote_code)
