"""What is wrong with a row or a file, told by its own name: each usual mistake has a sentence that says what to do about it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from vldata.files import strictjson


def read_alone(folder: Path) -> None:
    """Read the JSON file of a folder that holds no other, for the reason why it is none.

    Raises:
        DataError: it is empty or no JSON.
    """
    files = sorted(folder.glob("*.json")) if folder.is_dir() else []
    if len(files) == 1:
        strictjson.read_json(files[0])


class RowFault(NamedTuple):
    """Why a place in a file holds no usable row. `code` is a key of `vldata.records.codes.CODES`."""

    code: str
    reason: str


Row = dict[str, Any] | list[Any] | RowFault

# A key in single quotes, or a constant of Python where a value stands.
_PYTHON = re.compile(r"""[{\[,]\s*'[^'"\n]{0,80}'\s*[:,\]}]|:\s*(?:None|True|False)\s*[,}\]]""").search
PYTHON = "the row is written as Python prints it (single quotes, None, True), which is not JSON; write rows with json.dumps"
COMMA = "the line ends in a comma, as the rows of a list do; take it off, or put [ before the first row and ] after the last"
PRETTY = "goes over several lines (pretty-printed), while JSON Lines have one object a line; rewrite it: jq -c . FILE > NEW.jsonl"


def not_json(text: str, plain: str) -> str:
    """Name the fault of a text that is not JSON: a usual one by its own sentence, others as the parser does (`plain`)."""
    stripped = text.rstrip()
    if stripped.endswith(","):
        return f"{COMMA}."
    if _PYTHON(text[:4_096]):
        return f"{PYTHON}."
    if stripped in ("{", "[", "}", "]") or (text.startswith("{") and stripped.endswith("{")):
        return f"the object {PRETTY}."
    return f"{plain}."
