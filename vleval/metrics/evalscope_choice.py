"""Which option an answer names, as evalscope 1.14 reads it (utils/multi_choices.py `parse_answers`, one right answer)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_uppercase

_MARKER = re.compile(r"(?i)ANSWER\s*:\s*\**\s*")
_TYPESETTING = re.compile(r"(?:(?:\$+|\\\(|\\(?:boxed|fbox|text|textbf|mathbf|mathrm)\s*\{)\s*)*")
_BRACKETED = re.compile(r"[\(\[（【]\s*([A-Za-z\d](?:\s*[,，/、]\s*[A-Za-z\d])*)\s*[\)\]）】]")
_PLAIN = re.compile(r"([A-Za-z\d][A-Za-z\d ,，/、]*)")
_TOKEN = re.compile(r"[A-Za-z\d]+")


def read_evalscope(text: str, choices: Sequence[str]) -> str:
    """The label behind the last "ANSWER:" that has one; without any, the last capital letter of the text; "" when it is no option.

    Of "B, not C" the labels in front count; two labels name no single option.
    """
    allowed = ascii_uppercase[: len(choices)]
    for marker in reversed(list(_MARKER.finditer(text))):
        start = marker.end()
        if typeset := _TYPESETTING.match(text, start):
            start = typeset.end()
        for pattern in (_BRACKETED, _PLAIN):
            label = pattern.match(text, start)
            if label and (leading := _labels_in_front(label[1], allowed)):
                named = leading.strip().rstrip(".")
                return named if len(named) == 1 and named in allowed else ""
    capital = next((letter for letter in reversed(text) if letter.isupper()), "")
    return capital if capital and capital in allowed else ""


def _labels_in_front(capture: str, allowed: str) -> str:
    """The part of a capture that holds nothing but labels; "and" and "or" between two of them are skipped."""
    tokens = list(_TOKEN.finditer(capture))
    end = 0
    for index, token in enumerate(tokens):
        if _is_label(token[0], allowed):
            end = token.end()
            continue
        between = bool(end) and index + 1 < len(tokens) and _is_label(tokens[index + 1][0], allowed)
        if not (between and token[0].lower() in ("and", "or")):
            break
    return capture[:end]


def _is_label(word: str, allowed: str) -> bool:
    return set(word) <= set(allowed)
