r"""Turns in a list: from/value and role/content under every known name, parts as content, rounds, and Data-Juicer's marked text.

Rows look like these:

{"conversations": [{"from": "human", "value": "<image>\nWhat is this?"}, {"from": "gpt", "value": "A cat."}], "image": "a.jpg"}
{"messages": [{"role": "user", "content": [{"type": "image", "image": "a.jpg"}, {"type": "text", "text": "What is this?"}]}, ...]}
{"conversation": [{"human": "What is this?", "assistant": "A cat."}]}
{"text": "[[human]]: <__dj__image>What is this?\n[[gpt]]: A cat.<|__dj__eoc|>", "images": ["a.jpg"]}
"""

from __future__ import annotations

import json
import re
from typing import Any

from vldata.files import strictjson
from vldata.records.record import Role
from vldata.sources.dialects.names import Names
from vldata.sources.dialects.parts import call_text, is_parts, read_parts
from vldata.sources.dialects.talk import Content, Talk
from vldata.sources.locate import RowError

_MARK = re.compile(r"\[\[(\w+)\]\]: ?")
_END_OF_CHUNK = "<|__dj__eoc|>"
_TURN_KEYS = frozenset({"role", "from", "content", "value", "loss", "loss_weight", "name", "tool_call_id", "tool_calls", "weight"})


def first_of(row: dict[str, Any], keys: tuple[str, ...]) -> Any:
    """Return the first value that is there and not null (parquet fills missing keys with null)."""
    for key in keys:
        value = row.get(key)
        if value is not None:
            return value
    return None


def listed(value: Any) -> list[Any]:
    """Return the media of a row as a list: none, one, or several."""
    if value is None or value == "" or value == []:
        return []
    if type(value) is str:
        value = _cell(value)
    return value if type(value) is list else [value]


def _cell(text: str) -> Any:
    """Return the list that a table's cell holds as JSON, or the text itself."""
    if not text.startswith("["):
        return text
    try:
        value = strictjson.loads(text)
    except strictjson.StrictJsonError:
        return text
    return value if type(value) is list else text


def _turn_list(row: dict[str, Any], names: Names) -> Any:
    turns = first_of(row, names.turns)
    return _cell(turns) if type(turns) is str else turns


def usual_keys(row: dict[str, Any], names: Names) -> tuple[str, str, str]:
    """Return under which keys a row keeps its turns, and a turn its role and content; empty where it is not so plain."""
    for key in names.turns:
        turns = row.get(key)
        if isinstance(turns, list) and turns and isinstance(turns[0], dict):
            role = next((name for name in names.role if name in turns[0]), "")
            content = next((name for name in names.content if name in turns[0]), "")
            return (key, role, content) if role and content else ("", "", "")
    return ("", "", "")


def claims_messages(row: dict[str, Any], names: Names) -> bool:
    """Whether the row holds a list of turns."""
    turns = _turn_list(row, names)
    return turns is not None and not _is_rounds(turns) and not is_parts(turns)


def read_messages(row: dict[str, Any], names: Names) -> Talk:
    """Read a row of turns."""
    given = _turn_list(row, names)
    if type(given) is not list or not given:
        raise RowError("VL204", f"the turns are {given!r:.80}; a list is needed.")
    roles, role_keys, content_keys = names.roles, names.role, names.content
    turns: list[tuple[Role, Content]] = []
    weights: list[Any] = []
    for turn in given:
        if type(turn) is not dict:
            raise RowError("VL204", f"a turn is {turn!r:.80}; an object is needed.")
        speaker = first_of(turn, role_keys)
        role = roles.get(speaker) if type(speaker) is str else None
        if role is None:
            raise RowError("VL204", f"a turn has the role {speaker!r:.40}, which is not known.")
        content = first_of(turn, content_keys)
        if type(content) is not str or len(turn) > 2:
            role, content = _unusual_turn(role, content, turn)
            weights.append(first_of(turn, ("loss", "loss_weight", "weight")))
        turns.append((role, content))
    return talk_of(row, turns, names, weights=weights)


