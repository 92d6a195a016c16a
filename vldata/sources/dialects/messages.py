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

from vldata.records.record import Role
from vldata.records.tool_calls import BETWEEN_ANSWERS
from vldata.sources.census import Unused
from vldata.sources.dialects.names import IMAGE_NAMES, VIDEO_NAMES, Names
from vldata.sources.dialects.notes import NO_NOTE, Note, Notes, note_of
from vldata.sources.dialects.parts import call_text, is_parts, read_parts
from vldata.sources.dialects.talk import Content, Given, Talk
from vldata.sources.errors import RowError
from vldata.sources.listcells import list_of_text

_MARK = re.compile(r"\[\[(\w+)\]\]: ?")
_END_OF_CHUNK = "<|__dj__eoc|>"
_TURN_MEDIA = (("image", IMAGE_NAMES), ("video", VIDEO_NAMES))


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
        value = list_of_text(value)
    return value if type(value) is list else [value]


def _turn_list(row: dict[str, Any], names: Names) -> Any:
    turns = first_of(row, names.turns)
    return list_of_text(turns) if type(turns) is str else turns


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
    unused: list[Unused] = []
    turns, notes = read_turns(_turn_list(row, names), names, unused)
    return talk_of(row, turns, names, unused=unused, notes=notes)


def read_turns(given: Any, names: Names, unused: list[Unused]) -> tuple[list[tuple[Role, Content]], Notes]:
    """Read a list of turns; what has no place in them is added to `unused`.

    Raises:
        RowError: it is no list of turns.
    """
    if type(given) is not list or not given:
        raise RowError("VL204", f"the turns are {given!r:.80}; a list is needed.")
    roles, role_keys, content_keys = names.roles, names.role, names.content
    turns: list[tuple[Role, Content]] = []
    notes: Notes = {}
    for turn in given:
        if type(turn) is not dict:
            raise RowError("VL204", f"a turn is {turn!r:.80}; an object is needed.")
        speaker = first_of(turn, role_keys)
        role = roles.get(speaker) if type(speaker) is str else None
        if role is None:
            raise RowError("VL204", f"a turn has the role {speaker!r:.40}, which is not known.")
        content = first_of(turn, content_keys)
        if type(content) is not str or len(turn) > 2:
            role, content, note = _unusual_turn(role, content, turn, unused, names)
            if note is not NO_NOTE:
                notes[len(turns)] = note
        turns.append((role, content))
    return turns, notes


def talk_of(
    row: dict[str, Any],
    turns: list[tuple[Role, Content]],
    names: Names,
    *,
    unused: list[Unused] | None = None,
    leading: bool = False,
    notes: Notes | None = None,
) -> Talk:
    """Add what stands beside the turns."""
    system, tools, objects = (
        first_of(row, tuple(key for key in names.system if key not in names.ignore)),
        first_of(row, names.tools),
        row.get("objects"),
    )
    if system is not None and type(system) is not str:
        raise RowError("VL204", f"the system prompt is {system!r:.80}; a text is needed.")
    images = first_of(row, names.images)
    named = images if type(images) is dict and images and all(type(key) is str and key[:1] in "<[" for key in images) else None
    columns = [row[key] for key in numbered_columns(row)] if images in (None, "", []) and not names.closed else []
    return Talk(
        turns=turns,
        images=[] if named else columns or listed(images),
        videos=listed(first_of(row, names.videos)),
        system=system or "",
        tools="" if not tools else tools if type(tools) is str else json.dumps(tools, ensure_ascii=False),
        objects=None if objects in ("", [], {}) else objects,
        leading=leading or bool(columns),
        unused=tuple(unused or ()),
        named=named,
        notes=notes or {},
    )


_NUMBERED = re.compile(r"(?:image|img|picture)s?[_-]?(\d{1,2})").fullmatch


def numbered_columns(row: dict[str, Any]) -> list[str]:
    """Return the columns `image_1`, `image_2` ... of a row that hold something, by their numbers."""
    found = [(int(match.group(1)), key) for key, value in row.items() if (match := _NUMBERED(key)) and value not in (None, "", [], b"")]
    return [key for _, key in sorted(found)]


def _unusual_turn(role: Role, content: Any, turn: dict[str, Any], unused: list[Unused], names: Names) -> tuple[Role, Content, Note]:
    """Read a turn with parts, tool calls, media or other keys than two."""
    for keys in (names.role, names.content):
        there = [key for key in keys if turn.get(key) not in (None, "", [])]
        if len(there) > 1 and turn[there[0]] != turn[there[1]]:
            raise RowError("VL216", f"a turn has {there[0]!r} and {there[1]!r}, and they differ.")
    calls = turn.get("tool_calls") or None
    known = {*names.role, *names.content, "tool_calls", "tool_call_id"}
    media = _turn_media(turn, known)
    if isinstance(content, list) and role == "assistant":
        content, turn = _thought_parts(content, turn)
    note = note_of(turn, role, known, names.ignore)
    unused += [Unused(f"messages[].{key}", value, role) for key, value in turn.items() if key not in known]
    if isinstance(content, list):
        uses = [part for part in content if isinstance(part, dict) and part.get("type") == "tool_use"]
        results = [part for part in content if isinstance(part, dict) and part.get("type") == "tool_result"]
        if uses and not calls:
            calls, content = uses, [part for part in content if part not in uses]
        elif results and len(results) == len(content) == 1:  # Anthropic: the user turn brings the tool's answer
            return "observation", _tool_result(results[0], unused), NO_NOTE
        elif results and len(results) == len(content) and not any(isinstance(result.get("content"), list) for result in results):
            return "observation", BETWEEN_ANSWERS.join(str(_tool_result(result, unused)) for result in results), NO_NOTE
    if calls is not None:
        said = _said_beside(content)
        return "function_call", f"{said}\n{call_text(calls)}" if said else call_text(calls), note
    if isinstance(content, str):
        return role, _with_media(content, media) if media else content, note
    if isinstance(content, list):
        return role, [*media, *read_parts(content, unused)], note
    if isinstance(content, dict) and role in ("function_call", "observation"):
        return role, json.dumps(content, ensure_ascii=False), note
    raise RowError("VL204", f"a turn of {role} holds {content!r:.60}; a text or a list of parts is needed.")


