"""The `ModelOutput` object that inspect_ai and evalscope both write: choices with a message, a completion, an error."""

from __future__ import annotations

from typing import Any


def answer_in(output: Any) -> tuple[Any, str, str]:
    """(text or None, finish reason, error) of a ModelOutput, or of a plain text in its place."""
    if output is None:
        return None, "", "no output"
    if not isinstance(output, dict):
        return output, "", ""
    choices = output.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    finish = str(choice.get("stop_reason") or "")
    error = output.get("error")
    completion = output.get("completion")
    if not completion:
        message = choice.get("message")
        completion = content_text(message.get("content")) if isinstance(message, dict) else completion
    if error and not completion:
        return None, finish, str(error)
    if not choices and not completion:
        return None, finish, "no output"
    return completion if completion is not None else "", finish, ""


def content_text(content: Any) -> str | None:
    """The text of a message's content: text, or a list of parts of which the text parts count (reasoning does not)."""
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict) and part.get("type", "text") == "text")
    return None
