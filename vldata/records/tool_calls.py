"""What a function_call turn holds: JSON of one call or several, each a name and its arguments, as LLaMA-Factory reads it."""

from __future__ import annotations

from typing import Any

from vldata.files import strictjson


class ToolCallError(ValueError):
    """A text that holds no call; the message continues "it ..."."""


def read_calls(content: str) -> list[dict[str, Any]]:
    """Read the calls of a turn.

    Raises:
        ToolCallError: it is not JSON, or not an object (or a list of them) with a name and arguments.
    """
    try:
        value = strictjson.loads(content)
    except strictjson.StrictJsonError as error:
        raise ToolCallError(f"is {error}") from None
    calls = value if isinstance(value, list) else [value]
    if not calls:
        raise ToolCallError("holds no call")
    for call in calls:
        if not (isinstance(call, dict) and isinstance(call.get("name"), str) and "arguments" in call):
            raise ToolCallError("is no object with a name and arguments")
    return calls
