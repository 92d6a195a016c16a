"""Preference pairs, answers that are wanted or not, and prompts with a solution: what rows hold beside, or instead of, one answer.

Rows look like these:

{"conversations": [{"from": "human", "value": "What?"}], "chosen": {"from": "gpt", "value": "A cat."}, "rejected": {"from": ...}}
{"prompt": [{"role": "user", ...}], "chosen": [{"role": "assistant", ...}], "rejected": [...]}, and all of these as plain texts
{"messages": [..., {"role": "assistant", "content": "A cat."}], "rejected_response": "A dog."}
{"prompt": "What?", "completion": "A cat.", "label": true}, and `kto_tag` or `label` beside any conversation
{"problem": "How many?", "solution": "<answer> 3 </answer>"}, and `solution` beside turns that end with the user's
"""

from __future__ import annotations

from typing import Any

from vldata.records.record import Role
from vldata.sources.census import Unused
from vldata.sources.dialects.messages import first_of, read_turns, talk_of
from vldata.sources.dialects.names import Names
from vldata.sources.dialects.notes import ANSWERING, NO_NOTE, THOUGHT_KEYS, Note, Notes
from vldata.sources.dialects.parts import is_parts
from vldata.sources.dialects.talk import Content, Rejected, Talk
from vldata.sources.errors import RowError
from vldata.sources.listcells import list_of_text

QUESTIONS = ("prompt", "question", "problem")
_ANSWERS = ("completion", "choices", "options", "messages", "conversations")
_TOLD = ("answer", "answers", "gt_answer", "original_answer")
_VERL = "reward_model"
PART_KEYS = frozenset({*Names().chosen, *Names().rejected, *Names().wanted, *Names().solution, *THOUGHT_KEYS, _VERL})

Said = list[tuple[Role, Content, Note]]


def part_keys(names: Names) -> frozenset[str]:
    """The fields of a row that may hold a part beside its turns."""
    own = {*names.chosen, *names.rejected, *names.wanted, *names.solution}
    return frozenset(own | ({*THOUGHT_KEYS} if names.closed else PART_KEYS)) - names.ignore


# --- rows without an answer of their own ----------------------------------------------------------------------------------------------


def claims_pair(row: dict[str, Any], names: Names) -> bool:
    """Whether the row is a preference pair without a list of turns."""
    pair = first_of(row, names.chosen) is not None and first_of(row, names.rejected) is not None
    return pair and first_of(row, names.turns) is None


def read_pair(row: dict[str, Any], names: Names) -> Talk:
    """Read the prompt of a pair, which may be in its answers; `with_parts` reads those."""
    unused: list[Unused] = []
    turns, notes, leading, used = _prompt(row, names, unused)
    return talk_of(row, turns, names, unused=unused, leading=leading, notes=notes)._replace(used=used)


def claims_prompt(row: dict[str, Any], names: Names) -> bool:
    """Whether the row is a prompt with a solution, or with verl's ground truth."""
    if _solution(row, names) is None or any(row.get(key) is not None for key in (*_ANSWERS, *names.response)):
        return False
    return any(isinstance(row.get(key), str | list) and row[key] for key in (*QUESTIONS, *names.prompt, *names.query))


def read_prompt(row: dict[str, Any], names: Names) -> Talk:
    """Read a prompt that has a solution instead of an answer."""
    unused: list[Unused] = []
    turns, notes, leading, used = _prompt(row, names, unused)
    told = next((key for key in _TOLD if isinstance(row.get(key), str | int | float | list) and row[key] not in ("", [])), "")
    answers = row[told] if told and isinstance(row[told], list) else [row[told]] if told else []
    if not all(isinstance(answer, str | int | float) for answer in answers):
        told, answers = "", []
    talk = talk_of(row, turns, names, unused=unused, leading=leading, notes=notes)
    return talk._replace(used=used | ({told} if told else set()), answers=tuple(map(str, answers)))


