"""What a row asks of one video: how many frames, how many a second, from which second to which."""

from __future__ import annotations

from typing import Any

import msgspec

from vldata.media.refs import ClipRef, Sampling
from vldata.sources.errors import RowError

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
