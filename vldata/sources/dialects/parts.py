"""Content as a list of parts: OpenAI, Anthropic, Qwen, LLaMA-Factory v1, TRL, VLMEvalKit."""

from __future__ import annotations

import json
from typing import Any

from vldata.files import strictjson
from vldata.sources.census import Unused
from vldata.sources.clips import CLIP_KEYS
from vldata.sources.dialects.talk import Given
from vldata.sources.errors import RowError

_TEXT_KEYS = ("text", "value", "content")
_PICTURE_KEYS = ("image", "image_url", "path", "url", "value", "source", "data")
_VIDEO_KEYS = ("video", "video_url", "path", "url", "value", "source")


_TYPES = {
    "text": "text",
    "input_text": "text",
    "output_text": "text",
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "image_path": "image",
    "video": "video",
    "video_url": "video",
}


def read_parts(parts: list[Any], unused: list[Unused]) -> list[str | Given]:
    """Read the parts of one turn, in order; what has no place in them is added to `unused`.

    Raises:
        RowError: a part of a type nobody knows, or without its content.
    """
    return [_read_part(part, unused) for part in parts]


def _read_part(part: Any, unused: list[Unused]) -> str | Given:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        raise RowError("VL205", f"a part of a turn is {part!r:.80}; an object or a text is needed.")
    named = part.get("type")
    if named is None:  # Qwen's short form: the key is the type
        kind = next((name for name in ("text", "image", "video") if part.get(name) is not None), None)
    else:
        kind = _TYPES.get(named) if isinstance(named, str) else None
    if kind is None:
        raise RowError("VL205", f"a part has the type {named!r}, which is not known: {str(part)[:80]}")
    if kind == "text":
        key = next((key for key in _TEXT_KEYS if part.get(key) is not None), "")
        text = part.get(key)
        if not isinstance(text, str):
            raise RowError("VL205", f"a text part holds {text!r:.80}; a text is needed.")
        unused += [Unused(f"messages[].content[].{name}", part[name]) for name in part if name not in ("type", key)]
        return text
    keys = _PICTURE_KEYS if kind == "image" else _VIDEO_KEYS
    key = next((key for key in keys if part.get(key) not in (None, "", b"")), "")
    clip = {name: part[name] for name in CLIP_KEYS if part.get(name) is not None} if kind == "video" else {}
    place = part.get("index") if kind == "image" and not key else None  # which image of the row this is, not the next one
    read = ("type", key, *clip, *(["index"] if type(place) is int else []))
    unused += [Unused(f"messages[].content[].{name}", part[name]) for name in part if name not in read]
    if type(place) is int:
        return Given("numbered", None, place + 1)
    value = _media_value(part, keys, unused)
    return Given(kind, {"video": value, **clip} if clip else value)


_VALUE_KEYS = frozenset({"type", "media_type", "data", "bytes", "url", "path", "uri"})


def _media_value(part: dict[str, Any], keys: tuple[str, ...], unused: list[Unused]) -> Any:
    """Return the path, URL, bytes or frame list of a part; None where it only marks the place (TRL)."""
    value = next((part[key] for key in keys if part.get(key) not in (None, "", b"")), None)
    if isinstance(value, dict):
        unused += [Unused(f"messages[].content[].{key}", item) for key, item in value.items() if key not in _VALUE_KEYS]
        if value.get("type") == "base64" and isinstance(value.get("data"), str):  # Anthropic
            return f"data:{value.get('media_type') or 'image/png'};base64,{value['data']}"
        if "bytes" in value:
            return value
        return next((value[key] for key in ("url", "path", "uri", "data") if value.get(key)), value)
    return value


def is_parts(value: Any) -> bool:
    """Whether a value is a list of parts, not of turns."""
    return (
        isinstance(value, list) and bool(value) and all(isinstance(part, dict) and "type" in part and "role" not in part for part in value)
    )


def call_text(calls: Any) -> str:
    """Write tool calls (OpenAI `tool_calls`, Anthropic `tool_use`) as LLaMA-Factory's function turns hold them: JSON of name and arguments.

    Raises:
        RowError: a call without a name, or with arguments that are not JSON.
    """
    if not isinstance(calls, list) or not calls:
        raise RowError("VL204", f"`tool_calls` is {calls!r:.80}; a list of calls is needed.")
    written = []
    for call in calls:
        function = call.get("function", call) if isinstance(call, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(name, str) or not isinstance(function, dict):
            raise RowError("VL204", f"a tool call has no name: {call!r:.80}")
        arguments: Any = next((function[key] for key in ("arguments", "input", "parameters") if key in function), {})
        if isinstance(arguments, str):
            try:
                arguments = strictjson.loads(arguments or "{}")
            except strictjson.StrictJsonError:
                raise RowError("VL204", f"the arguments of {name!r} are not JSON: {arguments[:60]!r}") from None
        written.append({"name": name, "arguments": arguments})
    return json.dumps(written[0] if len(written) == 1 else written, ensure_ascii=False)
