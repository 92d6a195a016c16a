"""Thoughts and tool calls that stand in the text of an answer, as Qwen's templates write them: taken apart into what they are.

`<think>I see fur.</think>A cat.` is an answer with a thought, `<tool_call>{"name": ...}</tool_call>` a call, and a turn of the user that
is one `<tool_response>` the answer of a tool. Text that is no thought or call by these rules stays text.
"""

from __future__ import annotations

import json
import re
from typing import Any

from vldata.files import strictjson
from vldata.records.record import Role
from vldata.records.thoughts import split_thought
from vldata.records.tool_calls import BETWEEN_ANSWERS
from vldata.sources.dialects.notes import ANSWERING, NO_NOTE, Note
from vldata.sources.dialects.talk import Content, Talk
from vldata.sources.errors import RowError

MARKS = ("/think", "/thought", "/reasoning", "/THINK", "tool_call>", "tool_response>")  # any of them, or a text holds none
_CALLS = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)
_ANSWER = re.compile(r"\s*<tool_response>\n?(.*?)\n?</tool_response>\s*", re.DOTALL)
CALLS_IN_TEXT = ("<tool_call> in the text of an answer", "read as a tool call")
THOUGHT_IN_TEXT = ("a thought within an answer, not in front of it", "left in the text")


def unfolded(talk: Talk) -> Talk:
    """Take apart what the texts of a talk hold.

    Raises:
        RowError: an answer has a thought in its text and another one beside it.
    """
    turns: list[tuple[Role, Content]] = []
    notes = dict(talk.notes)
    changed: dict[tuple[str, str], None] = dict.fromkeys(talk.changed)
    for place, (role, content) in enumerate(talk.turns):
        if role in ANSWERING:
            role, content, note = _answer_of(role, content, notes.get(place, NO_NOTE), changed)
            if note is not NO_NOTE:
                notes[place] = note
        elif isinstance(content, str) and _may_be_answer(role, turns) and (answers := _answers_in(content)):
            role, content = "observation", BETWEEN_ANSWERS.join(answers)
        turns.append((role, content))
    rejected = talk.rejected
    if rejected is not None:
        role, content, note = _answer_of(rejected.role, rejected.content, rejected.note, changed)
        rejected = rejected._replace(role=role, content=content, note=note)
    return talk._replace(turns=turns, notes=notes, rejected=rejected, changed=tuple(changed))


def _may_be_answer(role: Role, before: list[tuple[Role, Content]]) -> bool:
    return role == "observation" or (role == "user" and bool(before) and before[-1][0] == "function_call")


def _answer_of(role: Role, content: Content, note: Note, changed: dict[tuple[str, str], None]) -> tuple[Role, Content, Note]:
    text = content if isinstance(content, str) else "".join(content) if all(isinstance(part, str) for part in content) else None  # type: ignore[arg-type]
    if text is None:
        return role, content, note
    if "/" in text and (split := split_thought(text)) is not None:
        thought, text = split
        if note.thought and thought and note.thought != thought:
            raise RowError("VL216", f"an answer has a thought in its text and another beside it: {thought[:40]!r}, {note.thought[:40]!r}.")
        content, note = text, note._replace(thought=note.thought or thought)
    elif "think>" in text:
        changed[THOUGHT_IN_TEXT] = None
    if "<tool_call>" in text and (calls := _calls_in(text)):
        changed[CALLS_IN_TEXT] = None
        return "function_call", calls, note
    return role, content, note


def _calls_in(text: str) -> str:
    """Return the calls of a text behind what is said before them, "" where one of them is no call or something stands behind it."""
    found = list(_CALLS.finditer(text))
    calls: list[Any] = []
    for match in found:
        try:
            call = strictjson.loads(match.group(1))
        except strictjson.StrictJsonError:
            return ""
        for one in call if isinstance(call, list) else [call]:
            if not (isinstance(one, dict) and isinstance(one.get("name"), str) and "arguments" in one):
                return ""
            calls.append({"name": one["name"], "arguments": one["arguments"]})
    if not found or _CALLS.sub("", text[found[0].start() :]).strip():
        return ""
    said = text[: found[0].start()].strip()
    written = json.dumps(calls[0] if len(calls) == 1 else calls, ensure_ascii=False)
    return f"{said}\n{written}" if said else written


def _answers_in(text: str) -> list[str]:
    """Return the tool answers that a turn consists of; none where it holds anything else."""
    answers = [match.group(1) for match in _ANSWER.finditer(text)]
    return [] if _ANSWER.sub("", text) else answers