def _prompt(row: dict[str, Any], names: Names, unused: list[Unused]) -> tuple[list[tuple[Role, Content]], Notes, bool, frozenset[str]]:
    """Read the prompt of a row: turns, their notes, whether media stand in front of it, and the fields it was in."""
    keys = [key for key in (*(QUESTIONS if not names.closed else ()), *names.prompt, *names.query) if row.get(key) not in (None, "", [])]
    turns: list[tuple[Role, Content]] = []
    for pair in first_of(row, names.history) or []:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            raise RowError("VL204", f"the history holds {pair!r:.80}; pairs of texts are needed.")
        turns += [("user", pair[0]), ("assistant", pair[1])]
    lists = [key for key in keys if isinstance(row[key], list)]
    if lists:
        if len(keys) > 1:
            raise RowError("VL216", f"{' and '.join(map(repr, keys))} are both there; which is the prompt?")
        given = [{"role": "user", "content": row[lists[0]]}] if is_parts(row[lists[0]]) else row[lists[0]]
        read, notes = read_turns(given, names, unused)
        return [*turns, *read], {number + len(turns): note for number, note in notes.items()}, False, frozenset(keys)
    if not all(isinstance(row[key], str) for key in keys):
        raise RowError("VL201", f"the prompt is {[row[key] for key in keys]!r:.60}; a text or turns are needed.")
    asked = [key for key in keys if key in QUESTIONS]
    if len({row[key] for key in asked}) > 1:
        raise RowError("VL216", f"{' and '.join(map(repr, asked))} are both there and differ.")
    if keys:
        turns.append(("user", "\n".join(dict.fromkeys(row[key] for key in keys))))
    return turns, {}, not names.closed, frozenset({*keys, *(key for key in names.history if key in row)})


# --- what stands beside the turns -----------------------------------------------------------------------------------------------------


def with_parts(row: dict[str, Any], talk: Talk, names: Names) -> Talk:
    """Add the parts that a row has beside its turns.

    Raises:
        RowError: they cannot be read, or contradict the turns.
    """
    unused = list(talk.unused)
    talk = _with_pair(row, talk, names, unused)
    if talk.unused != tuple(unused):
        talk = talk._replace(unused=tuple(unused))
    talk = _with_thought(row, talk, names)
    answered = bool(talk.turns) and talk.turns[-1][0] in ANSWERING
    tag = next((key for key in names.wanted if type(row.get(key)) is bool and key not in names.ignore), "")
    if tag and answered and talk.rejected is None:
        talk = talk._replace(wanted=row[tag], used=talk.used | {tag})
    found = _solution(row, names)
    if found is not None and talk.turns and not answered:
        key, solution = found
        talk = talk._replace(solution=solution, used=talk.used | {key})
    return talk


def _solution(row: dict[str, Any], names: Names) -> tuple[str, str] | None:
    """Return the solution of a row and the field it is in."""
    for key in names.solution:
        value = row.get(key)
        if key not in names.ignore and type(value) in (str, int, float) and value != "":
            return key, str(value)
    truth = row.get(_VERL)
    if isinstance(truth, dict) and not names.closed and _VERL not in names.ignore and type(truth.get("ground_truth")) in (str, int, float):
        return _VERL, str(truth["ground_truth"])
    return None


def _with_thought(row: dict[str, Any], talk: Talk, names: Names) -> Talk:
    """Give the one answer of a row the thought that stands in a field beside it."""
    keys = [key for key in THOUGHT_KEYS if isinstance(row.get(key), str) and key not in names.ignore and key not in talk.used]
    places = [place for place, (role, _) in enumerate(talk.turns) if role in ANSWERING]
    if len(keys) != 1 or len(places) != 1 or talk.rejected is not None:
        return talk
    note = talk.notes.get(places[0], NO_NOTE)
    if note.thought:
        raise RowError("VL216", f"the row has {keys[0]!r}, and its answer a thought of its own.")
    notes = {**talk.notes, places[0]: note._replace(thought=row[keys[0]].strip())}
    return talk._replace(notes=notes, used=talk.used | {keys[0]})


