"""Grid arithmetic of pictures: what a processor makes of a size, and the size we write so that it makes nothing of it.

Pure functions of integers; no imaging library. `smart_resize` follows transformers' Qwen2-VL image processor (release 5.23), and
`llamafactory_resize` LLaMA-Factory's own step before it (release 0.9.5). A written picture has a size that both leave alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from vldata.errors import DataError, UsageError

MAX_RATIO = 200
DELIMITER_TOKENS = 2  # vision start and vision end around every picture
LLAMAFACTORY_MAX_PIXELS = 589_824
LLAMAFACTORY_MIN_PIXELS = 1_024
_LLAMAFACTORY_MIN_SIDE = 28
_LLAMAFACTORY_SQUASHED_RATIO = 180

Size = tuple[int, int]


class Processor(NamedTuple):
    """An image processor as published with its models: `patch` pixels a patch, `merge` patches a token side, limits in pixels."""

    name: str
    patch: int
    merge: int
    min_pixels: int
    max_pixels: int
    max_ratio: int = MAX_RATIO

    @property
    def factor(self) -> int:
        """Pixels a grid cell side; a cell is one token."""
        return self.patch * self.merge


PROCESSORS: dict[str, Processor] = {
    "qwen3-vl": Processor("qwen3-vl", patch=16, merge=2, min_pixels=65_536, max_pixels=16_777_216),
    "qwen2.5-vl": Processor("qwen2.5-vl", patch=14, merge=2, min_pixels=3_136, max_pixels=12_845_056),
    "qwen2-vl": Processor("qwen2-vl", patch=14, merge=2, min_pixels=3_136, max_pixels=12_845_056),
}


class RatioError(DataError):
    """The picture is, or would become, more than 200 times longer than wide."""


def find_processor(name: str) -> Processor:
    """Look a processor up by its name.

    Raises:
        UsageError: it names those there are.
    """
    try:
        return PROCESSORS[name]
    except KeyError:
        raise UsageError(f"no processor {name!r}", cure=f"Known are {', '.join(PROCESSORS)}.") from None


def smart_resize(width: int, height: int, *, processor: str, min_pixels: int | None = None, max_pixels: int | None = None) -> Size:
    """Return the (width, height) that the processor resizes a picture to; by default within its published limits.

    Sides are rounded to the grid as Python rounds, halves to even; beyond a limit both are scaled by one factor and then cut, or
    raised, to the grid.

    Raises:
        RatioError: as the processor does, for a picture more than 200 times longer than wide.
    """
    grid = find_processor(processor)
    low = grid.min_pixels if min_pixels is None else min_pixels
    high = grid.max_pixels if max_pixels is None else max_pixels
    _check_size(width, height)
    if max(width, height) / min(width, height) > grid.max_ratio:
        raise RatioError(f"the picture is {width}x{height}: one side is more than {grid.max_ratio} times the other")
    return _round_to_grid(width, height, grid.factor, low, high)


def _round_to_grid(width: int, height: int, factor: int, low: int, high: int) -> Size:
    columns, rows = round(width / factor), round(height / factor)
    area = columns * rows * factor * factor
    if area > high:
        beta = math.sqrt((height * width) / high)
        columns, rows = (max(1, math.floor(side / beta / factor)) for side in (width, height))
    elif area < low:
        beta = math.sqrt(low / (height * width))
        columns, rows = (math.ceil(side * beta / factor) for side in (width, height))
    return columns * factor, rows * factor


def llamafactory_resize(
    width: int, height: int, *, max_pixels: int = LLAMAFACTORY_MAX_PIXELS, min_pixels: int = LLAMAFACTORY_MIN_PIXELS
) -> Size:
    """Return the (width, height) LLaMA-Factory's Qwen plug-in hands to the processor; both limits are its `image_*_pixels` settings."""
    _check_size(width, height)
    if width * height > max_pixels:
        scale = math.sqrt(max_pixels / (width * height))
        width, height = int(width * scale), int(height * scale)
    if width * height < min_pixels:
        scale = math.sqrt(min_pixels / max(1, width * height))
        width, height = int(width * scale), int(height * scale)
    if min(width, height) < _LLAMAFACTORY_MIN_SIDE:
        width, height = max(width, _LLAMAFACTORY_MIN_SIDE), max(height, _LLAMAFACTORY_MIN_SIDE)
    if width / height > MAX_RATIO:
        width = height * _LLAMAFACTORY_SQUASHED_RATIO
    if height / width > MAX_RATIO:
        height = width * _LLAMAFACTORY_SQUASHED_RATIO
    return width, height


