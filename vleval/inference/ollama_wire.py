"""Ollama's native /api/chat. Not its /v1: there each part becomes a message of its own and pictures can drop silently.

`[img]` in the content says where a picture stands; so a text that holds `[img` cannot be asked. `truncate` and `shift` are off: a prompt
that is too long must be an error, not a shorter prompt.
"""

from __future__ import annotations

from typing import Any

import msgspec

from vldata.files import strictjson
from vleval.inference.ask import Ask, Sampler
from vleval.inference.openai_wire import error_text
from vleval.inference.pictures import PictureCache
from vleval.inference.retry import Answer, AskFault, fate_of_status

CHAT_PATH = "/api/chat"
MODELS_PATH = "/api/tags"
_PLACE = "[img]"


def normalise_base_url(url: str) -> str:
    """Return the server's root, without a /v1 or /api that was copied along."""
    return url.rstrip("/").removesuffix("/v1").removesuffix("/api")


def refuse(ask: Ask) -> str:
    """Say why an ask cannot be put to Ollama, or ""."""
    if any(isinstance(part, str) and "[img" in part for turn in ask.turns for part in turn.parts):
        return "its text holds '[img', which Ollama takes for the place of a picture"
    return ""


def build_body(ask: Ask, model: str, sampler: Sampler, pictures: PictureCache) -> bytes:
    """Encode a request; pictures are raw base64 in `images` of their own turn, `[img]` where each stands."""
    images = iter(ask.images)
    messages: list[dict[str, Any]] = []
    for turn in ask.turns:
        content = "".join(_PLACE if part is None else part for part in turn.parts)
        message: dict[str, Any] = {"role": turn.role, "content": content}
        if shown := [next(images) for part in turn.parts if part is None]:
            message["images"] = [msgspec.Raw(b'"' + pictures.base64(path) + b'"') for path in shown]
        messages.append(message)
    options: dict[str, Any] = {"temperature": sampler.temperature, "num_predict": sampler.max_tokens}
    if sampler.temperature == 0:
        options["top_k"] = 1
    elif sampler.top_p != 1.0:
        options["top_p"] = sampler.top_p
    if sampler.seed is not None:
        options["seed"] = sampler.seed
    if sampler.stop:
        options["stop"] = list(sampler.stop)
    body: dict[str, Any] = {"model": model, "messages": messages, "stream": False, "truncate": False, "shift": False, "keep_alive": "30m"}
    if sampler.thinks is not None:
        body["think"] = sampler.thinks
    return msgspec.json.encode({**body, "options": {**options, **sampler.extra}})


def parse_reply(status: int, content: bytes) -> Answer | AskFault:
    """Read a reply, whole or as the NDJSON stream some proxies make of it; an error line inside a 200 is a failed attempt."""
    if status != 200:
        try:
            value: Any = strictjson.loads(content)
        except strictjson.StrictJsonError:
            value = None
        return AskFault(fate=fate_of_status(status), reason=f"HTTP {status}: {error_text(value, content)}")
    text = thought = ""
    last: dict[str, Any] = {}
    for line in content.split(b"\n"):
        if not line.strip():
            continue
        try:
            value = strictjson.loads(line)
        except strictjson.StrictJsonError:
            return AskFault(fate="retry", reason="the reply is not JSON, or is cut")
        if not isinstance(value, dict) or value.get("error"):
            return AskFault(fate="retry", reason=f"an error inside a 200: {error_text(value, line)}")
        message = value.get("message")
        piece = message.get("content") if isinstance(message, dict) else None
        if not isinstance(message, dict) or not isinstance(piece, str):
            return AskFault(fate="retry", reason="the reply has no text")
        text += piece
        thought += str(message.get("thinking") or "")
        last = value
    if not last.get("done"):
        return AskFault(fate="retry", reason="the reply ends before the answer is done")
    if last.get("done_reason") in ("load", "unload"):  # what it says to a chat it takes for empty
        return AskFault(fate="give_up", reason=f"the model was not asked: done_reason {last['done_reason']!r}")
    return Answer(
        text=text,
        reasoning=thought,
        finish_reason=str(last.get("done_reason") or ""),
        model=str(last.get("model") or ""),
        prompt_tokens=_count(last.get("prompt_eval_count")),
        completion_tokens=_count(last.get("eval_count")),
    )


def read_models(content: bytes) -> dict[str, str] | None:
    """Read `/api/tags`: names, and what each stands for; `name:latest` is also known as `name`."""
    try:
        value = strictjson.loads(content)
    except strictjson.StrictJsonError:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("models"), list):
        return None
    names = [str(entry.get("name", entry.get("model", ""))) for entry in value["models"] if isinstance(entry, dict)]
    return {known: name for name in names for known in (name, name.removesuffix(":latest"))}


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else -1
