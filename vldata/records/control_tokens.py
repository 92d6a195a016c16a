"""Text that a loader or tokenizer would take for structure: media tags and special tokens.

LLaMA-Factory counts `<image>`, `<video>` and `<audio>` as literal text over user and assistant turns, and a literal
`<|image_pad|>` silently adds a vision token; so such text is refused by name, or escaped when the user asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# `<|im_start|>`, `<|image_pad|>` and the whole family, whatever the model names its tokens.
CONTROL = re.compile(r"<(?:image|video|audio)>|<\|[A-Za-z0-9_.-]{1,64}\|>")


def find_control_token(text: str) -> str | None:
    """Return the first tag or control token in `text`, or None."""
    if "<" not in text:
        return None
    match = CONTROL.search(text)
    return match.group() if match else None


def escape_control_tokens(text: str, also: re.Pattern[str] | None = None) -> str:
    """Put a space after the opening bracket, which no tokenizer or loader takes for the token: `<image>` becomes `< image>`.

    `also` finds the further tokens of one model.
    """
    text = CONTROL.sub(_spaced, text)
    return also.sub(_spaced, text) if also is not None else text


def pattern_of(tokens: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern of a model's control tokens beyond those that `CONTROL` finds anyway; None where there are none."""
    others = [token for token in tokens if len(token) > 2 and not CONTROL.fullmatch(token)]
    return re.compile("|".join(map(re.escape, sorted(others, key=len, reverse=True)))) if others else None


def _spaced(match: re.Match[str]) -> str:
    return f"{match.group()[0]} {match.group()[1:]}"