def talk_of(
    row: dict[str, Any], turns: list[tuple[Role, Content]], names: Names, *, weights: list[Any] | None = None, leading: bool = False
) -> Talk:
    """Add what stands beside the turns."""
    system, tools, objects = first_of(row, names.system), first_of(row, names.tools), row.get("objects")
    if system is not None and type(system) is not str:
        raise RowError("VL204", f"the system prompt is {system!r:.80}; a text is needed.")
    return Talk(
        turns=turns,
        images=listed(first_of(row, names.images)),
        videos=listed(first_of(row, names.videos)),
        system=system or "",
        tools="" if not tools else tools if type(tools) is str else json.dumps(tools, ensure_ascii=False),
        objects=objects or None,
        leading=leading,
        extra={"loss": weights} if weights and any(weight is not None for weight in weights) else None,
    )


def _unusual_turn(role: Role, content: Any, turn: dict[str, Any]) -> tuple[Role, Content]:
    """Read a turn with parts, tool calls or more keys than two."""
    calls = turn.get("tool_calls") or None
    if isinstance(content, list):
        uses = [part for part in content if isinstance(part, dict) and part.get("type") == "tool_use"]
        results = [part for part in content if isinstance(part, dict) and part.get("type") == "tool_result"]
        if uses and not calls:
            calls, content = uses, [part for part in content if part not in uses]
        elif results and len(results) == len(content) == 1:  # Anthropic: the user turn brings the tool's answer
            return "observation", _result_text(results[0])
    if calls is not None:
        if content not in (None, "", []):
            raise RowError("VL204", "a turn holds both text and tool calls.")
        return "function_call", call_text(calls)
    if isinstance(content, str):
        return role, content
    if isinstance(content, list):
        return role, read_parts(content)
    if isinstance(content, dict) and role in ("function_call", "observation"):
        return role, json.dumps(content, ensure_ascii=False)
    raise RowError("VL204", f"a turn of {role} holds {content!r:.60}; a text or a list of parts is needed.")


def _result_text(result: dict[str, Any]) -> str:
    content = result.get("content")
    if isinstance(content, list):
        content = "".join(part for part in read_parts(content) if isinstance(part, str))
    if not isinstance(content, str):
        raise RowError("VL204", f"a tool result holds {content!r:.60}; a text is needed.")
    return content


# --- rounds and marked text ----------------------------------------------------------------------------------------------------------


def _is_rounds(turns: Any) -> bool:
    return isinstance(turns, list) and bool(turns) and isinstance(turns[0], dict) and {"human", "assistant"} <= turns[0].keys()


def claims_rounds(row: dict[str, Any], names: Names) -> bool:
    """Whether the row holds rounds of question and answer (ms-swift)."""
    return _is_rounds(first_of(row, names.turns))


def read_rounds(row: dict[str, Any], names: Names) -> Talk:
    """Read rounds."""
    turns: list[tuple[Role, Content]] = []
    for round_ in first_of(row, names.turns):
        if not isinstance(round_, dict) or not isinstance(round_.get("human"), str) or not isinstance(round_.get("assistant"), str):
            raise RowError("VL204", f"a round is {round_!r:.80}; human and assistant texts are needed.")
        turns += [("user", round_["human"]), ("assistant", round_["assistant"])]
    return talk_of(row, turns, names, leading=True)


def claims_marked(row: dict[str, Any], names: Names) -> bool:
    """Whether the row holds one text with `[[role]]: ` marks."""
    return isinstance(row.get("text"), str) and first_of(row, names.response) is None and bool(_MARK.match(row["text"].lstrip()))


def read_marked(row: dict[str, Any], names: Names) -> Talk:
    """Read a marked text; the end-of-chunk token of Data-Juicer is structure, not text."""
    pieces = _MARK.split(row["text"].replace(_END_OF_CHUNK, ""))
    turns: list[tuple[Role, Content]] = []
    for speaker, text in zip(pieces[1::2], pieces[2::2], strict=True):
        role = names.roles.get(speaker)
        if role is None:
            raise RowError("VL204", f"a mark names the role {speaker!r:.40}, which is not known.")
        turns.append((role, text.strip()))
    return talk_of(row, turns, names)
