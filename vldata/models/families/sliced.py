"""Images cut into slices with one small copy of the whole: Idefics 3 and SmolVLM, MiniCPM-V, LFM2-VL."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator

import msgspec

from vldata.models.families.family import Config, Images, Size
from vldata.models.families.tiled import WholeImage, nearest_canvas, whole

_MOST_SPLIT = 4_096  # pixels of the longest side, whatever is configured


class Splits(WholeImage, frozen=True, kw_only=True):
    """Idefics 3 and SmolVLM: the longest side is set to `edge`, sides raised to whole tiles, every tile marked with its row and column."""

    edge: int
    side: int
    cost: int  # tokens a tile
    cut: bool = True

    @property
    def max_pixels(self) -> int:
        return self.edge**2

    def canvas(self, width: int, height: int) -> Size:
        """Columns and rows of tiles; 0 and 0 where the image stays one."""
        if not self.cut:
            return 0, 0
        wide, high = self.resize(width, height)
        shape = wide / high
        if wide >= high:
            columns = -(-wide // self.side)
            rows = math.ceil(int(columns * self.side / shape) / self.side)
        else:
            rows = -(-high // self.side)
            columns = math.ceil(int(rows * self.side * shape) / self.side)
        return (columns, rows) if columns * rows > 1 else (0, 0)

    def resize(self, width: int, height: int) -> Size:
        """Set the longest side, and the other in proportion, to an even number."""
        shape, edge = width / height, self.edge
        if width >= height:
            wide, high = edge, int(edge / shape)
            high += high % 2
        else:
            wide, high = int(edge * shape), edge
            wide += wide % 2
        wide, high = max(wide, 1), max(high, 1)
        if max(wide, high) > _MOST_SPLIT:
            shape = wide / high
            wide, high = (_MOST_SPLIT, int(_MOST_SPLIT / shape)) if wide >= high else (int(_MOST_SPLIT * shape), _MOST_SPLIT)
        return max(wide, 1), max(high, 1)

    def tokens(self, width: int, height: int) -> int:
        """Count marks too; the double line end before the whole image is one token in its vocabulary."""
        columns, rows = self.canvas(width, height)
        return self.cost + 3 + rows * ((self.cost + 2) * columns + 1)

    def configured(self, config: Config) -> Splits:
        size, tile = config.get("size"), config.get("max_image_size")
        return msgspec.structs.replace(
            self,
            edge=whole(size, "longest_edge", self.edge),
            side=whole(tile, "longest_edge", self.side),
            cost=whole(config, "image_seq_len", self.cost),
            cut=bool(config.get("do_image_splitting", self.cut)),
        )


class Slices(WholeImage, frozen=True, kw_only=True):
    """MiniCPM-V: the image scaled to about `side`, and next to it, where it is larger, up to `most` slices of it in a grid."""

    side: int
    most: int
    patch: int
    merge: int = 4  # patches a token side
    cut: bool = True
    numbered: bool = True  # `<image_id>0</image_id>` stands before each image

    @property
    def by_pixels(self) -> bool:
        return True

    @property
    def max_pixels(self) -> int:
        return self.most * self.side**2

    def grid(self, width: int, height: int) -> Size:
        """Columns and rows of slices; 0 and 0 where there are none."""
        wanted = min(math.ceil(width * height / self.side**2), self.most)
        if not self.cut or wanted <= 1:
            return 0, 0
        shape, best, error = math.log(width / height), (1, 1), math.inf
        for count in (wanted - 1, wanted, wanted + 1):
            if count == 1 or count > self.most:
                continue
            for rows in (rows for rows in range(1, count + 1) if count % rows == 0):
                off = abs(shape - math.log(count // rows / rows))
                if off < error or (off == error and rows > best[1]):
                    best, error = (count // rows, rows), off
        return best

    def resize(self, width: int, height: int) -> Size:
        return self._fit(width, height, enlarge=self.grid(width, height) == (0, 0))

    def _fit(self, width: float, height: float, *, enlarge: bool) -> Size:
        if enlarge or height * width > self.side**2:
            shape = width / height
            height = int(self.side / math.sqrt(shape))
            width = int(height * shape)
        cell = self.patch * self.merge
        return _nearest_multiple(width, cell), _nearest_multiple(height, cell)

    def tokens(self, width: int, height: int) -> int:
        """Count marks too; a number of an image in a record has one digit up to the tenth."""
        columns, rows = self.grid(width, height)
        total = self._cells(*self.resize(width, height)) + 2 + 3 * self.numbered
        if rows:
            share = _nearest_multiple(width, columns) / columns, _nearest_multiple(height, rows) / rows
            total += columns * rows * (self._cells(*self._fit(*share, enlarge=True)) + 2) + rows - 1
        return total

    def _cells(self, width: int, height: int) -> int:
        return (width // self.patch) * (height // self.patch) // self.merge**2

    def configured(self, config: Config) -> Slices:
        merge = {"4x": 2, "16x": 4}.get(str(config.get("downsample_mode")), self.merge)
        return msgspec.structs.replace(
            self,
            side=whole(config, "scale_resolution", self.side),
            most=whole(config, "max_slice_nums", self.most),
            patch=whole(config, "patch_size", self.patch),
            merge=merge,
            cut=bool(config.get("slice_mode", self.cut)),
            numbered=bool(config.get("use_image_id", self.numbered)),
        )


class Lfm(WholeImage, frozen=True, kw_only=True):
    """LFM2-VL: on a grid up to `most_tokens`; twice above that, tiles as InternVL cuts them, and a thumbnail."""

    patch: int
    merge: int
    least_tokens: int
    most_tokens: int
    side: int
    least: int
    most: int
    slack: float = 2.0
    cut: bool = True
    thumbnail: bool = True
    marked: bool = True  # `<|image_start|>`, the tiles' rows and columns, `<|image_end|>`

    @property
    def by_pixels(self) -> bool:
        return True

    @property
    def max_pixels(self) -> int:
        return self.most * self.side**2

    def resize(self, width: int, height: int) -> Size:
        cell = self.patch * self.merge
        columns, rows = max(1, round(width / cell)), max(1, round(height / cell))
        if columns * rows > self.most_tokens:
            beta = math.sqrt((height * width) / (self.most_tokens * cell**2))
            columns, rows = (max(1, math.floor(side / beta / cell)) for side in (width, height))
        elif columns * rows < self.least_tokens:
            beta = math.sqrt(self.least_tokens * cell**2 / (height * width))
            columns, rows = (math.ceil(side * beta / cell) for side in (width, height))
        return columns * cell, rows * cell

    def _tiled(self, width: int, height: int) -> bool:
        cell = self.patch * self.merge
        area = math.prod(max(self.patch, round(side / cell) * cell) for side in (width, height))
        return self.cut and not self.least == self.most == 1 and area > self.most_tokens * cell**2 * self.slack

    def tokens(self, width: int, height: int) -> int:
        wide, high = self.resize(width, height)
        whole_image = math.prod(math.ceil(side // self.patch / self.merge) for side in (wide, high))
        marks = 2 * self.marked
        if not self._tiled(width, height):
            return whole_image + marks
        canvases = _canvases_of_lfm(self.least, self.most)
        columns, rows = nearest_canvas(width, height, self.side, self.least, self.most, canvases)
        count = columns * rows
        if count == 1:
            return whole_image + marks
        tile = math.ceil(self.side // self.patch / self.merge) ** 2
        return count * (tile + self.marked) + self.thumbnail * (whole_image + self.marked) + marks

    def configured(self, config: Config) -> Lfm:
        return msgspec.structs.replace(
            self,
            patch=whole(config, "encoder_patch_size", self.patch),
            merge=whole(config, "downsample_factor", self.merge),
            least_tokens=whole(config, "min_image_tokens", self.least_tokens),
            most_tokens=whole(config, "max_image_tokens", self.most_tokens),
            side=whole(config, "tile_size", self.side),
            least=whole(config, "min_tiles", self.least),
            most=whole(config, "max_tiles", self.most),
            slack=float(config.get("max_pixels_tolerance", self.slack)),
            cut=bool(config.get("do_image_splitting", self.cut)),
            thumbnail=bool(config.get("use_thumbnail", self.thumbnail)),
            marked=bool(config.get("use_image_special_tokens", self.marked)),
        )


@functools.cache
def _canvases_of_lfm(least: int, most: int) -> tuple[Size, ...]:
    """The same as LFM2-VL's processor has them: out of a set filled in its order, which decides between equals."""
    found = {(columns, rows) for count in range(least, most + 1) for columns, rows in _square(count) if least <= columns * rows <= most}
    return tuple(sorted(found, key=lambda shape: shape[0] * shape[1]))


def _square(count: int) -> Iterator[Size]:
    yield from itertools.product(range(1, count + 1), repeat=2)


def _nearest_multiple(length: float, divisor: int) -> int:
    return max(round(length / divisor) * divisor, divisor)


_CHECKED: tuple[type[Images], ...] = (Splits, Slices, Lfm)  # mypy: each is an `Images`