def target_size(width: int, height: int, *, processor: str, min_pixels: int, max_pixels: int) -> Size:
    """Return the (width, height) a picture is written in: inside the budget and left alone by everything that reads it later.

    It is what the processor itself would make of the picture under this budget wherever that is stable. Where it is not (a side
    below one cell, or a budget so tight that the rounding leaves it) the nearest size on the grid is taken. Pictures grow only to
    reach the minimum, which is never below the processor's own.

    Raises:
        RatioError: the written picture would be more than 200 times longer than wide.
        UsageError: no size on the grid lies in the budget.
    """
    grid = find_processor(processor)
    _check_size(width, height)
    low, high = budget_limits(processor=processor, min_pixels=min_pixels, max_pixels=max_pixels)
    size = _round_to_grid(width, height, grid.factor, low, high)
    if not low <= size[0] * size[1] <= high:
        size = _nearest_in_budget(width, height, grid.factor, low, high)
    if max(size) > grid.max_ratio * min(size):
        raise RatioError(f"the picture is {width}x{height}: written, one side would be more than {grid.max_ratio} times the other")
    return size


def budget_limits(*, processor: str, min_pixels: int, max_pixels: int) -> tuple[int, int]:
    """Return the least and most pixels a written picture may have: the budget within the processor's own limits.

    Raises:
        UsageError: no size on the grid lies between them.
    """
    grid = find_processor(processor)
    low, high = max(min_pixels, grid.min_pixels, LLAMAFACTORY_MIN_PIXELS), min(max_pixels, grid.max_pixels)
    cell = grid.factor * grid.factor
    if -(-low // cell) > high // cell:
        raise UsageError(
            f"no picture has between {low} and {high} pixels on the {grid.factor}-pixel grid of {processor}",
            cure=f"Raise --max-pixels to at least {-(-low // cell) * cell}, or lower --min-pixels.",
        )
    return low, high


def is_fixed_point(width: int, height: int, *, processor: str, min_pixels: int, max_pixels: int) -> bool:
    """Whether a picture of this size lies in the budget and neither the processor nor LLaMA-Factory under this budget resizes it."""
    low, high = budget_limits(processor=processor, min_pixels=min_pixels, max_pixels=max_pixels)
    if min(width, height) < 1 or max(width, height) > MAX_RATIO * min(width, height) or not low <= width * height <= high:
        return False
    size = (width, height)
    return (
        smart_resize(width, height, processor=processor) == size
        and smart_resize(width, height, processor=processor, min_pixels=low, max_pixels=high) == size
        and llamafactory_resize(width, height, max_pixels=high) == size
    )


def vision_tokens(width: int, height: int, *, processor: str, delimiters: bool = False) -> int:
    """Tokens a picture of this size costs after the processor has resized it; `delimiters` adds the two around it."""
    grid = find_processor(processor)
    columns, rows = smart_resize(width, height, processor=processor)
    return columns * rows // (grid.factor * grid.factor) + (DELIMITER_TOKENS if delimiters else 0)


def solve_max_pixels(
    sizes: Iterable[Size], *, text_tokens: int, cutoff: int, processor: str, min_pixels: int, max_pixels: int
) -> int | None:
    """Return the largest budget, in whole cells, with which pictures of these source sizes and the text fit the cutoff; None if none does.

    A larger budget never costs fewer tokens, so this is a binary search over cells.
    """
    pictures = list(sizes)
    cell = find_processor(processor).factor ** 2
    low, high = budget_limits(processor=processor, min_pixels=min_pixels, max_pixels=max_pixels)

    def fits(cells: int) -> bool:
        limits = {"processor": processor, "min_pixels": min_pixels, "max_pixels": cells * cell}
        written = (target_size(width, height, **limits) for width, height in pictures)  # type: ignore[arg-type]
        return text_tokens + sum(vision_tokens(*size, processor=processor, delimiters=True) for size in written) <= cutoff

    least, most = -(-low // cell), high // cell
    if not fits(least):
        return None
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if fits(middle) else (least, middle - 1)
    return least * cell


def _nearest_in_budget(width: int, height: int, factor: int, low: int, high: int) -> Size:
    """Search the grid within the budget for the size whose sides err least, relatively, from the picture at its ideal scale."""
    area = width * height
    scale = math.sqrt(max(low, min(high, area)) / area)
    ideal_columns, ideal_rows = width * scale / factor, height * scale / factor
    least, most = -(-low // (factor * factor)), high // (factor * factor)
    best, best_cost = (0, 0), math.inf
    for columns in range(1, most + 1):
        fewest_rows, most_rows = -(-least // columns), most // columns
        if fewest_rows > most_rows:
            continue
        for guess in (math.floor(ideal_rows), math.ceil(ideal_rows)):
            rows = min(max(guess, fewest_rows), most_rows)
            cost = abs(math.log(columns / ideal_columns)) + abs(math.log(rows / ideal_rows))
            if cost < best_cost - 1e-12:
                best, best_cost = (columns * factor, rows * factor), cost
    return best


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise DataError(f"a picture of {width}x{height} pixels has no size")
