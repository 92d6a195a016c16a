"""Boxes around outlines: of a turned ellipse, of a turned box."""

from __future__ import annotations

import math
from collections.abc import Sequence


def half_sides(rx: float, ry: float, degrees: float) -> tuple[float, float]:
    """Half the width and height of the box around an ellipse that is turned about its middle; radii in pixels."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return math.hypot(rx * cos, ry * sin), math.hypot(rx * sin, ry * cos)


def turned(corners: Sequence[tuple[float, float]], degrees: float) -> list[tuple[float, float]]:
    """Turn corners clockwise about their middle."""
    middle_x, middle_y = (sum(values) / len(corners) for values in zip(*corners, strict=True))
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [
        (middle_x + (x - middle_x) * cos - (y - middle_y) * sin, middle_y + (x - middle_x) * sin + (y - middle_y) * cos) for x, y in corners
    ]


def around_turned(box: Sequence[float], degrees: float) -> tuple[float, float, float, float]:
    """The upright box around a box (x1, y1, x2, y2) that is turned clockwise about its middle."""
    left, top, right, bottom = box
    corners = turned([(left, top), (right, top), (right, bottom), (left, bottom)], degrees)
    across, down = [x for x, _ in corners], [y for _, y in corners]
    return min(across), min(down), max(across), max(down)
