"""The turns of a row as ms-swift makes them (4.6.0, preprocessor/core.py and template_inputs.py), or why it deletes the row."""

from __future__ import annotations

import ast
import json
from typing import Any, NamedTuple

from vldata.linting.outcomes import RowFinding

_USER, _ASSISTANT = ("user", "human"), ("assistant", "gpt", "bot")
_CALL, _RESULT = ("function_call",), ("function_response", "observation", "observations")
_ROLES = frozenset({"system", "user", "tool_call", "tool_response", "tool", "assistant"})
_KEPT = frozenset({"role", "content", "loss", "loss_scale", "from", "value", "name", "tool_calls", "tool_call_id", "id"})


class SwiftTurn(NamedTuple):
    """One turn: its role in ms-swift's words, its text with tags, and whether it is learned."""

    role: str
    content: str
    loss: Any = None
    scale: Any = None


class SwiftTalk(NamedTuple):
    """A row's system prompt and turns, the media of its parts by kind, and the keys of turns that were not used."""

    system: Any
    turns: list[SwiftTurn]
    media: dict[str, list[Any]]
    unused: list[str]


def of_messages(given: Any, system: Any) -> SwiftTalk | RowFinding:
    """Read a column of messages."""
    messages = _repair(given)
    if not messages or not isinstance(messages, list) or not all(isinstance(turn, dict) for turn in messages):
        return RowFinding("SW10", "no list of turns" if messages else "no messages")
    if any(turn.get("tool_calls") for turn in messages):
        messages = _openai(messages)
        if isinstance(messages, RowFinding):
            return messages
    first = {_key(key) for key in messages[0]}
    if not first & {"role", "content"}:
        return _of_pairs_in_turns(messages, system)
    return _of_turns(messages, system)


def _key(key: str) -> str:
    return {"from": "role", "value": "content"}.get(key, key)


