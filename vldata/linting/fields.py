"""Fields that change what is learned wherever people write them: a trainer that passes over one of them learns something else."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

ROW_FIELDS = frozenset(
    {"input", "image", "images", "img", "image_path", "video", "videos", "audio", "audios", "system", "tools", "history", "objects", "bbox"}
    | {"bboxes", "chosen", "rejected", "rejected_response", "rejected_messages", "rejected_images", "kto_tag", "label", "solution", "loss"}
    | {"reasoning", "reasoning_content", "channel", "choices", "options", "candidates", "context", "hint"}
)
TURN_FIELDS = frozenset(
    {"loss", "loss_scale", "weight", "train", "reasoning_content", "reasoning", "thinking", "tool_calls"}
    | {"image", "images", "image_url", "video", "videos", "bbox"}
)
PART_FIELDS = frozenset(
    {"nframes", "num_frames", "fps", "min_frames", "max_frames", "video_start", "video_end"}
    | {"min_pixels", "max_pixels", "total_pixels", "resized_height", "resized_width"}
)
_WEIGHTS = frozenset({"loss", "loss_scale", "weight", "train"})
_MEDIA_NAME = re.compile(r"(?:^|[_\W])(?:image|img|picture|photo|video|frame|clip)s?(?:$|[_\W\d])", re.IGNORECASE)
_MEDIA_FILE = re.compile(
    r"^(?:data:(?:image|video)/|https?://.)|\.(?:jpe?g|png|webp|gif|bmp|tiff?|avif|heic|jp2|mp4|avi|mkv|mov|webm)$", re.IGNORECASE
)


@lru_cache(maxsize=4_096)
def may_matter(name: str) -> bool:
    """Whether a field of a row with this name may change what is learned; one named like media does where it holds some."""
    return name in ROW_FIELDS or bool(_MEDIA_NAME.search(name))


def says_something(name: str, value: Any) -> bool:
    """Whether a value of such a field changes anything: a weight of 1 and an empty list do not, nor does a width called image_width."""
    if name in _WEIGHTS:
        return value is not None and value is not True and value != 1
    if name == "label":  # of KTO; a number is a class, which these trainers have no use for
        return isinstance(value, bool)
    if name not in ROW_FIELDS and name not in TURN_FIELDS:
        return _is_media(value)
    return value is not None and value != "" and value != [] and value != {}


def says_text(value: Any) -> bool:
    """Whether a value is a text that is not blank."""
    return isinstance(value, str) and bool(value.strip())


def _is_media(value: Any) -> bool:
    if isinstance(value, str):
        return bool(_MEDIA_FILE.search(value))
    if isinstance(value, list):
        return any(map(_is_media, value[:8]))
    if isinstance(value, dict):
        return "bytes" in value or any(_is_media(value.get(key)) for key in ("path", "url", "file_name"))
    return isinstance(value, bytes)


def part_fields(turns: Any) -> list[str]:
    """Return the settings that stand inside parts of turns, like the frames to take of a video."""
    found: dict[str, None] = {}
    for turn in turns if isinstance(turns, list) else ():
        content = turn.get("content") if isinstance(turn, dict) else None
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and len(part) > 2:
                found |= {key: None for key, value in part.items() if key in PART_FIELDS and value is not None}
    return list(found)
