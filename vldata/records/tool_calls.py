"""What a function_call turn holds: JSON of one call or several, each a name and its arguments, as LLaMA-Factory reads it.

What the model says next to its calls stands in front of them, on lines of its own. The answers to several calls are one observation,
joined as LLaMA-Factory's reader of OpenAI rows joins them, which the template of Qwen models renders as it does several turns.
"""

from __future__ import annotations

from typing import Any

from vldata.files import strictjson


class ToolCallError(ValueError):
    """A text that holds no call; the message continues "it ..."."""


BETWEEN_ANSWERS = "\n</tool_response>\n<tool_response>\n"


def split_call(content: str) -> tuple[str, str]:
    """Cut a turn into what is said next to the calls, "" for nothing, and their JSON."""
    if content.lstrip()[:1] in ("{", "["):
        return "", content
    for sign in ("\n{", "\n["):
        place = content.find(sign)
        while place >= 0:
            try:
                strictjson.loads(content[place + 1 :])
            except strictjson.StrictJsonError:
                place = content.find(sign, place + 1)
            else:
                return content[:place], content[place + 1 :]
    return "", content


def answers_of(observation: str) -> list[str]:
    """The answers that an observation holds, one a call."""
    return observation.split(BETWEEN_ANSWERS)


def read_calls(content: str) -> list[dict[str, Any]]:
    """Read the calls of a turn.

    Raises:
        ToolCallError: it is not JSON, or not an object (or a list of them) with a name and arguments.
    """
    try:
        value = strictjson.loads(split_call(content)[1])
    except strictjson.StrictJsonError as error:
        raise ToolCallError(f"is {error}") from None
    calls = value if isinstance(value, list) else [value]
    if not calls:
        raise ToolCallError("holds no call")
    for call in calls:
        if not (isinstance(call, dict) and isinstance(call.get("name"), str) and "arguments" in call):
            raise ToolCallError("is no object with a name and arguments")
    return calls
