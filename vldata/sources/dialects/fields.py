"""Question and answer in fields of the row: alpaca, ms-swift, Data-Juicer's post-tuning form, TRL, VLMEvalKit.

Rows look like these:

{"instruction": "What is this?", "input": "", "output": "A cat.", "images": ["a.jpg"], "history": [["q", "a"]]}
{"query": "What is this?", "response": "A cat.", "history": [], "images": ["a.jpg"]}
{"prompt": "What is this?", "completion": "A cat.", "images": ["a.jpg"]}
{"message": [{"type": "image", "value": "a.jpg"}, {"type": "text", "value": "What is this?"}], "answer": "A cat."}
"""

from __future__ import annotations

from typing import Any

from vldata.records.record import Role
from vldata.sources.census import Unused
from vldata.sources.dialects.messages import first_of, read_turns, talk_of
from vldata.sources.dialects.names import Names
from vldata.sources.dialects.parts import is_parts, read_parts
from vldata.sources.dialects.talk import Content, Talk
from vldata.sources.errors import RowError

COMPLETION_KEYS = frozenset({"prompt", "completion"})
_PART_LISTS = ("message", "messages", "prompt", "question", "struct")
_ANSWERS = ("answer", "response", "output", "target", "label")
PARTS_KEYS = (_PART_LISTS, _ANSWERS)


def claims_completion(row: dict[str, Any], names: Names) -> bool:
    """Whether the row is TRL's prompt and completion."""
    return not names.closed and row.get("prompt") is not None and row.get("completion") is not None


def read_completion(row: dict[str, Any], names: Names) -> Talk:
    """Read prompt and completion, each a text or turns. Texts have no tags: pictures stand in front, as TRL puts them."""
    prompt, completion = row["prompt"], row["completion"]
    if isinstance(prompt, str) and isinstance(completion, str):
        return talk_of(row, [("user", prompt), ("assistant", completion)], names, leading=True)
    if not isinstance(prompt, list) or not isinstance(completion, list):
        raise RowError("VL204", "prompt and completion must both be texts or both lists of turns.")
    unused: list[Unused] = []
    turns, notes = read_turns([*prompt, *completion], names, unused)
    return talk_of(row, turns, names, unused=unused, leading=True, notes=notes)


def claims_parts(row: dict[str, Any], names: Names) -> bool:
    """Whether the row holds one list of parts and an answer."""
    return not names.closed and any(is_parts(row.get(key)) for key in _PART_LISTS)


def read_parts_row(row: dict[str, Any], names: Names) -> Talk:
    """Read a list of parts as the question."""
    parts = next(row[key] for key in _PART_LISTS if is_parts(row.get(key)))
    answer = first_of(row, _ANSWERS)
    if not isinstance(answer, str):
        raise RowError("VL201", f"the answer is {answer!r:.60}; a text is needed.")
    unused: list[Unused] = []
    return talk_of(row, [("user", read_parts(parts, unused)), ("assistant", answer)], names, unused=unused)


def claims_fields(row: dict[str, Any], names: Names) -> bool:
    """Whether the row has a question field and an answer field."""
    return first_of(row, names.response) is not None and first_of(row, (*names.prompt, *names.query)) is not None


def read_fields(row: dict[str, Any], names: Names) -> Talk:
    """Read instruction, input, output and history; instruction and input are joined by a line break, as LLaMA-Factory does."""
    texts = [value for value in (first_of(row, names.prompt), first_of(row, names.query)) if value not in (None, "")]
    answer = first_of(row, names.response)
    if not texts or not all(isinstance(text, str) for text in (*texts, answer)):
        raise RowError("VL201", f"question and answer are {texts!r:.60} and {answer!r:.60}; texts are needed.")
    turns: list[tuple[Role, Content]] = []
    for pair in first_of(row, names.history) or []:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            raise RowError("VL204", f"the history holds {pair!r:.80}; pairs of texts are needed.")
        turns += [("user", pair[0]), ("assistant", pair[1])]
    turns += [("user", "\n".join(texts)), ("assistant", answer)]
    leading = any(row.get(key) is not None for key in ("query", "response"))  # ms-swift's form needs no tags
    return talk_of(row, turns, names, leading=leading)
