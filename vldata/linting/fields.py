"""Fields that change what is learned wherever people write them: a trainer that passes over one of them learns something else."""

from __future__ import annotations

from typing import Any

ROW_FIELDS = frozenset(
    {"input", "image", "images", "img", "image_path", "video", "videos", "audio", "audios", "system", "tools", "history", "objects", "bbox"}
    | {"bboxes", "chosen", "rejected", "rejected_response", "rejected_messages", "rejected_images", "kto_tag", "label", "solution", "loss"}
    | {"reasoning", "reasoning_content", "channel"}
)
TURN_FIELDS = frozenset(
    {"loss", "loss_scale", "weight", "train", "reasoning_content", "reasoning", "thinking", "tool_calls"}
    | {"image", "images", "image_url", "video", "videos", "bbox"}
)
_WEIGHTS = frozenset({"loss", "loss_scale", "weight", "train"})


def says_something(name: str, value: Any) -> bool:
    """Whether a value of such a field changes anything: a weight of 1 and an empty list do not."""
    if name in _WEIGHTS:
        return value is not None and value is not True and value != 1
    if name == "label":  # of KTO; a number is a class, which these trainers have no use for
        return isinstance(value, bool)
    return value is not None and value != "" and value != [] and value != {}
