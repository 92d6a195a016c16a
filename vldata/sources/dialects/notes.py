"""What a turn says beside its text: the thought before an answer, and whether it is learned, under every name seen for them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from vldata.records.record import Role
from vldata.sources.errors import RowError

THOUGHT_KEYS = ("reasoning_content", "reasoning", "thinking", "thought")
# 1 and true: learned
LEARNED_KEYS = (
    *("loss", "train", "training", "train_on", "train_on_turn", "weight", "loss_weight", "loss_scale"),
    *("learn", "calculate_loss", "compute_loss"),
)
MASKED_KEYS = ("mask", "masked", "is_mask", "no_loss")  # 1 and true: not learned
ANSWERING: frozenset[str] = frozenset({"assistant", "function_call"})


class Note(NamedTuple):
    """The thought before an answer and whether it is learned; None where the turn says nothing."""

    thought: str | None = None
    loss: bool | None = None


Notes = dict[int, Note]  # by the number of the turn
NO_NOTE = Note()


def note_of(turn: dict[str, Any], role: Role, known: set[str], ignore: Collection[str]) -> Note:
    """Read the note of a turn, and add the keys it takes to `known`; what is no text or no yes or no is left to the census.

    Raises:
        RowError: two of its keys differ, a weight is neither 0 nor 1, or a turn that is not the model's is to be learned.
    """
    thought: str | None = None
    for key in THOUGHT_KEYS:
        value = turn.get(key)
        if type(value) is not str or key in ignore or (value and role not in ANSWERING):
            continue
        known.add(key)
        value = value.strip()
        if thought and value and thought != value:
            raise RowError("VL216", f"a turn has two thoughts, and they differ: {thought[:40]!r} and {value[:40]!r}.")
        thought = thought or value or None
    losses = {}
    for key in (*LEARNED_KEYS, *MASKED_KEYS):
        value = turn.get(key)
        if type(value) not in (bool, int, float) or key in ignore:
            continue
        if value not in (0, 1):
            raise RowError("VL215", f"'messages[].{key}' is {value!r}; a record says of a turn that it is learned or not, and weighs none.")
        known.add(key)
        losses[key] = bool(value) != (key in MASKED_KEYS)
    if len(set(losses.values())) > 1:
        raise RowError("VL216", f"a turn has {' and '.join(map(repr, losses))}, and they differ.")
    loss = next(iter(losses.values()), None)
    if role not in ANSWERING:
        if loss:
            raise RowError("VL215", f"a turn of {role} is to be learned ({next(iter(losses))!r}); only answers are.")
        return NO_NOTE
    return Note(thought, loss)
