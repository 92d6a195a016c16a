"""Dialects of conversation files: one reader each, from a row to a `Talk`; the table says in which order they are tried.

A new dialect is one function pair and one line here: `claims(row, names)` looks at keys alone, `read(row, names)` reads or raises RowError.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from vldata.sources.dialects import answers, fields, messages
from vldata.sources.dialects.answers import part_keys
from vldata.sources.dialects.folded import unfolded
from vldata.sources.dialects.names import Names
from vldata.sources.dialects.talk import Talk

__all__ = ["DIALECTS", "Dialect", "dialect_keys", "find_dialect", "part_keys", "read_row"]

Fields = dict[str, Any]


class Dialect(NamedTuple):
    """How rows of one kind are known and read. `said` names the form for the user."""

    said: str
    claims: Callable[[Fields, Names], bool]
    read: Callable[[Fields, Names], Talk]
    keys: frozenset[str] = frozenset()  # that it reads beside those of Names
    alternatives: tuple[tuple[str, ...], ...] = ()  # keys of which it reads the first that is there


DIALECTS: dict[str, Dialect] = {
    "messages": Dialect("turns with a role each", messages.claims_messages, messages.read_messages, frozenset({"objects"})),
    "pairs": Dialect("a prompt with a chosen and a rejected answer (TRL, LLaMA-Factory)", answers.claims_pair, answers.read_pair),
    "rounds": Dialect("rounds of a human and an assistant text", messages.claims_rounds, messages.read_rounds),
    "texts": Dialect("rounds under texts (the_cauldron, FineVision)", messages.claims_texts, messages.read_texts, frozenset({"texts"})),
    "completion": Dialect("prompt and completion (TRL)", fields.claims_completion, fields.read_completion, fields.COMPLETION_KEYS),
    "marked": Dialect("one text with [[role]] marks (Data-Juicer)", messages.claims_marked, messages.read_marked, frozenset({"text"})),
    "prompts": Dialect("a prompt and its solution (GRPO)", answers.claims_prompt, answers.read_prompt),
    "parts": Dialect(
        "a list of parts and an answer (VLMEvalKit)", fields.claims_parts, fields.read_parts_row, alternatives=fields.PARTS_KEYS
    ),
    "fields": Dialect("question, answer and history in fields (alpaca, swift)", fields.claims_fields, fields.read_fields),
}


def dialect_keys() -> frozenset[str]:
    """Return the keys that any dialect reads beside those of Names."""
    return frozenset().union(*(dialect.keys for dialect in DIALECTS.values()), *fields.PARTS_KEYS)


def read_row(dialect: Dialect, row: Fields, names: Names, keys: frozenset[str]) -> Talk:
    """Read a row, with what it has beside its turns and what their texts hold. `keys` are the `part_keys` of the names.

    Raises:
        RowError: it cannot be read.
    """
    talk = dialect.read(row, names)
    if not keys.isdisjoint(row):
        talk = answers.with_parts(row, talk, names)
    return unfolded(talk) if names.marked else talk


def find_dialect(row: Fields, names: Names) -> Dialect | None:
    """Return the first dialect that claims a row."""
    return next((dialect for dialect in DIALECTS.values() if dialect.claims(row, names)), None)
