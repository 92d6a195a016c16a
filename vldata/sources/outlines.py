"""Boxes around outlines: of a turned ellipse, of the polygons of a region."""

from __future__ import annotations

import math


def half_sides(rx: float, ry: float, degrees: float) -> tuple[float, float]:
    """Half the width and height of the box around an ellipse that is turned about its middle; radii in pixels."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return math.hypot(rx * cos, ry * sin), math.hypot(rx * sin, ry * cos)
