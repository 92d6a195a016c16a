"""Thoughts and rejected answers on their way through the assembling of a conversation: they are texts as any turn is."""

from __future__ import annotations

import msgspec

from vldata.records.draft import Turn
from vldata.records.record import Role
from vldata.sources.dialects.talk import Content, Talk


class Beside:
    """Thoughts and the rejected answer of a talk as further turns, so that boxes in them move as they do in any text."""

    def __init__(self, talk: Talk, count: int) -> None:
        self._count = count
        self._notes = {place + count - len(talk.turns): note for place, note in talk.notes.items()}  # a system turn may stand before
        self._rejected = talk.rejected
        self._thoughts = [place for place, note in self._notes.items() if note.thought is not None]
        self.turns: list[tuple[Role, Content]] = [("assistant", self._notes[place].thought or "") for place in self._thoughts]
        if talk.rejected is not None:
            self.turns += [("assistant", talk.rejected.content), ("assistant", talk.rejected.note.thought or "")]

    def fold(self, built: tuple[Turn, ...]) -> tuple[tuple[Turn, ...], Turn | None]:
        """Return the turns with their thoughts, and the rejected answer."""
        turns = list(built[: self._count])
        rest = iter(built[self._count :])
        for place, note in self._notes.items():
            turns[place] = Turn(turns[place].role, turns[place].parts, loss=note.loss)
        for place in self._thoughts:
            turns[place] = msgspec.structs.replace(turns[place], reasoning=next(rest).parts)
        if self._rejected is None:
            return tuple(turns), None
        answer, thought = next(rest), next(rest)
        role, note = self._rejected.role, self._rejected.note
        return tuple(turns), Turn(role, answer.parts, None if note.thought is None else thought.parts, note.loss)
