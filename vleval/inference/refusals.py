"""What a server refuses of a request, in its own words, and what is done about it: asked otherwise, or the run ends with the cure."""

from __future__ import annotations

import re

import msgspec

from vleval.inference.ask import Sampler
from vleval.inference.retry import AskFault

_COMPLETION = re.compile(r"max_completion_tokens", re.IGNORECASE)
_STREAM = re.compile(
    r"only\s+support\w*\s+stream|stream\w*\s+(?:mode\s+)?(?:is\s+)?(?:required|only)|stream=true|must\s+be\s+stream", re.IGNORECASE
)
_REFUSED_FIELDS = ("temperature", "seed", "top_p", "stop", "max_tokens")


def adapted(sampler: Sampler, fault: AskFault) -> Sampler | None:
    """The sampler that the server asks for instead; None where its refusal names none, or that was tried."""
    if not fault.reason.startswith(("HTTP 400", "HTTP 422")):
        return None
    if _COMPLETION.search(fault.reason) and "max_tokens" not in sampler.left_out and "max_completion_tokens" not in sampler.extra:
        extra = {**sampler.extra, "max_completion_tokens": sampler.max_tokens}
        return msgspec.structs.replace(sampler, omit=f"{sampler.omit},max_tokens", extra=extra)
    if _STREAM.search(fault.reason) and "stream" not in sampler.extra:
        return msgspec.structs.replace(sampler, extra={**sampler.extra, "stream": True})
    return None


def cure_of_refusal(reason: str) -> str:
    """What to do about a refusal that meets every question."""
    lowered = reason.lower()
    if "413" in lowered or "too large" in lowered or "payload" in lowered:
        return "Send smaller images (convert with a smaller --max-pixels), or raise the server's limit of a request's size."
    if re.search(r"at most \d+ (?:image|video)|limit.mm.per.prompt|too many images|number of images", lowered):
        return "Start the server with room for the images of a question: vllm serve --limit-mm-per-prompt '{\"image\": 8}'"
    if "context" in lowered or "too long" in lowered or "max_model_len" in lowered:
        return "Start the server with a longer context, or ask with fewer --max-tokens; vleval serve-cmd prints the line."
    for field in _REFUSED_FIELDS:
        if field in lowered:
            return f"Leave the field out: --omit {field}"
    return "Look at the server's log; vleval ping asks one question."
