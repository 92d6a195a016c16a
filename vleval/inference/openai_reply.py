"""What a chat completion says: text, parts, a refusal, a thought without an answer, or a stream where none was asked for.

An answer that has no text for a reason the server names (cut, refused, filtered, a tool call) is that answer: asking again gives it again.
"""

from __future__ import annotations

from typing import Any

from vldata.files import strictjson
from vleval.inference.retry import Answer, AskFault

_TEXTLESS = frozenset({"length", "content_filter", "tool_calls", "function_call", "refusal", "safety", "max_tokens"})
REASONING_ONLY = "reasoning_only"


def answer_in(value: dict[str, Any]) -> Answer | AskFault:
    """The answer in a whole chat completion."""
    choices = value.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return AskFault(fate="retry", reason="the reply has no choices")
    found = choices[0].get("message")
    message: dict[str, Any] = found if isinstance(found, dict) else {}
    finish = choices[0].get("finish_reason")
    text, reason = text_of(message, finish if isinstance(finish, str) else "")
    if text is None:
        return AskFault(fate="retry", reason=f"the reply has no text (finish_reason {finish!r})")
    usage = value.get("usage") if isinstance(value.get("usage"), dict) else {}
    return Answer(
        text=text,
        reasoning=str(message.get("reasoning_content") or message.get("reasoning") or ""),
        finish_reason=reason,
        model=value["model"] if isinstance(value.get("model"), str) else "",
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        fingerprint=value["system_fingerprint"] if isinstance(value.get("system_fingerprint"), str) else "",
    )


def text_of(message: dict[str, Any], finish: str) -> tuple[str | None, str]:
    """The text of a message and why it ended; None for a reply that says nothing and not why."""
    content = message.get("content")
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict)]
        texts = [str(part.get("text", "")) for part in parts if part.get("type", "text") in ("text", "output_text")]
        refused = [str(part["refusal"]) for part in parts if part.get("type") == "refusal" and part.get("refusal")]
        content = "".join(texts) if texts else None
        if content is None and refused:
            return "".join(refused), "refusal"
    thought = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(content, str) and (content.strip() or not thought):
        return content, finish
    if isinstance(message.get("refusal"), str) and message["refusal"]:
        return str(message["refusal"]), "refusal"
    if thought:  # all tokens went into the thought: the answer never came
        return "", "length" if finish in ("length", "max_tokens") else REASONING_ONLY
    if finish in _TEXTLESS or message.get("tool_calls"):
        return "", finish if finish in _TEXTLESS else "tool_calls"
    return None, finish


def joined_stream(content: bytes) -> dict[str, Any] | None:
    """A stream of events as the chat completion that it makes up; None where the bytes are no such stream, or it is cut."""
    if not content.lstrip().startswith((b"data:", b"event:", b":")):
        return None
    whole: dict[str, Any] = {}
    texts: list[str] = []
    thoughts: list[str] = []
    finish: str | None = None
    ended = False
    for line in content.split(b"\n"):
        if not line.startswith(b"data:"):
            continue
        data = line[5:].strip()
        if data == b"[DONE]":
            ended = True
            break
        try:
            event = strictjson.loads(data)
        except strictjson.StrictJsonError:
            return None
        if not isinstance(event, dict):
            return None
        if event.get("error"):
            return event
        whole |= {key: event[key] for key in ("model", "system_fingerprint", "usage") if event.get(key)}
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        delta = choice.get("delta") or choice.get("message") or {}
        texts.append(str(delta.get("content") or ""))
        thoughts.append(str(delta.get("reasoning_content") or delta.get("reasoning") or ""))
        finish = choice.get("finish_reason") or finish
    if not ended and finish is None:
        return None
    message = {"content": "".join(texts) or None, "reasoning_content": "".join(thoughts) or None}
    return {**whole, "choices": [{"message": message, "finish_reason": finish}]}


def _count(usage: Any, key: str) -> int:
    value = usage.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else -1
