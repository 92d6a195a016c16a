"""Processors that keep an image whole and round its sides to a grid: there are sizes that they leave alone."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from vldata.errors import DataError
from vldata.models.families.family import Config, Size

MAX_RATIO = 200


class RatioError(DataError):
    """The image is, or would become, more than 200 times longer than wide."""


def round_to_grid(width: int, height: int, factor: int, low: int, high: int) -> Size:
    """Round the sides to multiples of `factor`, halves to even; beyond a limit of the area, scale both and cut, or raise, to the grid."""
    columns, rows = round(width / factor), round(height / factor)
    area = columns * rows * factor * factor
    if area > high:
        beta = math.sqrt((height * width) / high)
        columns, rows = (max(1, math.floor(side / beta / factor)) for side in (width, height))
    elif area < low:
        beta = math.sqrt(low / (height * width))
        columns, rows = (math.ceil(side * beta / factor) for side in (width, height))
    return columns * factor, rows * factor


class Native(msgspec.Struct, frozen=True, kw_only=True):
    """Qwen-VL's resizing and its relatives: `patch` pixels a patch, `merge` patches a token side, limits of the area in pixels.

    `thin` is what happens to a side below one cell before anything else: nothing, the other side scaled along and cut (GLM-V), or scaled
    along and rounded (PaddleOCR-VL). `frames` counts an image so often against the limits (GLM-V: a still image is two frames).
    """

    patch: int
    merge: int = 2
    min_pixels: int
    max_pixels: int
    max_ratio: int = MAX_RATIO
    thin: Literal["", "cut", "round"] = ""
    frames: int = 1

    @property
    def on_grid(self) -> bool:
        return True

    @property
    def by_pixels(self) -> bool:
        return True

    @property
    def factor(self) -> int:
        """Pixels a grid cell side; a cell is one token."""
        return self.patch * self.merge

    @property
    def longest(self) -> int:
        return 0

    def resize(self, width: int, height: int) -> Size:
        """Return what the processor makes of a size.

        Raises:
            RatioError: as the processor does, for an image more than 200 times longer than wide.
        """
        wide, high = self._thickened(width, height)
        if max(wide, high) / min(wide, high) > self.max_ratio:
            raise RatioError(f"the picture is {width}x{height}: one side is more than {self.max_ratio} times the other")
        return round_to_grid(wide, high, self.factor, self.min_pixels, self.max_pixels)

    def fit(self, width: int, height: int, low: int, high: int) -> Size:
        """Round the sides as they are: a thin one is raised by the limits, which keeps the shape better than thickening does."""
        return round_to_grid(width, height, self.factor, low, high)

    def _thickened(self, width: int, height: int) -> Size:
        factor = self.factor
        if self.thin == "cut" and min(width, height) < factor:
            scale = max(factor / height, factor / width)
            return int(width * scale), int(height * scale)
        if self.thin == "round":
            if height < factor:
                width, height = round((width * factor) / height), factor
            if width < factor:
                width, height = factor, round((height * factor) / width)
        return width, height

    def tokens(self, width: int, height: int) -> int:
        columns, rows = self.resize(width, height)
        return columns * rows // self.factor**2

    def limited(self, low: int | None, high: int | None) -> Native:
        least, most = self.min_pixels if low is None else low, self.max_pixels if high is None else high
        return msgspec.structs.replace(self, min_pixels=least, max_pixels=most)

    def configured(self, config: Config) -> Native:
        """Take patch, merge and limits of a model folder; `size` is what transformers goes by, older names count where it is missing."""
        size = config.get("size") if isinstance(config.get("size"), dict) else {}
        frames = _whole(config.get("temporal_patch_size"), self.frames) if self.frames > 1 else 1
        low = _whole(size.get("shortest_edge", config.get("min_pixels")), self.min_pixels * self.frames)  # type: ignore[union-attr]
        high = _whole(size.get("longest_edge", config.get("max_pixels")), self.max_pixels * self.frames)  # type: ignore[union-attr]
        return msgspec.structs.replace(
            self,
            patch=_whole(config.get("patch_size"), self.patch),
            merge=_whole(config.get("merge_size"), self.merge),
            min_pixels=-(-low // frames),
            max_pixels=high // frames,
            frames=frames,
        )


class Longest(msgspec.Struct, frozen=True, kw_only=True):
    """Pixtral's resizing: the longest side is cut to a limit, then both are raised to the grid; a row of tokens ends with a mark."""

    patch: int
    merge: int
    longest: int
    max_ratio: int = MAX_RATIO

    @property
    def on_grid(self) -> bool:
        return True

    @property
    def by_pixels(self) -> bool:
        return True

    @property
    def factor(self) -> int:
        return self.patch * self.merge

    @property
    def min_pixels(self) -> int:
        return self.factor**2

    @property
    def max_pixels(self) -> int:
        return (self.longest // self.factor * self.factor) ** 2

    def fit(self, width: int, height: int, low: int, high: int) -> Size:
        """Shrink into the area, or grow into it, and round as ever; raised to the grid, it may still be too large."""
        scale = math.sqrt(min(1.0, high / (width * height)))
        size = self.resize(max(1, math.floor(width * scale)), max(1, math.floor(height * scale)))
        if size[0] * size[1] >= low:
            return size
        scale = math.sqrt(low / (width * height))
        return self.resize(math.ceil(width * scale), math.ceil(height * scale))

    def resize(self, width: int, height: int) -> Size:
        over = max(width / self.longest, height / self.longest)
        if over > 1:
            if math.floor(min(width, height) / over) < 1:
                raise RatioError(f"the picture is {width}x{height}: cut to {self.longest} pixels, its shorter side would vanish")
            width, height = math.floor(width / over), math.floor(height / over)
        columns, rows = ((side - 1) // self.factor + 1 for side in (width, height))
        return columns * self.factor, rows * self.factor

    def tokens(self, width: int, height: int) -> int:
        columns, rows = (side // self.factor for side in self.resize(width, height))
        return (columns + 1) * rows

    def limited(self, low: int | None, high: int | None) -> Longest:
        return self

    def configured(self, config: Config) -> Longest:
        size, patch = config.get("size"), config.get("patch_size")
        longest = size.get("longest_edge") if isinstance(size, dict) else size
        return msgspec.structs.replace(
            self,
            patch=_whole(patch.get("height") if isinstance(patch, dict) else patch, self.patch),
            merge=_whole(config.get("spatial_merge_size"), self.merge),
            longest=_whole(longest, self.longest),
        )


def _whole(value: object, usual: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else usual
