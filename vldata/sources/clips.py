"""What a row asks of one video: how many frames, how many a second, from which second to which."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from vldata.media.refs import ClipRef, Sampling
from vldata.sources.errors import RowError

Videos = Literal["frames", "timed", "keep"]
CLIP_KEYS = ("nframes", "fps", "video_start", "video_end", "start", "end", "max_frames")
_MOST_FRAMES = 768  # Qwen's processor takes no more


def clip_wishes(value: dict[str, Any]) -> dict[str, float]:
    """Return the wishes of a video given as an object.

    Raises:
        RowError: one is no number above 0.
    """
    wishes = {}
    for key in CLIP_KEYS:
        given = value.get(key)
        if given is None:
            continue
        if type(given) not in (int, float) or not 0 <= given < 1e7 or (given == 0 and key not in ("start", "video_start")):
            raise RowError("VL205", f"`{key}` of a video is {given!r:.40}; a number above 0 is needed.")
        wishes[key] = float(given)
    if "nframes" in wishes and "fps" in wishes:
        raise RowError("VL205", "a video has both `nframes` and `fps`; only one of them can hold.")
    return wishes


ROW_KEYS = ("nframes", "max_frames", "video_start", "video_end")
"""What a row may ask of its one video; its `fps`, `start` and `end` may be about something else, and are kept."""


def with_row_wishes(row: dict[str, Any], videos: list[Any]) -> list[Any]:
    """The one video of a row with what the row itself asks of it; other videos as they are."""
    asked = {key: row[key] for key in ROW_KEYS if row.get(key) is not None}
    if not asked or len(videos) != 1 or not isinstance(videos[0], str):
        return videos
    return [{"video": videos[0], **asked}]


def apply_wishes(clip: ClipRef, wishes: dict[str, float]) -> ClipRef:
    """Return the clip as its row wants it."""
    sampling = clip.sampling
    if "nframes" in wishes:
        sampling = msgspec.structs.replace(sampling, rule="uniform", count=max(1, round(wishes["nframes"])))
    elif "fps" in wishes:
        sampling = Sampling(rule="fps", fps=wishes["fps"], count=int(wishes.get("max_frames", _MOST_FRAMES)), short="fewer")
    elif "max_frames" in wishes:
        sampling = msgspec.structs.replace(sampling, count=min(sampling.count, int(wishes["max_frames"])) or 1)
    start, end = wishes.get("video_start", wishes.get("start", 0.0)), wishes.get("video_end", wishes.get("end", 0.0))
    if end and end <= start:
        raise RowError("VL205", f"a video ends at {end:g} s, before it starts at {start:g} s.")
    return msgspec.structs.replace(clip, sampling=sampling, start_s=start, end_s=end)


_TIME = re.compile(r"(?<![\w.])\d+(?:\.\d+)? ?(?:s|secs?|seconds?)\b|(?<![\w:])\d{1,2}:\d\d(?::\d\d)?(?![\w:])", re.IGNORECASE)


def times_said(rows: Iterable[Any], videos: Videos) -> tuple[str, ...]:
    """Say that texts speak of times where the frames of their videos would stand without any."""
    if videos != "frames":
        return ()
    for row in rows:
        texts = _texts(row) if isinstance(row, dict) else ""
        shown = "<video>" in texts or (isinstance(row, dict) and any("video" in key.lower() for key in row))
        if shown and (found := _TIME.search(texts)):
            cure = "--videos timed writes them in front of frames, --videos keep keeps the videos"
            return (f"Warning: texts of rows with videos speak of times ({found.group()!r}), which frames do not show: {cure}.",)
    return ()


def _texts(value: Any) -> str:
    """The texts in a row, one after the other."""
    if isinstance(value, str):
        return value if len(value) < 10_000 else ""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return "\n".join(filter(None, map(_texts, items)))
