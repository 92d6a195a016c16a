from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vldata.media.refs import Picture
from vldata.records.boxes import Box, BoxError, Space, Target, format_box


def picture(source: tuple[int, int] = (640, 480), written: tuple[int, int] = (320, 256)) -> Picture:
    return Picture("x.png", "0", *written, 1, "a.png", *source)


@pytest.mark.parametrize(
    ("values", "space", "target", "written"),
    [
        ((64, 48, 320, 240), "pixels", "0-1000", "[100, 100, 500, 500]"),
        ((64, 48, 320, 240), "pixels", "pixels", "[32, 26, 160, 128]"),
        ((0.1, 0.1, 0.5, 0.5), "0-1", "0-1000", "[100, 100, 500, 500]"),
        ((100, 100, 500, 500), "0-1000", "pixels", "[32, 26, 160, 128]"),
        ((320, 240), "pixels", "0-1000", "[500, 500]"),
        ((0, 0, 640, 480), "pixels", "0-1000", "[0, 0, 1000, 1000]"),
        ((-1, 0, 641, 480), "pixels", "pixels", "[0, 0, 320, 256]"),
    ],
)
def test_boxes_in_every_space(values: tuple[float, ...], space: Space, target: Target, written: str) -> None:
    assert format_box(Box(0, values, space, target), picture()) == written


@pytest.mark.parametrize(
    "values", [(), (1.0,), (1.0, 2.0, 3.0), (float("nan"), 0.0), (0.0, 0.0, 700.0, 10.0), (5.0, 5.0, 5.0, 9.0), (-20.0, 0.0)]
)
def test_boxes_that_cannot_be(values: tuple[float, ...]) -> None:
    with pytest.raises(BoxError, match="box"):
        format_box(Box(0, values, "pixels", "0-1000"), picture())


SIDES = st.tuples(st.integers(32, 4000), st.integers(32, 4000))


# A corner, and how far the other one lies between it and the picture's end: every draw is a box, so none is thrown away.
CORNER = st.tuples(st.floats(0, 0.9), st.floats(0.02, 1))


@given(SIDES, CORNER, CORNER)
def test_a_box_comes_back_within_a_pixel_of_the_written_picture(
    size: tuple[int, int], across: tuple[float, float], down: tuple[float, float]
) -> None:
    (x1, width), (y1, height) = across, down
    shares = (x1, y1, x1 + (1 - x1) * width, y1 + (1 - y1) * height)
    given_ = tuple(share * size[place % 2] for place, share in enumerate(shares))
    found = json.loads(format_box(Box(0, given_, "pixels", "pixels"), picture(size, (640, 480))))
    assert all(
        abs(value - share * (480 if place % 2 else 640)) <= 0.5001 for place, (value, share) in enumerate(zip(found, shares, strict=True))
    )
