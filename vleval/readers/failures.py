"""Answers that are none: the sentences other tools write in the place of an answer when the request failed."""

from __future__ import annotations

import re

_FAILURES = re.compile(
    r"\[LMMS_EVAL_REQUEST_FAILED"  # lmms-eval, every API model
    r"|Failed to obtain answer (?:via )?(?:\w+ )?API\."  # VLMEvalKit and its API wrappers
)
TRUNCATED = frozenset({"length", "reasoning_only", "max_tokens", "model_length", "max_length", "truncated"})
REFUSED = frozenset({"content_filter", "refusal", "safety"})


def failure_in(answer: str) -> str:
    """The failure that an answer tells of, cut to a line; "" for a real answer. Only the beginning counts: a model may quote the rest."""
    if answer[:1] in "[F" and _FAILURES.match(answer):
        return answer.split("\n", 1)[0][:200]
    return ""
