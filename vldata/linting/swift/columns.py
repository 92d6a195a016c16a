"""Columns as ms-swift names them anew (4.6.0, dataset/preprocessor/core.py): which form a file has, and what each column becomes."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

MEDIA = {"image": "images", "images": "images", "audio": "audios", "audios": "audios", "video": "videos", "videos": "videos"}
_TALK = {"messages": "messages", "conversation": "messages", "conversations": "messages", "system": "system", "system_prompt": "system"}
_PAIRS = {
    **dict.fromkeys(("system", "system_prompt"), "system"),
    **dict.fromkeys(("query", "prompt", "input", "instruction", "question", "problem"), "query"),
    **dict.fromkeys(("response", "answer", "output", "targets", "target", "answer_key", "answers", "solution"), "response"),
    **dict.fromkeys(("text", "completion", "content"), "response"),
}
STANDARD = frozenset(
    {f"{prefix}{key}" for prefix in ("", "rejected_", "positive_", "negative_") for key in ("messages", "tools", "objects")}
    | {"images", "videos", "audios", "rejected_images", "rejected_response", "label", "channel", "margin", "chat_template_kwargs"}
)


class Renamed(NamedTuple):
    """What a file's columns become: `form` (talk, alpaca or pairs), new name by old, and pairs of names that cancel each other."""

    form: str
    names: dict[str, str]
    clashes: dict[str, tuple[str, ...]]


def new_names(columns: list[str]) -> Renamed:
    """Return what becomes of columns. Where two would get one name, neither is renamed."""
    present = set(columns)
    form = (
        "talk" if present & {"conversation", "conversations", "messages"} else "alpaca" if {"instruction", "input"} <= present else "pairs"
    )
    table = {**(_TALK if form == "talk" else _PAIRS), **MEDIA}
    lowered = {name.lower(): name for name in columns}
    wanted = {lowered[key]: new for key, new in table.items() if key in lowered}
    counts = Counter(wanted.values())
    clashes = {new: tuple(old for old, to in wanted.items() if to == new) for new, count in counts.items() if count > 1}
    names = {old: new for old, new in wanted.items() if counts[new] == 1}
    for new, olds in clashes.items():
        if new in olds:
            names[new] = new  # it has the name already
    return Renamed(form, names, clashes)
