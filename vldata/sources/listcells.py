"""Lists that a table's cell holds as text: JSON, or Python as pandas prints it."""

from __future__ import annotations

import ast
from typing import Any

from vldata.files import strictjson

_LONGEST = 1 << 20


def list_of_text(text: str) -> Any:
    """Return the list that a text holds as JSON or as Python prints it, or the text itself."""
    stripped = text.strip()
    if not (stripped.startswith("[") and stripped.endswith("]")) or len(text) > _LONGEST:
        return text
    try:
        value = strictjson.loads(stripped)
    except strictjson.StrictJsonError:
        try:
            value = ast.literal_eval(stripped)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            return text
    return value if type(value) is list and _is_plain(value) else text


def _is_plain(value: Any) -> bool:
    """Whether it is what JSON could hold."""
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    return value is None or isinstance(value, str | int | float)