def _with_pair(row: dict[str, Any], talk: Talk, names: Names, unused: list[Unused]) -> Talk:
    """Add the chosen and the rejected answer of a row, each a text, a turn or a whole conversation."""
    fields = [_field(row, keys, names) for keys in (names.chosen, names.rejected)]
    if not fields[1]:
        return talk  # a chosen answer alone is left to the census
    if any(
        isinstance(row[field], str) and row[field].lstrip().startswith("Human:") and "Assistant:" in row[field] for field in fields if field
    ):
        raise RowError(
            "VL004", "the answers are whole conversations in one text, as HH-RLHF writes them ('Human: ... Assistant: ...'); write turns."
        )
    chosen, rejected = (_said(row[field], names, unused) if field else [] for field in fields)
    used = talk.used | {field for field in fields if field}
    before: Said = [(role, content, talk.notes.get(place, NO_NOTE)) for place, (role, content) in enumerate(talk.turns)]
    if not chosen:
        if not before or before[-1][0] not in ANSWERING:
            raise RowError("VL219", "the row has a rejected answer, but none that is preferred to it.")
        before, chosen = before[:-1], before[-1:]
    elif before and before[-1][0] in ANSWERING:
        if not _ends_with(before, chosen):
            raise RowError("VL216", "the last turn and the chosen answer are both there and differ.")
        before = before[:-1] if len(chosen) == 1 else []
    whole, other = _whole(before, chosen), _whole(before, rejected)
    same = next((place for place, (one, two) in enumerate(zip(whole, other, strict=False)) if one != two), min(len(whole), len(other)))
    if same == len(whole) == len(other):
        raise RowError("VL016", "the rejected answer is the chosen one.")
    if len(whole) - same != 1 or len(other) - same != 1 or whole[-1][0] not in ANSWERING:
        what = "the chosen and the rejected conversation part before their last answer"
        raise RowError("VL219", f"{what}; a record holds one rejected answer.")
    return talk._replace(
        turns=[(role, content) for role, content, _ in whole],
        notes={place: note for place, (_, _, note) in enumerate(whole) if note is not NO_NOTE},
        rejected=Rejected(*other[-1]),
        used=used,
    )


def _field(row: dict[str, Any], keys: tuple[str, ...], names: Names) -> str:
    """Return the one of the keys under which a row has something, "" for none."""
    there = [key for key in keys if row.get(key) not in (None, "", [], {}) and key not in names.ignore]
    if len(there) > 1:
        raise RowError("VL216", f"{' and '.join(map(repr, there))} are both there; which is meant?")
    return there[0] if there else ""


def _said(value: Any, names: Names, unused: list[Unused]) -> Said:
    """Read an answer: a text, a turn, or turns."""
    if isinstance(value, str):
        listed = list_of_text(value) if value.startswith("[{") else value
        value = listed if isinstance(listed, list) else value
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        value = value[0]
    if isinstance(value, str):
        return [("assistant", value, NO_NOTE)]
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        raise RowError("VL219", f"the row has {len(value)} rejected answers; a record holds one.")
    if is_parts(value):
        value = {names.role[0]: next(word for word, role in names.roles.items() if role == "assistant"), names.content[0]: value}
    turns, notes = read_turns([value] if isinstance(value, dict) else value, names, unused)
    return [(role, content, notes.get(place, NO_NOTE)) for place, (role, content) in enumerate(turns)]


def _whole(before: Said, answer: Said) -> Said:
    """Put an answer behind its prompt; one that is a whole conversation must begin with it.

    Raises:
        RowError: it does not.
    """
    if answer[0][0] in ANSWERING:
        return [*before, *answer]
    asked = [turn for turn in before if turn[0] != "system"]
    shown = [turn for turn in answer if turn[0] != "system"]
    if asked and shown[: len(asked)] != asked:
        raise RowError("VL216", "the prompt is not how the chosen and the rejected conversation begin.")
    return answer if answer[0][0] == "system" else [*(turn for turn in before if turn[0] == "system"), *answer]


def _ends_with(before: Said, chosen: Said) -> bool:
    """Whether a conversation is the chosen one, or ends with the chosen answer."""
    return (
        before[-1] == chosen[-1]
        if len(chosen) == 1
        else [turn for turn in before if turn[0] != "system"] == [turn for turn in chosen if turn[0] != "system"]
    )
