"""Which frames of a sequence are taken: pure arithmetic, the same for frame folders and videos."""

from __future__ import annotations

import math

from vldata.errors import DataError, UsageError
from vldata.media.refs import Sampling

MAX_FRAMES = 100_000
MIN_FPS = 1e-6  # a frame in eleven days
MAX_FPS = 1_000_000


class TooFewFramesError(DataError):
    """The sequence is empty, or shorter than asked for where `short` is "error"."""


def sample_indices(n: int, sampling: Sampling, *, fps: float | None = None) -> tuple[int, ...]:
    """Return the indices taken of a sequence of n frames, ascending.

    Args:
        n: how many frames there are.
        sampling: the rule; its `short` applies whenever `count` frames were asked for and fewer are there to take.
        fps: frames a second of the sequence; needed by the rule "fps" alone.

    Raises:
        TooFewFramesError: there is no frame at all, or too few and `short` is "error".
        UsageError: the rule cannot be followed.
    """
    check_sampling(sampling)
    if n < 1:
        raise TooFewFramesError("the sequence has no frames")
    if sampling.rule == "uniform":
        taken = _uniform(n, sampling.count) if sampling.count <= n else tuple(range(n))
    elif sampling.rule == "first":
        taken = tuple(range(min(n, sampling.count)))
    elif sampling.rule == "every":
        taken = tuple(range(0, n, sampling.step))
    else:
        taken = _at_rate(n, sampling.fps, fps)
    if sampling.count > 0:
        taken = taken[: sampling.count]
    if len(taken) >= sampling.count:
        return taken
    if sampling.short == "error":
        raise TooFewFramesError(f"{sampling.count} frames were asked for, but {len(taken)} of the sequence's {n} can be taken")
    if sampling.short == "fewer":
        return taken
    if sampling.rule == "uniform":
        return _uniform(n, sampling.count)
    return taken + (taken[-1],) * (sampling.count - len(taken))


def sample_between(n: int, sampling: Sampling, fps: float | None, start_s: float, end_s: float) -> tuple[int, ...]:
    """Return the indices taken of the frames from `start_s` to `end_s` (0: the end), ascending.

    Raises:
        TooFewFramesError: as `sample_indices`; also where no frame is between them, or nobody knows the time of a frame.
    """
    if not start_s and not end_s:
        return sample_indices(n, sampling, fps=fps)
    if fps is None or not 0 < fps < float("inf"):
        raise TooFewFramesError("a part of it is asked for by seconds, but it has no frame rate")
    first = math.ceil(start_s * fps - 1e-6)
    last = n if not end_s else min(n, math.floor(end_s * fps + 1e-6) + 1)
    if first >= last:
        raise TooFewFramesError(f"no frame is between {start_s:g} and {end_s or n / fps:g} s; it lasts {n / fps:.2f} s")
    return tuple(first + index for index in sample_indices(last - first, sampling, fps=fps))


def check_sampling(sampling: Sampling) -> None:
    """Refuse numbers no sampling can have.

    Raises:
        UsageError: with the number and what to ask for.
    """
    if sampling.rule in ("uniform", "first") and sampling.count < 1:
        raise UsageError(f"{sampling.count} frames cannot be sampled", cure="Ask for 1 or more.")
    if sampling.count > MAX_FRAMES:
        raise UsageError(f"{sampling.count:,} frames are more than any model sees", cure=f"Ask for {MAX_FRAMES:,} or fewer.")
    if sampling.rule == "every" and sampling.step < 1:
        raise UsageError(f"every {sampling.step}-th frame cannot be taken", cure="The step is 1 or more.")
    if sampling.rule == "fps" and not MIN_FPS <= sampling.fps <= MAX_FPS:
        raise UsageError(f"{sampling.fps:g} frames a second cannot be taken", cure=f"The rate is from {MIN_FPS:g} to {MAX_FPS:,}.")


def _uniform(n: int, count: int) -> tuple[int, ...]:
    """`round(linspace(0, n - 1, count))` to the bit: numpy multiplies by the step and rounds halves to even, as Open-EQA's scripts do."""
    if count == 1:
        return (0,)
    step = (n - 1) / (count - 1)
    return (*(round(index * step) for index in range(count - 1)), n - 1)


def _at_rate(n: int, wanted: float, native: float | None) -> tuple[int, ...]:
    """Return the frame on screen at 0, 1/wanted, 2/wanted ... seconds, each frame once."""
    if native is None or not 0 < native < float("inf"):
        raise UsageError("the rule fps needs a sequence that knows its own rate", cure="Use it with videos, or take every k-th frame.")
    ratio = native / wanted
    if ratio <= 1:
        return tuple(range(n))
    count = int((n - 1) / ratio + 1e-9) + 1
    return tuple(int(index * ratio + 1e-9) for index in range(count))
