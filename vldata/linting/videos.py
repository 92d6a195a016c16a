"""Video files from their headers, in this process."""

from __future__ import annotations

import os

from vldata.media.sources import Unusable, open_regular
from vldata.media.video_tokens import Clip


def look_at_video(path: str) -> Clip | str:
    """Open a video's container; returns its frames, rate, length and size, or why it cannot be read."""
    import av

    av.logging.set_level(None)
    try:
        with open_regular(os.path.realpath(path)) as file, av.open(file, "r") as container:
            if not container.streams.video:
                return "StopIteration: it has no video"
            stream = container.streams.video[0]
            seconds = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
            rate = float(stream.average_rate or 0) or 1.0
            frames = stream.frames or max(1, round(seconds * rate))
            return Clip(frames, rate, seconds or frames / rate, stream.width, stream.height)
    except (Unusable, av.FFmpegError, OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
