"""Turns of text alone that break no rule: most of what people convert, told in one step.

Whatever is in doubt is left to the whole rule book, which can say what is wrong; a property test holds both to the same verdict.
"""

from __future__ import annotations

from collections.abc import Iterable

from vldata.records.control_tokens import find_control_token
from vldata.records.record import Message, Role

_NEXT: dict[str, Role] = {"user": "assistant", "assistant": "user"}


def plain_bytes(messages: Iterable[Message]) -> int:
    """UTF-8 bytes of turns of text alone that break no rule; 0 where the whole rule book must decide."""
    wanted = "user"
    role, total = "", 0
    for message in messages:
        role, content = message.role, message.content
        if not content or content.isspace() or ("<" in content and find_control_token(content)):
            return 0
        if role == wanted:
            wanted = _NEXT[role]
        elif role != "system" or total:
            return 0
        total += len(content) if content.isascii() else len(content.encode("utf-8", "surrogatepass"))
    return total if wanted == "user" and role == "assistant" else 0
