"""Processors that tile, squash or scale every image: no size is left alone, and only the count of tokens follows from it.

Each equals transformers' own for the sizes of tests/vldata/models/families.json, and `make parity-families` compares many more.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Self

import msgspec

from vldata.models.families.family import Config, Images, Size

_NO_LIMIT = 10**9


class WholeImage(msgspec.Struct, frozen=True, kw_only=True):
    """What the classes below share: no grid, no least area."""

    @property
    def on_grid(self) -> bool:
        return False

    @property
    def by_pixels(self) -> bool:
        return False

    @property
    def factor(self) -> int:
        return 1

    @property
    def min_pixels(self) -> int:
        return 1

    @property
    def max_ratio(self) -> int:
        return 200

    @property
    def longest(self) -> int:
        return 0

    def resize(self, width: int, height: int) -> Size:
        return width, height

    def fit(self, width: int, height: int, low: int, high: int) -> Size:
        return self.resize(width, height)

    def limited(self, low: int | None, high: int | None) -> Self:
        return self


class Square(WholeImage, frozen=True, kw_only=True):
    """Gemma 3: every image is squashed to a square and costs the same; its marks are two tokens and two double line ends."""

    side: int
    cost: int

    @property
    def max_pixels(self) -> int:
        return self.side**2

    def resize(self, width: int, height: int) -> Size:
        return self.side, self.side

    def tokens(self, width: int, height: int) -> int:
        return self.cost + 4

    def configured(self, config: Config) -> Square:
        return msgspec.structs.replace(
            self, side=_side(config, self.side), cost=whole(config, "image_seq_length", whole(config, "image_seq_len", self.cost))
        )


class Scaled(WholeImage, frozen=True, kw_only=True):
    """Gemma 4: every image, also a small one, is scaled to fill a budget of tokens, sides cut to `pool` patches."""

    patch: int
    pool: int
    budget: int  # of tokens an image

    @property
    def max_pixels(self) -> int:
        return self.budget * (self.patch * self.pool) ** 2

    def resize(self, width: int, height: int) -> Size:
        cell = self.pool * self.patch
        scale = math.sqrt(self.budget * self.pool**2 * self.patch**2 / (height * width))
        columns, rows = math.floor(scale * width / cell), math.floor(scale * height / cell)
        if not rows:
            columns, rows = min(width // height, self.budget), 1
        elif not columns:
            columns, rows = 1, min(height // width, self.budget)
        return columns * cell, rows * cell

    def tokens(self, width: int, height: int) -> int:
        columns, rows = self.resize(width, height)
        return columns * rows // (self.pool * self.patch) ** 2 + 2

    def configured(self, config: Config) -> Scaled:
        return msgspec.structs.replace(
            self,
            patch=whole(config, "patch_size", self.patch),
            pool=whole(config, "pooling_kernel_size", self.pool),
            budget=whole(config, "max_soft_tokens", self.budget),
        )


class Tiles(WholeImage, frozen=True, kw_only=True):
    """InternVL: the canvas of at most `most` tiles whose shape is nearest to the image's, and a thumbnail next to more than one."""

    side: int
    most: int
    least: int = 1
    cost: int  # tokens a tile
    cut: bool = True

    @property
    def max_pixels(self) -> int:
        return self.most * self.side**2

    def canvas(self, width: int, height: int) -> Size:
        """Columns and rows of tiles."""
        return nearest_canvas(width, height, self.side, self.least, self.most) if self.cut and self.most > 1 else (1, 1)

    def resize(self, width: int, height: int) -> Size:
        columns, rows = self.canvas(width, height)
        return columns * self.side, rows * self.side

    def tokens(self, width: int, height: int) -> int:
        columns, rows = self.canvas(width, height)
        count = columns * rows
        return (count + (count > 1)) * self.cost + 2

    def configured(self, config: Config) -> Tiles:
        return msgspec.structs.replace(
            self,
            side=_side(config, self.side),
            most=whole(config, "max_patches", self.most),
            least=whole(config, "min_patches", self.least),
            cost=whole(config, "image_seq_length", self.cost),
        )


class Anyres(WholeImage, frozen=True, kw_only=True):
    """LLaVA-OneVision: the listed resolution that loses least, in crops; padding is taken away, and `crops` of them are the most."""

    side: int
    cost: int  # tokens a crop, a square number
    grids: tuple[Size, ...]  # (height, width) as its configuration lists them
    crops: int = 9

    @property
    def by_pixels(self) -> bool:
        return True

    @property
    def max_pixels(self) -> int:
        return max(height * width for height, width in self.grids)

    def best(self, width: int, height: int) -> Size:
        """The (height, width) of the list that keeps most of the image, and of those the one that wastes least."""
        chosen, kept, wasted = self.grids[0], 0, math.inf
        for tall, wide in self.grids:
            scale = min(wide / width, tall / height)
            keeps = min(int(width * scale) * int(height * scale), width * height)
            wastes = wide * tall - keeps
            if keeps > kept or (keeps == kept and wastes < wasted):
                chosen, kept, wasted = (tall, wide), keeps, wastes
        return chosen

    def tokens(self, width: int, height: int) -> int:
        tall, wide = self.best(width, height)
        across = math.isqrt(self.cost)
        rows, columns = across * (tall // self.side), across * (wide // self.side)
        if width / height > columns / rows:
            rows -= (rows - int(round(height * (columns / width), 7))) // 2 * 2
        else:
            columns -= (columns - int(round(width * (rows / height), 7))) // 2 * 2
        ratio = math.sqrt(rows * columns / (self.crops * across**2))
        if ratio > 1.1:
            rows, columns = int(rows // ratio), int(columns // ratio)
        return rows * columns + rows + self.cost

    def configured(self, config: Config) -> Anyres:
        listed = config.get("image_grid_pinpoints")
        grids = tuple((int(tall), int(wide)) for tall, wide in listed) if isinstance(listed, list) and listed else self.grids
        told = str(config.get("vision_aspect_ratio", "")).removeprefix("anyres_max_")
        return msgspec.structs.replace(
            self,
            side=_side(config, self.side),
            cost=whole(config, "num_image_tokens", self.cost),
            grids=grids,
            crops=int(told) if told.isdigit() else self.crops,
        )


def nearest_canvas(width: int, height: int, side: int, least: int, most: int, canvases: tuple[Size, ...] = ()) -> Size:
    """Columns and rows of tiles whose shape is nearest to the image's; of equal ones the larger, while the image covers half of it."""
    best, error, shape = (1, 1), math.inf, width / height
    for columns, rows in canvases or _canvases(least, most):
        off = abs(shape - columns / rows)
        if off < error or (off == error and width * height > 0.5 * side * side * columns * rows):
            best, error = (columns, rows), off
    return best


@functools.cache
def _canvases(least: int, most: int) -> tuple[Size, ...]:
    """All (columns, rows) with so many tiles, by their number and then by columns."""
    return tuple(sorted(_shapes(least, most), key=lambda shape: shape[0] * shape[1]))


def _shapes(least: int, most: int) -> Iterator[Size]:
    for columns in range(1, most + 1):
        for rows in range(1, most + 1):
            if least <= columns * rows <= most:
                yield columns, rows


def whole(config: object, key: str, usual: int) -> int:
    """A positive whole number of a configuration, or the usual one."""
    value = config.get(key) if isinstance(config, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else usual


def _side(config: Config, usual: int) -> int:
    size = config.get("size")
    return whole(size, "height", whole(size, "shortest_edge", usual))


_CHECKED: tuple[type[Images], ...] = (Square, Scaled, Tiles, Anyres)  # mypy: each is an `Images`
