"""What a kept video costs in tokens: which frames a reader takes of it, the size they get, and the marks of time between them.

Pure functions of integers. `qwen3_vl_grid` follows transformers' Qwen3-VL video processor (release 5.23) with its published settings,
`llamafactory_grid` LLaMA-Factory's own sampling and resizing before it (release 0.9.5), `swift_grid` ms-swift's (4.6.0). Vision tokens
are exact; the marks of time ("<1.5 seconds>") are text, counted as Qwen's vocabulary cuts them: one token a digit.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from vldata.media.pixels import DEFAULT, llamafactory_resize, smart_resize

FPS = 2.0
MIN_FRAMES, MAX_FRAMES = 4, 768
MIN_TOTAL_PIXELS, MAX_TOTAL_PIXELS = 4_096, 25_165_824  # of all frames of a video together, as published with the models
LLAMAFACTORY_MAX_FRAMES = 128
LLAMAFACTORY_FRAME_PIXELS = 65_536
SWIFT_MIN_FRAME_TOKENS, SWIFT_MAX_FRAME_TOKENS, SWIFT_TOTAL_TOKENS = 128, 768, 115_200
_LLAMAFACTORY_MIN_FRAME_PIXELS = 256
_FACTOR = 32
_TEMPORAL = 2
_MARK_TOKENS = 4  # "<", ".", " seconds", ">"


class Clip(NamedTuple):
    """A video as its media line tells it."""

    frames: int
    fps: float
    duration_s: float
    width: int
    height: int


class Grid(NamedTuple):
    """What the processor makes of a video: `steps` pictures of two frames each, `columns` by `rows` tokens, at these frames."""

    steps: int
    rows: int
    columns: int
    indices: tuple[int, ...]

    @property
    def vision_tokens(self) -> int:
        """Tokens of pictures alone, without delimiters and marks of time."""
        return self.steps * self.rows * self.columns


def video_tokens(clip: Clip) -> int:
    """Tokens of a video in a Qwen3-VL prompt: pictures, the two delimiters of each step, and its mark of time."""
    grid = qwen3_vl_grid(clip)
    return grid.vision_tokens + 2 * grid.steps + sum(map(_mark_tokens, marks(grid, clip.fps)))


def llamafactory_video_tokens(clip: Clip) -> int:
    """The same under LLaMA-Factory's defaults, which take at most 128 frames of at most 65,536 pixels."""
    grid = llamafactory_grid(clip)
    return grid.vision_tokens + 2 * grid.steps + sum(map(_mark_tokens, marks(grid, clip.fps)))


def swift_video_tokens(clip: Clip) -> int:
    """The same under ms-swift's defaults, which are those of qwen-vl-utils: no frame below 128 tokens."""
    grid = swift_grid(clip)
    return grid.vision_tokens + 2 * grid.steps + sum(map(_mark_tokens, marks(grid, clip.fps)))


def qwen3_vl_grid(clip: Clip) -> Grid:
    """Sample two frames a second, from 4 to 768 of them and never more than there are, and fit all of them into one budget."""
    wanted = int(clip.frames / clip.fps * FPS)
    count = min(max(wanted, MIN_FRAMES), MAX_FRAMES, clip.frames)
    return _grid(tuple(round(place) for place in _line(clip.frames, count)), clip.width, clip.height)


def llamafactory_grid(clip: Clip, *, frame_pixels: int = LLAMAFACTORY_FRAME_PIXELS, max_frames: int = LLAMAFACTORY_MAX_FRAMES) -> Grid:
    """Sample two frames a second of the announced length, at least one, at most 128; resize each; then as the processor does."""
    count = min(clip.frames, max_frames, max(1, math.floor(clip.duration_s * FPS)))
    width, height = llamafactory_resize(clip.width, clip.height, max_pixels=frame_pixels, min_pixels=_LLAMAFACTORY_MIN_FRAME_PIXELS)
    indices = tuple(int(place) for place in _line(clip.frames, count))
    return _grid(indices, width, height, padded=True)


def swift_grid(clip: Clip) -> Grid:
    """Sample two frames a second, an even number of them, and give each between 128 and 768 tokens (qwen-vl-utils 0.0.14)."""
    most = min(MAX_FRAMES, clip.frames)
    count = math.floor(min(max(clip.frames / clip.fps * FPS, MIN_FRAMES), most) / _TEMPORAL) * _TEMPORAL
    least = SWIFT_MIN_FRAME_TOKENS * _FACTOR * _FACTOR
    share = SWIFT_TOTAL_TOKENS * _FACTOR * _FACTOR * _TEMPORAL / count
    high = int(max(min(SWIFT_MAX_FRAME_TOKENS * _FACTOR * _FACTOR, share), least * 1.05))
    width, height = smart_resize(clip.width, clip.height, processor=DEFAULT, min_pixels=least, max_pixels=high)
    indices = tuple(round(place) for place in _line(clip.frames, count))
    return Grid(count // _TEMPORAL, height // _FACTOR, width // _FACTOR, indices)


def marks(grid: Grid, fps: float) -> list[str]:
    """The marks of time of a grid: the mean of the first and the last frame of each step."""
    times = [index / fps for index in grid.indices]
    times += [times[-1]] * (-len(times) % _TEMPORAL)
    return [f"<{(first + last) / 2:.1f} seconds>" for first, last in zip(times[::2], times[1::2], strict=True)]


def _mark_tokens(mark: str) -> int:
    return _MARK_TOKENS + sum(char.isdigit() for char in mark)


def _line(total: int, count: int) -> list[float]:
    """`linspace(0, total - 1, count)`, to the last bit: one step, multiplied, and the end as it is."""
    if count == 1:
        return [0.0]
    step = (total - 1) / (count - 1)
    return [*(place * step for place in range(count - 1)), float(total - 1)]


def _grid(indices: tuple[int, ...], width: int, height: int, *, padded: bool = False) -> Grid:
    """Cut frames into steps of two; `padded`: the last one of an odd number was repeated before the sizes are reckoned, not after."""
    frames = len(indices) + len(indices) % _TEMPORAL
    rows, columns = _fit(frames if padded else len(indices), height, width)
    return Grid(frames // _TEMPORAL, rows, columns, indices)


def _fit(frames: int, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of tokens: sides on the grid, the pixels of all frames between the limits."""
    if min(height, width) < _FACTOR:
        scale = max(_FACTOR / height, _FACTOR / width)
        height, width = int(height * scale), int(width * scale)
    rows, columns = round(height / _FACTOR), round(width / _FACTOR)
    pixels = round(frames / _TEMPORAL) * _TEMPORAL * rows * columns * _FACTOR * _FACTOR
    if pixels > MAX_TOTAL_PIXELS:
        beta = math.sqrt(frames * height * width / MAX_TOTAL_PIXELS)
        rows, columns = (max(1, math.floor(side / beta / _FACTOR)) for side in (height, width))
    elif pixels < MIN_TOTAL_PIXELS:
        beta = math.sqrt(MIN_TOTAL_PIXELS / (frames * height * width))
        rows, columns = (math.ceil(side * beta / _FACTOR) for side in (height, width))
    return rows, columns
