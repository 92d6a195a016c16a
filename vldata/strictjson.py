r"""Reading JSON and JSON Lines that nobody vouches for.

Refused by name, with file:line: bytes that are not UTF-8, NaN and Infinity, duplicate keys, lone surrogates, lines over a cap, nesting
deeper than the parser's stack. Accepted: a BOM, CRLF, a missing last newline. Lines end at "\n" alone: U+2028 is text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from vldata.errors import DataError

MAX_LINE_BYTES = 64 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class StrictJsonError(ValueError):
    """Why a text is refused; carries no place, which the caller knows."""


def loads(raw: bytes | str) -> Any:
    """Parse one JSON document strictly.

    Raises:
        StrictJsonError: with a sentence that names the fault.
    """
    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
    except UnicodeDecodeError as error:
        raise StrictJsonError(f"not UTF-8 at byte {error.start}") from None
    try:
        value = json.loads(text, object_pairs_hook=_unique_pairs, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise StrictJsonError(f"not JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise StrictJsonError("nested too deeply") from None
    except StrictJsonError:
        raise
    except ValueError as error:  # an integer of more than 4,300 digits
        raise StrictJsonError(str(error).split(";")[0]) from None
    if "\\u" in text and (fault := _lone_surrogate(text, value)):
        raise StrictJsonError(fault)
    return value


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise StrictJsonError(f"duplicate key {key!r}")
            seen.add(key)
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise StrictJsonError(f"{name} is not JSON")


def _lone_surrogate(text: str, value: Any) -> str:
    lowered = text.lower()
    if "\\ud8" not in lowered and not any(f"\\ud{c}" in lowered for c in "9abcdef"):
        return ""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return "a lone surrogate (\\ud800 to \\udfff without its partner)"
    return ""


def read_json(path: Path) -> Any:
    """Read a whole JSON file strictly.

    Raises:
        DataError: the file cannot be read or is not strict JSON.
    """
    raw = read_bytes(path)
    try:
        return loads(raw.removeprefix(_BOM))
    except StrictJsonError as error:
        raise DataError(f"{error}.", where=str(path), cure="Repair the file or export it again.") from None


def read_bytes(path: Path) -> bytes:
    """Read a file; a failure names the path and the reason.

    Raises:
        DataError: no such file, a folder, no permission.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}.", where=str(path)) from None


def iter_lines(path: Path, *, max_line_bytes: int = MAX_LINE_BYTES) -> Iterator[tuple[int, bytes]]:
    """Stream `(line number from 1, bytes without the line end)` of a JSON Lines file; blank lines are passed over.

    Raises:
        DataError: the file cannot be read, or a line is longer than `max_line_bytes`.
    """
    try:
        handle = path.open("rb")
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}.", where=str(path)) from None
    with handle:
        number = 0
        while True:
            try:
                line = handle.readline(max_line_bytes + 1)
            except OSError as error:
                raise DataError(f"cannot be read: {error.strerror or error}.", where=str(path)) from None
            if not line:
                return
            number += 1
            if len(line) > max_line_bytes:
                raise DataError(
                    f"line longer than {max_line_bytes:,} bytes.",
                    where=f"{path}:{number}",
                    cure="Split the record or keep media in files.",
                )
            if number == 1:
                line = line.removeprefix(_BOM)
            line = line.rstrip(b"\r\n")
            if line.strip():
                yield number, line
