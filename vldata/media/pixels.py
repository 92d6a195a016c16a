"""Grid arithmetic of pictures: what a processor makes of a size, and the size we write so that it makes nothing of it.

Pure functions of integers; no imaging library. What differs between processors is a family's (`vldata.models.families`), and
`llamafactory_resize` is LLaMA-Factory's own step before it (release 0.9.5). A written picture has a size that both leave alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from vldata.errors import DataError, UsageError
from vldata.models.families import DEFAULT, FAMILIES, find_family
from vldata.models.families.family import Images, Size
from vldata.models.families.native import MAX_RATIO, RatioError

__all__ = ["DEFAULT", "FAMILIES", "MAX_RATIO", "RatioError", "Size", "find_family"]  # and what follows

LLAMAFACTORY_MAX_PIXELS = 589_824
LLAMAFACTORY_MIN_PIXELS = 1_024
_LLAMAFACTORY_MIN_SIDE = 28
_LLAMAFACTORY_SQUASHED_RATIO = 180


def find_processor(name: str) -> Images:
    """Look the image arithmetic of a family up by its name.

    Raises:
        UsageError: it names those there are.
    """
    return find_family(name).images


def smart_resize(width: int, height: int, *, processor: str, min_pixels: int | None = None, max_pixels: int | None = None) -> Size:
    """Return the (width, height) that the processor gives a picture as a whole; by default within its published limits.

    Raises:
        RatioError: as the processor does, for a picture more than 200 times longer than wide.
    """
    images = find_processor(processor)
    _check_size(width, height)
    if min_pixels is not None or max_pixels is not None:
        images = images.limited(min_pixels, max_pixels)
    return images.resize(width, height)


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
    reach the minimum, which is never below the processor's own. A processor that tiles or squashes every picture leaves no size
    alone: for it the picture keeps its aspect, to within rounding, and shrinks into the budget.

    Raises:
        RatioError: the written picture would be more than 200 times longer than wide.
        UsageError: no size on the grid is in the budget.
    """
    images = find_processor(processor)
    _check_size(width, height)
    low, high = budget_limits(processor=processor, min_pixels=min_pixels, max_pixels=max_pixels)
    if images.longest and max(width, height) * low > min(width, height) * images.longest**2:
        raise RatioError(f"the picture is {width}x{height}: with {low:,} pixels its longer side would be over {images.longest:,}")
    if images.on_grid:
        size = images.fit(width, height, low, high)
        if not low <= size[0] * size[1] <= high or 0 < images.longest < max(size):
            size = _nearest_in_budget(width, height, images, low, high)
    else:
        size = _kept_aspect(width, height, low, high)
        if not low <= size[0] * size[1] <= high:
            size = _nearest_in_budget(width, height, images, low, high)
    if max(size) > images.max_ratio * min(size):
        raise RatioError(f"the picture is {width}x{height}: written, one side would be more than {images.max_ratio} times the other")
    return size


def _kept_aspect(width: int, height: int, low: int, high: int) -> Size:
    """Scale into the budget, the longer side rounded and the shorter one in proportion."""
    area = width * height
    if low <= area <= high:
        return width, height
    scale = math.sqrt((high if area > high else low) / area)
    rounded = math.floor if area > high else math.ceil
    return max(1, rounded(width * scale)), max(1, rounded(height * scale))


def budget_limits(*, processor: str, min_pixels: int, max_pixels: int) -> tuple[int, int]:
    """Return the least and most pixels a written picture may have: the budget within the processor's own limits.

    Raises:
        UsageError: no size on the grid is between them.
    """
    images = find_processor(processor)
    low, high = max(min_pixels, images.min_pixels, LLAMAFACTORY_MIN_PIXELS), min(max_pixels, images.max_pixels)
    cell = images.factor * images.factor
    least, most, side = -(-low // cell), high // cell, images.longest // images.factor
    if least > most or (side and not any(max(1, -(-least // columns)) <= min(most // columns, side) for columns in range(1, side + 1))):
        raise UsageError(
            f"no picture has between {low} and {high} pixels on the {images.factor}-pixel grid of {processor}",
            cure=f"Raise --max-pixels to at least {-(-low // cell) * cell}, or lower --min-pixels.",
        )
    return low, high


def is_fixed_point(width: int, height: int, *, processor: str, min_pixels: int, max_pixels: int) -> bool:
    """Whether a picture of this size is in the budget and neither the processor nor LLaMA-Factory under this budget resizes it.

    A processor that tiles or squashes every picture resizes it anyway: then only budget and ratio count.
    """
    images = find_processor(processor)
    low, high = budget_limits(processor=processor, min_pixels=min_pixels, max_pixels=max_pixels)
    if min(width, height) < 1 or max(width, height) > MAX_RATIO * min(width, height) or not low <= width * height <= high:
        return False
    size = (width, height)
    if not images.on_grid:
        return True
    return images.resize(*size) == size == images.limited(low, high).resize(*size) and llamafactory_resize(*size, max_pixels=high) == size


def vision_tokens(width: int, height: int, *, processor: str, delimiters: bool = False) -> int:
    """Tokens a picture of this size costs after the processor has resized it; `delimiters` adds those of the chat template around it."""
    family = find_family(processor)
    _check_size(width, height)
    return family.images.tokens(width, height) + (family.delimiters if delimiters else 0)


_FEW_PICTURES = 16  # whose budgets are tried one by one


def solve_max_pixels(
    sizes: Iterable[Size], *, text_tokens: int, cutoff: int, processor: str, min_pixels: int, max_pixels: int
) -> int | None:
    """Return the largest budget, in whole cells, with which pictures of these source sizes and the text fit the cutoff; None if none does.

    A larger budget rarely costs fewer tokens: a picture of extreme shape may get another row of cells. So budgets are searched by halving,
    and of few pictures all larger ones are tried too; of many, and of a processor that tiles, the budget fits, though a larger one might by
    chance.
    """
    pictures = list(sizes)
    images = find_processor(processor)
    cell = images.factor**2 if images.on_grid else 1_024
    low, high = budget_limits(processor=processor, min_pixels=min_pixels, max_pixels=max_pixels)

    def fits(cells: int) -> bool:
        limits = {"processor": processor, "min_pixels": min_pixels, "max_pixels": cells * cell}
        written = (target_size(width, height, **limits) for width, height in pictures)  # type: ignore[arg-type]
        return text_tokens + sum(vision_tokens(*size, processor=processor, delimiters=True) for size in written) <= cutoff

    least, most = -(-low // cell), high // cell
    if not images.by_pixels:  # fewer pixels would only cost detail
        return high if fits(most) else None
    if not fits(least):
        return None
    top = most
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if fits(middle) else (least, middle - 1)
    if len(pictures) <= _FEW_PICTURES:
        least = next((cells for cells in range(top, least, -1) if fits(cells)), least)
    return least * cell


def _nearest_in_budget(width: int, height: int, images: Images, low: int, high: int) -> Size:
    """Search the grid within the budget for the size whose sides err least, relatively, from the picture at its ideal scale."""
    area, factor = width * height, images.factor
    scale = math.sqrt(max(low, min(high, area)) / area)
    side = images.longest // factor if images.longest else high
    ideal_columns, ideal_rows = width * scale / factor, height * scale / factor
    least, most = -(-low // (factor * factor)), high // (factor * factor)
    best, best_cost = (0, 0), math.inf
    for columns in range(1, min(most, side) + 1):
        fewest_rows, most_rows = -(-least // columns), min(most // columns, side)
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
