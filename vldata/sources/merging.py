"""Turns of one speaker in a row, which are one turn in a record."""

from __future__ import annotations

import json

import msgspec

from vldata.records.draft import Mend, Turn
from vldata.records.tool_calls import BETWEEN_ANSWERS, ToolCallError, read_calls, split_call
from vldata.sources.dialects.notes import ANSWERING
from vldata.sources.errors import RowError

_CALL = "function_call"


def merged(turns: tuple[Turn, ...], mends: list[Mend]) -> tuple[Turn, ...]:
    """Merge turns of one speaker in a row, and drop an empty system turn; each is a mend.

    Several calls in a row, the answers to them, and what is said before a call are each one turn by the rules of records: no mend.
    """
    previous = ""
    for turn in turns:
        if turn.role == previous or (turn.role == "system" and turn.parts == ("",)) or (turn.role == _CALL and previous == "assistant"):
            break
        previous = turn.role
    else:
        return turns
    kept: list[Turn] = []
    for index, turn in enumerate(turns):
        if turn.role == "system" and not "".join(part for part in turn.parts if isinstance(part, str)).strip():
            mends.append(Mend("VL005", f"messages[{index}] (system) is empty.", "dropped an empty system turn"))
        elif kept and (joined := _one_call(kept[-1], turn)):
            kept[-1] = joined
        elif kept and kept[-1].role == turn.role:
            reason = f"messages[{index}] has role {turn.role!r} like the turn before it."
            mends.append(Mend("VL004", reason, f"merged messages[{index}] ({turn.role}) into the turn before it"))
            kept[-1] = _joined(kept[-1], turn, "\n")
        else:
            kept.append(turn)
    return tuple(kept)


def _one_call(before: Turn, turn: Turn) -> Turn | None:
    """Join what is one turn in a record: the answers to several calls, several calls, and a text with the calls behind it."""
    if before.role == turn.role == "observation":
        return _joined(before, turn, BETWEEN_ANSWERS)
    if turn.role != _CALL or before.role not in ("assistant", _CALL):
        return None
    if before.role == _CALL:
        texts = ["".join(part for part in one.parts if isinstance(part, str)) for one in (before, turn)]
        try:
            calls = [call for text in texts for call in read_calls(text)]
        except ToolCallError as error:
            raise RowError("VL028", f"a function call {error}.") from None
        said = "\n".join(filter(None, (split_call(text)[0] for text in texts)))
        written = json.dumps(calls, ensure_ascii=False)
        return msgspec.structs.replace(_joined(before, turn, ""), parts=(f"{said}\n{written}" if said else written,))
    empty = not "".join(part for part in before.parts if isinstance(part, str)).strip()
    joined = _joined(before, turn, "\n")
    return msgspec.structs.replace(joined, role=turn.role, parts=turn.parts if empty else joined.parts)


def _joined(before: Turn, turn: Turn, sign: str) -> Turn:
    """Join two turns into one.

    Raises:
        RowError: one of them is learned and the other is not, or both have a thought.
    """
    learned = {True if one.loss is None else one.loss for one in (before, turn)}
    if len(learned) > 1 and turn.role in ANSWERING:
        raise RowError("VL219", f"two turns of {turn.role} in a row are one in a record, and only one of them is to be learned.")
    if before.reasoning and turn.reasoning:
        raise RowError("VL219", f"two turns of {turn.role} in a row are one in a record, and each has a thought.")
    return Turn(
        before.role,
        (*before.parts, *((sign,) if sign else ()), *turn.parts),
        before.reasoning or turn.reasoning,
        before.loss if before.loss is not None else turn.loss,
    )
