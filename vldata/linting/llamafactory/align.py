"""A row as LLaMA-Factory aligns it (0.9.5, data/converter.py): the turns that are asked and answered, or why there are none."""

from __future__ import annotations

from typing import Any, NamedTuple

from vldata.linting.llamafactory.entry import RegistryEntry
from vldata.linting.outcomes import RowFinding

Turn = tuple[str, Any]  # role (user, assistant, observation, function) and content


class Aligned(NamedTuple):
    """What is left of a row: prompt, answers (two of a pair), system and tools; `found` holds what befell it on the way."""

    prompt: list[Turn]
    response: list[Turn]
    system: Any = ""
    tools: Any = ""
    found: tuple[RowFinding, ...] = ()


Verdict = Aligned | RowFinding


class Aligner:
    """Aligns the rows of one entry."""

    def __init__(self, entry: RegistryEntry) -> None:
        self._entry = entry
        columns, tags = entry.columns, entry.tags
        self._messages, self._system, self._tools = columns["messages"], columns["system"], columns["tools"]
        self._role, self._content, self._system_tag = tags["role_tag"], tags["content_tag"], tags["system_tag"]
        self._asks = (tags["user_tag"], tags["observation_tag"])
        self._answers = (tags["assistant_tag"], tags["function_tag"])
        self._names = {
            tags["user_tag"]: "user",
            tags["assistant_tag"]: "assistant",
            tags["observation_tag"]: "observation",
            tags["function_tag"]: "function",
            tags["system_tag"]: "system",
        }
        self.align = self._alpaca if entry.formatting == "alpaca" else self._talk

    def _talk(self, row: dict[str, Any]) -> Verdict:
        messages = row.get(self._messages)
        if type(messages) is not list or not all(type(turn) is dict for turn in messages):
            return _no_list(messages, "" if self._messages in row else f": the row has no {self._messages!r}")
        role_key, content_key, names = self._role, self._content, self._names
        start = 0
        system = row.get(self._system) if self._system else ""
        if self._system_tag and messages and messages[0].get(role_key) == self._system_tag:
            system, start = messages[0].get(content_key), 1
        turns: list[Turn] = []
        accepted = (self._asks, self._answers)
        for place, turn in enumerate(messages[start:] if start else messages):
            role = turn.get(role_key)
            if role not in accepted[place % 2]:
                return self._wrong_role(role, place + start)
            turns.append((names[role], turn.get(content_key)))
        if (len(turns) % 2 == 0) == self._entry.ranking:
            what = f"{len(turns)} turns" if turns else "no turns"
            return RowFinding("LF31" if turns else "LF33", what)
        return self._answer(row, turns, system, row.get(self._tools) if self._tools else "")

    def _answer(self, row: dict[str, Any], turns: list[Turn], system: Any, tools: Any) -> Verdict:
        columns = self._entry.columns
        label = row.get(columns["kto_tag"]) if columns["kto_tag"] else None
        if type(label) is bool:
            other: Turn = ("assistant", "")
            pair = [*turns[-1:], other] if label else [other, *turns[-1:]]
            return Aligned(turns[:-1], pair, system, tools)
        if self._entry.ranking:
            chosen, rejected = row.get(columns["chosen"]), row.get(columns["rejected"])
            if type(chosen) is dict and type(rejected) is dict:
                found = []
                for part in (chosen, rejected):
                    role = part.get(self._role)
                    if type(role) not in (str, type(None)) or role not in self._names:
                        return RowFinding("LF42", f"KeyError: {role!r}")
                    if role not in self._answers:
                        found.append(RowFinding("LF56", f"chosen or rejected is a turn of {role!r}"))
                pair = [(self._names[part.get(self._role)], part.get(self._content)) for part in (chosen, rejected)]
                return Aligned(turns, pair, system, tools, tuple(found))
        if not turns:
            return RowFinding("LF33", "no turns")
        return Aligned(turns[:-1], turns[-1:], system, tools)

    def _wrong_role(self, role: Any, place: int) -> RowFinding:
        if type(role) not in (str, type(None)) or role not in self._names:
            known = ", ".join(repr(name) for name in self._names if name is not None)
            return RowFinding("LF32", f"turn {place} is of {role!r}; the entry knows {known}")
        return RowFinding("LF30", f"turn {place} is of {role!r}")

    def _alpaca(self, row: dict[str, Any]) -> Verdict:
        columns = self._entry.columns
        turns: list[Turn] = []
        history = row.get(columns["history"]) if columns["history"] else None
        if type(history) is list:
            for pair in history:
                if type(pair) is not list or len(pair) != 2:
                    return RowFinding("LF40", f"{pair!r:.60}")
                turns += [("user", pair[0]), ("assistant", pair[1])]
        pieces = [row.get(columns[name]) for name in ("prompt", "query") if columns[name]]
        query = [piece for piece in pieces if piece]
        for piece in query:
            if type(piece) is not str:
                return RowFinding("LF41", f"{piece!r:.60}")
        turns.append(("user", "\n".join(query)))
        system, tools = (row.get(columns[name]) if columns[name] else "" for name in ("system", "tools"))
        answer = row.get(columns["response"]) if columns["response"] else None
        label = row.get(columns["kto_tag"]) if columns["kto_tag"] else None
        if type(label) is bool:
            pair_ = [("assistant", answer), ("assistant", "")]
            return Aligned(turns, pair_ if label else pair_[::-1], system, tools)
        if self._entry.ranking:
            chosen, rejected = row.get(columns["chosen"]), row.get(columns["rejected"])
            if type(chosen) is str and type(rejected) is str:
                return Aligned(turns, [("assistant", chosen), ("assistant", rejected)], system, tools)
        if columns["response"] and type(answer) is str:
            return Aligned(turns, [("assistant", answer)], system, tools)
        what = f"the answer is {answer!r:.60}"
        if answer is None and columns["response"] not in row:
            what = f"no column {columns['response'] or 'response'!r}; the row has {', '.join(map(repr, list(row)[:8]))}"
        return RowFinding("LF35" if self._entry.ranking else "LF34", what)


def _no_list(messages: Any, why: str) -> RowFinding:
    if type(messages) is list:
        return RowFinding("LF36", "TypeError: string indices must be integers, not 'str'")
    if messages is None:
        return RowFinding("LF36", f"TypeError: object of type 'NoneType' has no len(){why}")
    if type(messages) is str:
        return RowFinding("LF36", "TypeError: string indices must be integers, not 'str'") if messages else RowFinding("LF33", "no turns")
    if type(messages) is dict:
        return RowFinding("LF36", "KeyError: 0")
    return RowFinding("LF36", f"TypeError: object of type {type(messages).__name__!r} has no len()")
