"""The names that conversations use in the wild, as literal tables: keys, roles, placeholders."""

from __future__ import annotations

import msgspec

from vldata.records.record import Role

# Whoever speaks, under every name seen for them.
ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "USER": "user",
    "Human": "user",
    "User": "user",
    "prompter": "user",
    "question": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "GPT": "assistant",
    "ASSISTANT": "assistant",
    "Assistant": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "model": "assistant",
    "answer": "assistant",
    "function_call": "function_call",
    "tool_call": "function_call",
    "tool": "observation",
    "observation": "observation",
    "tool_response": "observation",
    "function_response": "observation",
    "function": "observation",
    "ipython": "observation",
}

# Stand-ins for a picture or a video in the text of a turn, the longer before those they contain.
PLACEHOLDERS: dict[str, str] = {
    "<image>": "image",
    "<video>": "video",
    "<|vision_start|><|image_pad|><|vision_end|>": "image",
    "<|vision_start|><|video_pad|><|vision_end|>": "video",
    "<Img><ImageHere></Img>": "image",
    "<ImageHere>": "image",
    "<__dj__image>": "image",
    "<__dj__video>": "video",
    "<image_placeholder>": "image",
    "<image_soft_token>": "image",
    "<start_of_image>": "image",
    "<|image|>": "image",
    "<|image_pad|>": "image",
    "<|video_pad|>": "video",
    "[IMG]": "image",
}


# Media of a row or of a turn, in order of preference.
IMAGE_NAMES = (
    *("images", "image", "image_path", "image_paths", "image_file", "image_files", "image_list", "image_url", "image_urls"),
    *("img", "imgs", "img_path", "img_paths", "picture", "pictures", "photo", "photos", "screenshot", "screenshots"),
)
VIDEO_NAMES = ("videos", "video", "video_path", "video_paths", "video_file", "video_url")


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """Under which keys a row keeps what, in order of preference; `closed` when a dataset_info.json entry fixed them."""

    turns: tuple[str, ...] = ("messages", "conversations", "conversation")
    role: tuple[str, ...] = ("role", "from")
    content: tuple[str, ...] = ("content", "value")
    images: tuple[str, ...] = IMAGE_NAMES
    videos: tuple[str, ...] = VIDEO_NAMES
    system: tuple[str, ...] = ("system", "system_prompt")
    tools: tuple[str, ...] = ("tools",)
    prompt: tuple[str, ...] = ("instruction",)
    query: tuple[str, ...] = ("input", "query")
    response: tuple[str, ...] = ("output", "response")
    history: tuple[str, ...] = ("history",)
    chosen: tuple[str, ...] = ("chosen", "chosen_response")
    rejected: tuple[str, ...] = ("rejected", "rejected_response", "rejected_messages", "rejected_responses")
    wanted: tuple[str, ...] = ("wanted", "kto_tag", "label")
    solution: tuple[str, ...] = ("solution",)
    roles: dict[str, Role] = msgspec.field(default_factory=lambda: ROLES)
    closed: bool = False
    ignore: frozenset[str] = frozenset()  # fields that the user leaves out
    marked: bool = False  # whether texts of the file may hold thoughts or calls
