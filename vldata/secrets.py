"""Secrets of this process, kept out of whatever is written or printed: one place where they are known, and one where they are taken out.

A key or password is told to `keep_secret` where it comes in. What goes to the terminal, into a journal or a document passes through
`redact`. A value of fewer than 8 characters is no secret (servers without keys are given "EMPTY", "none", "sk-1"): taking such words
out of answers would change what is scored.
"""

from __future__ import annotations

import json
from urllib.parse import quote

SHORTEST = 8
SHOWN = "[secret]"
_known: dict[str, None] = {}


class Secret(str):
    """A text that does not show itself: `repr` of it, and of a struct that holds it, says `[secret]`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(SHOWN)


def keep_secret(value: str) -> Secret:
    """Remember a secret, also as JSON and as an address would spell it, and return it as one that does not show itself."""
    if len(value) >= SHORTEST:
        for spelling in (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], quote(value, safe="")):
            _known[spelling] = None
    return Secret(value)


def holds_secret(text: str) -> bool:
    """Whether a known secret stands in a text."""
    return any(secret in text for secret in _known)


def redact(text: str) -> str:
    """Take every known secret out of a text; the longest first, since one may hold another."""
    for secret in sorted(_known, key=len, reverse=True):
        if secret in text:
            text = text.replace(secret, SHOWN)
    return text


def redact_growing(text: str) -> str:
    """`redact` for a text that grows as it comes: an end that may be the beginning of a secret is held back."""
    text = redact(text)
    held = max(
        (length for secret in _known for length in range(1, min(len(secret), len(text) + 1)) if text.endswith(secret[:length])), default=0
    )
    return text[: len(text) - held]


def redact_bytes(data: bytes) -> bytes:
    """Take every known secret out of UTF-8."""
    for secret in sorted(_known, key=len, reverse=True):
        spelled = secret.encode("utf-8", "surrogatepass")
        if spelled in data:
            data = data.replace(spelled, SHOWN.encode())
    return data
