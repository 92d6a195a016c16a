"""The OpenAI chat-completions wire as vLLM, LMDeploy, llama-server and transformers serve speak it.

Seen of them: errors come as `{"error": {...}}`, `{"error": "text"}`, flat `{"message", "object": "error"}` or `{"detail": ...}`;
content may be null; an error can sit inside a 200.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec

from vldata.files import strictjson
from vleval.inference.ask import Ask, Sampler
from vleval.inference.openai_reply import answer_in, joined_stream
from vleval.inference.pictures import PictureCache
from vleval.inference.retry import Answer, AskFault, fate_of_status

CHAT_PATH = "/chat/completions"
_VERSIONED = re.compile(r"/v\d+\w*(?:/|$)|/openai$")
MODELS_PATH = "/models"


def normalise_base_url(url: str) -> str:
    """Return the base that paths are put behind: one with a version or `openai` in its path is taken as given, else `/v1` is added.

    So `http://host:8000` and `.../v1` are one, and `.../v1beta/openai`, `.../api/paas/v4` and `.../api/v3` stay as they are.
    """
    base = url.rstrip("/").removesuffix(CHAT_PATH)
    path = urlsplit(base).path
    return base if _VERSIONED.search(path) else f"{base}/v1"


def refuse(_ask: Ask) -> str:
    """Every ask can be put on this wire."""
    return ""


def build_body(ask: Ask, model: str, sampler: Sampler, pictures: PictureCache) -> bytes:
    """Encode a request. Pictures are spliced in as ready JSON, so that encoding copies them once."""
    images = iter(ask.images)
    messages: list[dict[str, Any]] = []
    for turn in ask.turns:
        if len(turn.parts) == 1 and isinstance(turn.parts[0], str):
            messages.append({"role": turn.role, "content": turn.parts[0]})
            continue
        parts: list[dict[str, Any]] = []
        for part in turn.parts:
            if part is None:
                parts.append({"type": "image_url", "image_url": {"url": msgspec.Raw(pictures.data_url(next(images)))}})
            else:
                parts.append({"type": "text", "text": part})
        messages.append({"role": turn.role, "content": parts})
    body: dict[str, Any] = {"model": model, "messages": messages, "max_tokens": sampler.max_tokens, "temperature": sampler.temperature}
    if sampler.top_p != 1.0:
        body["top_p"] = sampler.top_p
    if sampler.seed is not None:
        body["seed"] = sampler.seed
    if sampler.stop:
        body["stop"] = list(sampler.stop)
    if sampler.thinks is not None:  # what vLLM, SGLang, LMDeploy and llama-server hand to the chat template
        body["chat_template_kwargs"] = {"enable_thinking": sampler.thinks}
    return msgspec.json.encode({**{key: value for key, value in body.items() if key not in sampler.left_out}, **sampler.extra})


def parse_reply(status: int, content: bytes) -> Answer | AskFault:
    """Read a reply: an answer, or a fault with the server's own words."""
    value = _parse_json(content)
    if value is None and status == 200:
        value = joined_stream(content)
    if status != 200:
        return AskFault(fate=fate_of_status(status), reason=f"HTTP {status}: {error_text(value, content)}")
    if value is None:
        return AskFault(fate="retry", reason="the reply is not JSON, or is cut")
    if not isinstance(value, dict) or value.get("error") or value.get("object") == "error":
        return AskFault(fate="retry", reason=f"an error inside a 200: {error_text(value, content)}")
    return answer_in(value)


def error_text(value: Any, content: bytes) -> str:
    """Find the server's words in any of the shapes errors have, at most 300 characters of them."""
    found: Any = value
    if isinstance(value, dict):
        found = value.get("error") or value.get("message") or value.get("detail") or value
    if isinstance(found, dict):
        found = found.get("message", found)
    if isinstance(found, list):  # FastAPI's list of what it could not validate
        found = "; ".join(str(entry.get("msg", entry)) if isinstance(entry, dict) else str(entry) for entry in found)
    if found is None:
        found = content.decode("utf-8", "replace")
    text = " ".join(str(found).split())
    return text[:300] + ("..." if len(text) > 300 else "")


def read_models(content: bytes) -> dict[str, str] | None:
    """Read `/v1/models`: names, and what each stands for, which vLLM tells as `root`; None when the reply is not that list."""
    value = _parse_json(content)
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        return None
    return {str(entry["id"]): str(entry.get("root") or entry["id"]) for entry in value["data"] if isinstance(entry, dict) and "id" in entry}


def _parse_json(content: bytes) -> Any:
    try:
        return strictjson.loads(content)
    except strictjson.StrictJsonError:
        return None