def _repair(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    for read in (json.loads, ast.literal_eval):
        try:
            return read(given)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return None


def _openai(messages: list[dict[str, Any]]) -> list[dict[str, Any]] | RowFinding:
    turns: list[dict[str, Any]] = []
    for turn in messages:
        calls = turn.get("tool_calls") if turn.get("role") == "assistant" else None
        if not calls:
            turns.append(turn)
            continue
        if turn.get("content"):
            turns.append({key: turn[key] for key in ("role", "content", "loss", "loss_scale") if key in turn})
        for call in calls if isinstance(calls, list) else []:
            function = call.get("function", call) if isinstance(call, dict) else {}
            if not isinstance(function, dict) or "name" not in function:
                return RowFinding("SW17", f"{call!r:.60}")
            turns.append({"role": "tool_call", "content": {"name": function["name"], "arguments": function.get("arguments", {})}})
    return turns


def _of_pairs_in_turns(messages: list[dict[str, Any]], system: Any) -> SwiftTalk | RowFinding:
    turns = []
    for pair in messages:
        asked = next((pair[key] for key in reversed(_USER) if key in pair), None)
        answered = next((pair[key] for key in reversed(_ASSISTANT) if key in pair), None)
        if asked is None or answered is None:
            return RowFinding("SW10", f"a turn with the keys {', '.join(map(repr, pair))}")
        turns += [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
    return _of_turns(turns, system)


def _of_turns(messages: list[dict[str, Any]], system: Any) -> SwiftTalk | RowFinding:
    turns: list[SwiftTurn] = []
    media: dict[str, list[Any]] = {"images": [], "videos": [], "audios": []}
    unused: list[str] = []
    for turn in messages:
        role = turn.get("from", turn.get("role"))
        content = turn.get("value", turn.get("content"))
        if type(role) is not str:
            return RowFinding("SW11", f"a turn of {role!r}")
        name = _role(role)
        if name not in _ROLES:
            return RowFinding("SW11", f"a turn of {role!r}")
        if content is None:
            return RowFinding("SW12", f"a turn of {role!r}")
        unused += [key for key in turn if key not in _KEPT]
        if name in ("tool_call", "tool", "tool_response") and type(content) is not str:
            content = json.dumps(content, ensure_ascii=False)
        if type(content) is not str:
            content = _join(content, media)
            if isinstance(content, RowFinding):
                return content
        turns.append(SwiftTurn("tool" if name == "tool_response" else name, content, turn.get("loss"), turn.get("loss_scale")))
    if turns[0].role == "system":
        return SwiftTalk(turns[0].content, turns[1:], media, unused)
    return SwiftTalk(system, turns, media, unused)


def _role(role: str) -> str:
    if role in _USER:
        return "user"
    if role in _ASSISTANT:
        return "assistant"
    spelled = role.replace("-", "_")
    return "tool_call" if spelled in _CALL else "tool_response" if spelled in _RESULT else role


def _join(content: Any, media: dict[str, list[Any]]) -> str | RowFinding:
    """Join parts to a text with tags, as remove_messages_media does."""
    if type(content) is not list and content != {}:
        return RowFinding("SW13", f"{content!r:.60}")
    text = ""
    for part in content:
        if type(part) is not dict:
            return RowFinding("SW13", f"{part!r:.60}")
        if "type" not in part:
            return RowFinding("SW14", f"a part without type: {', '.join(map(repr, part))}")
        kind = part["type"]
        if type(kind) is not str:
            return RowFinding("SW14", f"a part of type {kind!r:.40}")
        value = part.get(kind)
        if kind == "text":
            if type(value) is not str:
                return RowFinding("SW14", f"a text part holds {value!r:.40}")
            text += value
            continue
        kind = kind.removesuffix("_url")
        text += f"<{kind}>"
        if kind == "image" and type(part.get("source")) is dict:  # as Anthropic writes images
            value = _source(part["source"])
        if type(value) is dict:
            if "url" not in value:
                return RowFinding("SW14", f"KeyError: 'url': an image with {', '.join(map(repr, value))}")
            value = value["url"]
        if value:
            if f"{kind}s" not in media:
                return RowFinding("SW14", f"a part of type {kind!r}")
            media[f"{kind}s"].append(value)
    return text


def _source(source: dict[str, Any]) -> Any:
    """Return the address of an image, or its bytes as a data address."""
    return f"data:{source.get('media_type')};base64,{source.get('data')}" if source.get("type") == "base64" else source.get("url")


def of_pair(query: Any, response: Any, system: Any, history: Any) -> SwiftTalk | RowFinding:
    """Read a query with its response and history."""
    if isinstance(response, list):
        response = response[0] if response else None
    if isinstance(history, str):
        history = _repair(history)
    rounds = list(history) if isinstance(history, list) else []
    turns: list[SwiftTurn] = []
    for one in [*rounds, [query, response]]:
        if not isinstance(one, list | tuple) or len(one) < 2:
            return RowFinding("SW22", f"{one!r:.60}")
        for role, content in zip(("user", "assistant"), one, strict=False):
            if content is not None:
                if type(content) is not str:
                    if content != [] and content != {}:
                        return RowFinding("SW23", f"{content!r:.60}")
                    content = ""
                turns.append(SwiftTurn(role, content))
    if not turns:
        return RowFinding("SW10", "neither messages nor query and response")
    return SwiftTalk(system, turns, {"images": [], "videos": [], "audios": []}, [])


def tools_fault(tools: Any) -> RowFinding | None:
    """Return why a list of tools cannot be used, None where it can."""
    if not tools:
        return None
    listed = _repair(tools) if isinstance(tools, str) else tools
    for tool in listed if isinstance(listed, list) else [listed]:
        if not isinstance(_repair(tool), dict):
            return RowFinding("SW24", f"{tool!r:.60}")
    return None


def call_fault(content: str) -> RowFinding | None:
    """Return why a tool call cannot be read, None where it can."""
    call = _repair(content)
    if not isinstance(call, dict) or "name" not in call:
        return RowFinding("SW17", f"{content!r:.60}")
    given = call.get("arguments", call.get("parameters"))
    if given is None or (isinstance(given, str) and _repair(given) is None):
        return RowFinding("SW17", f"no arguments: {content!r:.60}")
    return None


def order_fault(turns: list[SwiftTurn]) -> RowFinding | None:
    """Return why turns do not alternate once those of one role are merged, None where they do."""
    merged: list[str] = []
    for turn in turns:
        role = "assistant" if turn.role == "tool_call" else turn.role
        if role == "tool" and (not merged or merged[-1] == "user"):
            if not merged:
                return RowFinding("SW16", "a tool turn stands first")
            continue  # it is appended to the question
        if not merged or merged[-1] != role:
            merged.append(role)
    if not merged:
        return RowFinding("SW16", "nothing but a system prompt")
    if merged[0] == "assistant":
        merged.insert(0, "user")
    for place, role in enumerate(merged):
        if (role == "assistant") != bool(place % 2) or role == "system":
            return RowFinding("SW16", f"a turn of {role!r} in place {place}")
    return None
