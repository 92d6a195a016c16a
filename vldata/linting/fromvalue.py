"""Conversations of `from` and `value` as LLaVA, InternVL and Qwen's own scripts read them: what their judges share."""

from __future__ import annotations

from typing import Any, NamedTuple

from vldata.linting.filejudge import FileJudge, media_list
from vldata.linting.outcomes import RowFinding

USED = frozenset({"image", "video"})


class FromValueTalk(NamedTuple):
    """The turns of a row: who speaks and what; and its media."""

    turns: list[tuple[str, str]]
    images: list[Any]
    videos: list[Any]

    def texts(self) -> list[str]:
        """The texts of all turns."""
        return [text for _, text in self.turns]

    def count(self, tag: str, *speakers: str) -> int:
        """How often a tag stands in the turns of some speakers; of all, where none is named."""
        return sum(text.count(tag) for speaker, text in self.turns if not speakers or speaker in speakers)


class FromValueJudge(FileJudge):
    """A base for judges of such rows. 10 no conversation, 11 an unknown speaker, 12 a turn without text, 20 tags and media, 51 blank."""

    known = frozenset({"human", "gpt"})
    talk = ("conversations", ("from", "value"), "human", "gpt")

    def knows(self, speaker: Any) -> bool:
        """Whether the trainer knows a speaker."""
        return type(speaker) is str and speaker in self.known

    def read(self, row: dict[str, Any]) -> FromValueTalk | RowFinding:
        """Read the turns of a row, or say why it has none."""
        turns = row.get("conversations")
        if type(turns) is not list or not turns or not all(type(turn) is dict for turn in turns):
            has = "messages" if "messages" in row else ", ".join(map(repr, list(row)[:8]))
            return self.found("10", f"the row has {has}" if turns is None else f"{turns!r:.60}")
        read = []
        for turn in turns:
            speaker, text = turn.get("from"), turn.get("value")
            if "from" not in turn or "value" not in turn:
                return self.found("10", f"a turn with {', '.join(map(repr, turn))}")
            if type(text) is not str:
                return self.found("12", f"{text!r:.60}")
            if not self.knows(speaker):
                return self.found("11", f"a turn of {speaker!r}")
            read.append((str(speaker), text))
        return FromValueTalk(read, media_list(row.get("image")), media_list(row.get("video")))

    def blank(self, talk: FromValueTalk) -> list[RowFinding]:
        """Return that nothing is answered, where nothing is."""
        return [] if any(text.strip() for speaker, text in talk.turns if speaker == "gpt") else [self.found("51")]
