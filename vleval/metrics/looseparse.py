"""One JSON-like object out of running text: single quotes, Python words, trailing commas and bare keys are understood."""

from __future__ import annotations

import re
from typing import Any

MAX_DEPTH = 8  # objects nest two or three deep; a limit keeps hostile text linear

_SPACE = re.compile(r"[\s\ufeff\u00a0]*")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)(?![\w.])")
_WORD = re.compile(r"[A-Za-z_][\w-]*")
_STRING = {
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL),
    "'": re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL),
}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_WORDS: dict[str, Any] = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "null": None,
    "None": None,
    "NaN": float("nan"),
    "nan": float("nan"),
    "Infinity": float("inf"),
    "inf": float("inf"),
}


class LooseError(ValueError):
    """The text at this place is not a complete object."""


def parse_object(text: str, start: int) -> tuple[dict[str, Any], int]:
    """Read the object whose `{` stands at `start`; returns it and the position behind its `}`.

    Raises:
        LooseError: it is cut off, malformed, or nested deeper than 8.
    """
    return _object(text, start, 0)


def _object(text: str, start: int, depth: int) -> tuple[dict[str, Any], int]:
    result: dict[str, Any] = {}
    position = _skip(text, start + 1)
    while True:
        if position >= len(text) or depth > MAX_DEPTH:
            raise LooseError
        if text[position] == "}":
            return result, position + 1
        key, position = _key(text, position)
        position = _skip(text, position)
        if position >= len(text) or text[position] != ":":
            raise LooseError
        result[key], position = _value(text, _skip(text, position + 1), depth + 1)
        position = _after_item(text, position, "}")


def _array(text: str, start: int, depth: int) -> tuple[list[Any], int]:
    result: list[Any] = []
    position = _skip(text, start + 1)
    while True:
        if position >= len(text) or depth > MAX_DEPTH:
            raise LooseError
        if text[position] in "])":
            return result, position + 1
        item, position = _value(text, position, depth + 1)
        result.append(item)
        position = _after_item(text, position, "])")


def _after_item(text: str, position: int, closing: str) -> int:
    position = _skip(text, position)
    if position < len(text) and text[position] == ",":
        return _skip(text, position + 1)
    if position < len(text) and text[position] in closing:
        return position
    raise LooseError


def _value(text: str, position: int, depth: int) -> tuple[Any, int]:
    if position >= len(text):
        raise LooseError
    character = text[position]
    if character == "{":
        return _object(text, position, depth)
    if character in "[(":
        return _array(text, position, depth)
    if character in _STRING:
        return _string(text, position)
    if number := _NUMBER.match(text, position):
        return float(number[0]), number.end()
    if (word := _WORD.match(text, position)) and word[0] in _WORDS:
        return _WORDS[word[0]], word.end()
    raise LooseError


def _key(text: str, position: int) -> tuple[str, int]:
    if text[position] in _STRING:
        return _string(text, position)
    if word := _WORD.match(text, position):
        return word[0], word.end()
    raise LooseError


def _string(text: str, position: int) -> tuple[str, int]:
    match = _STRING[text[position]].match(text, position)
    if match is None:
        raise LooseError
    return _ESCAPE.sub(_unescape, match[1]), match.end()


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPES.get(code, code)


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position
