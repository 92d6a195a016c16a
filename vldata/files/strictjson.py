r"""Reading JSON and JSON Lines that nobody vouches for.

Refused by name, with file:line: bytes that are not UTF-8, NaN and Infinity, duplicate keys, lone surrogates, lines over a cap, nesting
deeper than the parser's stack. Accepted: a BOM, CRLF, a missing last newline. Lines end at "\n" alone: U+2028 is text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from vldata.causes import read_cure, read_error
from vldata.errors import DataError, UsageError
from vldata.files.special import refuse_special

MAX_LINE_BYTES = 64 * 1024 * 1024
_BLOCK_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"


class LongLine(bytes):
    """Stands for a line above the cap, which was skipped without being held; `size` is its length."""

    size: int

    @classmethod
    def of(cls, size: int) -> LongLine:
        """Make the stand-in."""
        line = cls(b"?")
        line.size = size
        return line


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
        value = json.loads(text, object_pairs_hook=_unique_pairs, parse_constant=_refuse_constant, parse_float=_finite)
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


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise StrictJsonError(f"{text[:40]} is too large a number")
    return number


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
        DataError: no such file, a folder, a pipe, no permission.
    """
    refuse_special(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise read_error(path, error) from None


def read_head(path: Path, size: int) -> bytes:
    """Read the first bytes of a file.

    Raises:
        DataError: no such file, a folder, no permission.
    """
    refuse_special(path)
    try:
        with path.open("rb") as handle:
            return handle.read(size)
    except OSError as error:
        raise read_error(path, error) from None


def read_user_text(path: Path) -> str:
    """Read a small text file that the user named, for example a prompt.

    Raises:
        UsageError: it cannot be read or is not UTF-8.
    """
    refuse_special(path)
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}.", where=str(path), cure=read_cure(path, error)) from None
    except UnicodeDecodeError as error:
        raise UsageError(f"is not UTF-8 at byte {error.start}.", where=str(path)) from None


def iter_lines(
    path: Path, *, max_line_bytes: int = MAX_LINE_BYTES, tell_long: bool = False, opener: Callable[[Path], BinaryIO] | None = None
) -> Iterator[tuple[int, bytes]]:
    """Stream `(line number from 1, bytes without the line end)` of a JSON Lines file; blank lines are skipped.

    With `tell_long` a line above `max_line_bytes` comes as a `LongLine`. `opener` opens a file that is not UTF-8 as if it were.

    Raises:
        DataError: the file cannot be read, or, without `tell_long`, a line is longer than `max_line_bytes`.
    """
    for first, lines in iter_line_blocks(path, max_line_bytes=max_line_bytes, tell_long=tell_long, opener=opener):
        for number, line in enumerate(lines, first):
            if type(line) is LongLine:
                yield number, line
                continue
            if number == 1:
                line = line.removeprefix(_BOM)
            if line.endswith(b"\r"):
                line = line.rstrip(b"\r")
            if line and not line.isspace():
                if len(line) > max_line_bytes:
                    if not tell_long:
                        raise _too_long(path, number, max_line_bytes)
                    line = LongLine.of(len(line))
                yield number, line


def iter_line_blocks(
    path: Path, *, max_line_bytes: int = MAX_LINE_BYTES, tell_long: bool = False, opener: Callable[[Path], BinaryIO] | None = None
) -> Iterator[tuple[int, list[bytes]]]:
    """Stream `(number of the first line, lines)`: all lines as they stand, blank ones too, many at a time; see `iter_lines`."""
    number = 1
    for lines in _iter_blocks(path, max_line_bytes, opener, tell_long=tell_long):
        yield number, lines
        number += len(lines)


def iter_placed(path: Path, opener: Callable[[Path], BinaryIO]) -> Iterator[tuple[int, int, bytes]]:
    """Stream `(line number from 1, byte it begins at, bytes without the line end)`, the lines as `iter_lines` gives them.

    Raises:
        DataError: the file cannot be read, or a line is longer than `MAX_LINE_BYTES`.
    """
    number = place = 0
    for lines in _iter_blocks(path, MAX_LINE_BYTES, opener, tell_long=False):
        for raw in lines:
            number += 1
            line = raw.removeprefix(_BOM) if number == 1 else raw
            start = place + len(raw) - len(line)
            place += len(raw) + 1
            if line.endswith(b"\r"):
                line = line.rstrip(b"\r")
            if line and not line.isspace():
                if len(line) > MAX_LINE_BYTES:
                    raise _too_long(path, number, MAX_LINE_BYTES)
                yield number, start, line


def _iter_blocks(path: Path, max_line_bytes: int, opener: Callable[[Path], BinaryIO] | None, *, tell_long: bool) -> Iterator[list[bytes]]:
    """Yield the lines of a file a block at a time: one call of `split` for many lines is what makes reading fast."""
    refuse_special(path)
    try:
        handle = opener(path) if opener else path.open("rb")
    except OSError as error:
        raise read_error(path, error) from None
    with handle:
        tail: list[bytes] = []
        tail_bytes = count = 0
        skipping = False  # the line is above the cap: its bytes are counted and dropped
        while True:
            try:
                block = handle.read(_BLOCK_BYTES)
            except OSError as error:
                raise read_error(path, error) from None
            if not block:
                break
            lines = block.split(b"\n")
            tail_bytes += len(lines[0])
            if not skipping:
                tail.append(lines[0])
                if tail_bytes > max_line_bytes:
                    if not tell_long:
                        raise _too_long(path, count + 1, max_line_bytes)
                    skipping = True
                    tail.clear()
            if len(lines) > 1:
                lines[0] = LongLine.of(tail_bytes) if skipping else b"".join(tail)
                skipping = False
                tail = [lines.pop()]
                tail_bytes = len(tail[0])
                count += len(lines)
                yield lines
        if tail_bytes:
            yield [LongLine.of(tail_bytes) if skipping else b"".join(tail)]


def _too_long(path: Path, number: int, max_line_bytes: int) -> DataError:
    return DataError(
        f"line longer than {max_line_bytes:,} bytes.", where=f"{path}:{number}", cure="Split the record or keep media in files."
    )