def _turn_media(turn: dict[str, Any], known: set[str]) -> list[Given]:
    """Return the media that a turn holds beside its text (GLM-4V and similar models), and add their keys to `known`."""
    media: list[Given] = []
    for kind, keys in _TURN_MEDIA:
        there = [key for key in keys if key not in known and turn.get(key) not in (None, "", [])]
        if len(there) > 1 and any(turn[key] != turn[there[0]] for key in there):
            raise RowError("VL205", f"a turn has media under {' and '.join(map(repr, there))}: which are meant?")
        known.update(there)
        media += [
            Given(kind, value["url"] if isinstance(value, dict) and value.get("url") else value) for value in _media_list(turn, there)
        ]
    return media


def _media_list(turn: dict[str, Any], keys: list[str]) -> list[Any]:
    return listed(turn[keys[0]]) if keys else []


def _with_media(text: str, media: list[Given]) -> list[str | Given]:
    """Put the media of a turn at its tags, or in front of a text without any.

    Raises:
        RowError: there are tags, but not as many.
    """
    pieces = re.split("(<image>|<video>)", text)
    tags = [piece for piece in pieces if piece in ("<image>", "<video>")]
    if not tags:
        return [*media, text]
    if [tag[1:-1] for tag in tags] != [given.kind for given in media]:
        raise RowError("VL006", f"a turn has {len(tags)} media tag{'' if len(tags) == 1 else 's'} and {len(media)} of its own media.")
    left = iter(media)
    return [next(left) if piece in ("<image>", "<video>") else piece for piece in pieces if piece]


def _thought_parts(content: list[Any], turn: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Take the thoughts out of a list of parts (Anthropic, OpenAI): they stand beside the text then."""
    thoughts = [part for part in content if isinstance(part, dict) and part.get("type") in ("thinking", "reasoning")]
    texts = [first_of(part, ("thinking", "reasoning", "text", "content")) for part in thoughts]
    if not texts or not all(isinstance(text, str) for text in texts):
        return content, turn
    rest = [part for part in content if part not in thoughts]
    return rest, {**turn, "thinking": "\n".join([*filter(None, [turn.get("thinking")]), *map(str, texts)])}


def _said_beside(content: Any) -> str:
    """What an assistant says beside its tool calls."""
    if isinstance(content, list):
        texts = [part.get("text") if isinstance(part, dict) else part for part in content]
        if not all(isinstance(text, str) for text in texts):
            raise RowError("VL204", "a turn holds tool calls beside parts that are no texts.")
        content = "".join(map(str, texts))
    if content is not None and not isinstance(content, str):
        raise RowError("VL204", f"a turn holds tool calls beside {content!r:.60}.")
    return (content or "").strip()


def _tool_result(result: dict[str, Any], unused: list[Unused]) -> Content:
    content = result.get("content")
    unused += [Unused(f"messages[].content[].{key}", result[key]) for key in result if key not in ("type", "tool_use_id", "content")]
    if isinstance(content, list):
        parts = read_parts(content, unused)
        if not all(isinstance(part, str) for part in parts):
            return parts
        content = "".join(part for part in parts if isinstance(part, str))
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
    unused: list[Unused] = []
    for round_ in first_of(row, names.turns):
        if not isinstance(round_, dict) or not isinstance(round_.get("human"), str) or not isinstance(round_.get("assistant"), str):
            raise RowError("VL204", f"a round is {round_!r:.80}; human and assistant texts are needed.")
        turns += [("user", round_["human"]), ("assistant", round_["assistant"])]
        unused += [Unused(f"conversation[].{key}", value) for key, value in round_.items() if key not in ("human", "assistant")]
    return talk_of(row, turns, names, unused=unused, leading=True)


def claims_texts(row: dict[str, Any], names: Names) -> bool:
    """Whether the row holds rounds under `texts` (the_cauldron, FineVision)."""
    rounds = row.get("texts")
    return (
        not names.closed
        and isinstance(rounds, list)
        and bool(rounds)
        and isinstance(rounds[0], dict)
        and {"user", "assistant"} <= rounds[0].keys()
    )


def read_texts(row: dict[str, Any], names: Names) -> Talk:
    """Read rounds of user and assistant; pictures stand in front of the first."""
    turns: list[tuple[Role, Content]] = []
    unused: list[Unused] = []
    for round_ in row["texts"]:
        if not isinstance(round_, dict) or not isinstance(round_.get("user"), str) or not isinstance(round_.get("assistant"), str):
            raise RowError("VL204", f"a round is {round_!r:.80}; user and assistant texts are needed.")
        turns += [("user", round_["user"]), ("assistant", round_["assistant"])]
        unused += [Unused(f"texts[].{key}", value) for key, value in round_.items() if key not in ("user", "assistant")]
    return talk_of(row, turns, names, unused=unused, leading=True)


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
