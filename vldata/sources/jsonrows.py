r"""Rows of JSON and JSON Lines.

Rows are decoded by msgspec, which refuses NaN, lone surrogates and bytes that are not UTF-8; what it lets pass, a key used twice, is
found by counting keys, and whatever is in doubt is parsed again by `strictjson`. A list is walked from its `[` to its `]`: whatever is
missing, or stands behind it, is damage and not the end of the rows.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from vldata.causes import read_error
from vldata.errors import DataError
from vldata.files import strictjson
from vldata.media.refs import ENDINGS
from vldata.sources.faults import PRETTY, PYTHON, Row, RowFault, not_json

MAX_ROW_BYTES = 16 * 1024 * 1024
_SNIFF_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"
_AGAIN = "Fetch or export the file again; nobody can say which rows are missing."

_SPACED_COLON = re.compile(rb'"[ \t\r\n]+:').search  # the one way a key escapes the count of `":`
_MEDIA_NAME = re.compile(rf"[^\n]+\.(?:{ENDINGS})", re.IGNORECASE).fullmatch
_SPACE = re.compile(r"[ \t\r\n]*").match
_decode = msgspec.json.Decoder().decode
_scan = json.JSONDecoder().raw_decode

Opener = Callable[[Path], BinaryIO]
Quick = Callable[[list[bytes], int], Iterator[Any]]  # what it makes of each line from this number on; None: it must be read the long way


class JsonForm(NamedTuple):
    """How a JSON file holds its rows: as lines, a list, a list under `key` of an object, or the values of an object by their ids."""

    kind: str = ".jsonl"
    key: str = ""
    by_id: bool = False
    said: tuple[str, ...] = ()


# --- one row -------------------------------------------------------------------------------------------------------------------------


def decode_row(raw: bytes | msgspec.Raw) -> Row:
    """Decode one row strictly, or say what is wrong with it."""
    line = bytes(raw)
    try:
        row = _decode(line)
        if line.count(b'":') == _count_keys(row) and not _SPACED_COLON(line):
            return row if type(row) is dict or type(row) is list else _not_a_row(row)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        row = strictjson.loads(line)
    except strictjson.StrictJsonError as error:
        return RowFault("VL001", not_json(line.decode("utf-8", "replace"), str(error)) if "not JSON:" in str(error) else f"{error}.")
    return row if isinstance(row, dict | list) else _not_a_row(row)


def _not_a_row(value: Any) -> RowFault:
    return RowFault("VL201", f"the row is {value!r:.60}, not an object.")


def _count_keys(value: Any) -> int:
    """Count the keys of all objects in a decoded value."""
    if type(value) is dict:
        count = len(value)
        for item in value.values():
            if type(item) is list:
                for inner in item:
                    if type(inner) is dict:
                        count += len(inner)
                        for deep in inner.values():
                            if type(deep) is not str:
                                count += _count_keys(deep)
                    elif type(inner) is list:
                        count += _count_keys(inner)
            elif type(item) is dict:
                count += _count_keys(item)
        return count
    return sum(map(_count_keys, value)) if type(value) is list else 0


def _too_long(size: int) -> RowFault:
    return RowFault("VL208", f"the row has {size:,} bytes; at most {MAX_ROW_BYTES:,} are read.")


# --- lines ---------------------------------------------------------------------------------------------------------------------------


def iter_jsonl(path: Path, opener: Opener, quick: Quick | None = None) -> Iterator[tuple[str, Any]]:
    """Yield the rows of JSON Lines, as `quick` decodes a line or else as `decode_row` does.

    A last line that is cut is damage: whatever followed it is missing.

    Raises:
        DataError: the file cannot be read, is not in its encoding, or ends in the middle of a row.
    """
    name = path.name
    broken: tuple[int, bytes, RowFault] | None = None  # a line that is not JSON: cut, if it is the last
    try:
        for first, lines in strictjson.iter_line_blocks(path, max_line_bytes=MAX_ROW_BYTES, tell_long=True, opener=opener):
            items: Iterable[Any] = itertools.repeat(None) if quick is None else quick(lines, first)
            for number, line, item in zip(itertools.count(first), lines, items, strict=False):
                if item is not None and broken is None:
                    yield "", item
                    continue
                row: Row | None = _row_of(line, number)
                if row is None:
                    continue
                if broken is not None:
                    yield f"{name}:{broken[0]}", broken[2]
                    broken = None
                if type(row) is RowFault and row.code == "VL001" and type(line) is not strictjson.LongLine:
                    broken = (number, line, row)
                else:
                    yield f"{name}:{number}", row
    except UnicodeDecodeError as error:
        raise _misread(path, error) from None
    if broken is None:
        return
    number, line, fault = broken
    if _is_cut(line.removeprefix(_BOM) if number == 1 else line):
        raise DataError(
            f"the file ends in the middle of a row: {line[-40:].decode('utf-8', 'replace')!r}.", where=f"{path}:{number}", cure=_AGAIN
        )
    yield f"{name}:{number}", fault


def _row_of(line: bytes, number: int) -> Row | None:
    """Decode a line of a file; None for a blank one."""
    if type(line) is strictjson.LongLine:
        return _too_long(line.size)
    if number == 1:
        line = line.removeprefix(_BOM)
    line = line.rstrip(b"\r")
    if not line or line.isspace():
        return None
    return decode_row(line) if len(line) <= MAX_ROW_BYTES else _too_long(len(line))


def _misread(path: Path, error: UnicodeDecodeError) -> DataError:
    return DataError(f"cannot be read as {error.encoding}: {error.reason}.", where=str(path), cure="Name its encoding with --encoding.")


def _is_cut(line: bytes) -> bool:
    """Whether a line that is not JSON is the beginning of a row: more of it would be needed, nothing in it is wrong."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return False
        text = line[: error.start].decode("utf-8")
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        _scan(text.lstrip())
    except json.JSONDecodeError as error:
        rest = text.lstrip()[error.pos :].rstrip()
        return not rest or error.msg.startswith("Unterminated string") or _begins_token(rest)
    except (ValueError, RecursionError):  # a number of more digits than are read
        return False
    return False


_TOKENS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
_CUT_END = re.compile(r"-|-?\d+(?:\.|[eE][+-]?)?|\\u?[0-9a-fA-F]{0,3}").fullmatch


def _begins_token(rest: str) -> bool:
    return any(token.startswith(rest) for token in _TOKENS) or _CUT_END(rest) is not None


# --- what form a file has ------------------------------------------------------------------------------------------------------------


def find_form(path: Path, kind: str, opener: Opener) -> JsonForm:
    """Tell how a JSON file holds its rows from its first bytes; an object is read whole.

    Raises:
        DataError: pretty-printed rows one after the other, an object without rows, or one with several lists.
    """
    try:
        with opener(path) as handle:
            head = handle.read(_SNIFF_BYTES).removeprefix(_BOM).lstrip()
    except OSError as error:
        raise read_error(path, error) from None
    except UnicodeDecodeError as error:
        raise _misread(path, error) from None
    first, _, rest = head.partition(b"\n")
    first = first.strip()
    more = bool(rest.strip())
    if head.startswith(b"["):
        if kind == ".jsonl" and more and first.endswith(b"]") and _is_json(first):
            return JsonForm(".jsonl")  # packed rows: each line a list
        said = (f"{path}: a JSON list under the name of JSON Lines, read as the list it is.",) if kind == ".jsonl" else ()
        return JsonForm(".json", said=said)
    if not head.startswith(b"{") or (first.endswith((b"}", b"},")) and (more or kind == ".jsonl")):
        return JsonForm(".jsonl" if head.startswith(b"{") or kind == ".jsonl" else ".json")
    if kind == ".jsonl" and not more:
        return JsonForm(".jsonl")
    if kind == ".jsonl" and not _goes_over_lines(head):
        return JsonForm(".jsonl")
    return _form_of_object(path, kind, opener)


def _is_json(line: bytes) -> bool:
    return not isinstance(decode_row(line), RowFault)


def _goes_over_lines(head: bytes) -> bool:
    """Whether the first object ends on a later line than it begins, or not within what was read of it."""
    text = head.decode("utf-8", "ignore")
    try:
        _, end = _scan(text)
    except (ValueError, RecursionError) as error:
        return len(head) > _SNIFF_BYTES - 16 and getattr(error, "pos", 0) > text.find("\n") > 0
    return "\n" in text[:end]


def _form_of_object(path: Path, kind: str, opener: Opener) -> JsonForm:
    value = _read_object(path, opener)
    lists = [key for key, item in value.items() if isinstance(item, list) and item and all(isinstance(row, dict) for row in item[:100])]
    if len(lists) > 1 and {"images", "annotations"} <= value.keys():
        raise DataError(
            "is a COCO annotation file (images, annotations), not a list of rows.",
            where=str(path),
            cure=f"Run: vldata convert coco {path}",
        )
    turns = [key for key in lists if key in ("messages", "conversations", "conversation", "images", "videos", "tools")]
    if len(lists) == 1 and not turns:
        beside = ", ".join(key for key in value if key != lists[0])
        said = f"{path}: the rows are the list {lists[0]!r}{f'; beside it {beside} are not used' if beside else ''}."
        return JsonForm(".json", lists[0], said=(said,))
    if len(lists) > 1 and not turns:
        raise DataError(
            f"is an object with several lists: {', '.join(lists)}.",
            where=str(path),
            cure="Nobody can say which holds the rows, or whether they may be mixed: write each into a file of its own.",
        )
    rows = list(value.values())
    if rows and all(isinstance(text, str) for text in rows) and all(map(_MEDIA_NAME, value)):
        return JsonForm(".json", by_id=True, said=(f"{path}: an object of {len(rows):,} texts by the names of their images.",))
    if len(rows) > 1 and all(isinstance(row, dict) for row in rows) and set(rows[0]).intersection(*rows[1:]):
        return JsonForm(".json", by_id=True, said=(f"{path}: an object of {len(rows):,} rows by their ids.",))
    return JsonForm(".json")


def _read_object(path: Path, opener: Opener) -> dict[str, Any]:
    """Read a file that is one object, strictly, or name what it is instead."""
    raw = _read_all(path, opener)
    try:
        value: dict[str, Any] = strictjson.loads(raw)
    except strictjson.StrictJsonError as error:
        text = raw.decode("utf-8", "replace").strip()
        try:
            _, end = _scan(text)
        except (ValueError, RecursionError):
            fault = not_json(text, str(error)) if "not JSON" in str(error) else f"{error}."
            raise DataError(fault.replace("the row is", "is"), where=str(path), cure="Repair the file, or export it again.") from None
        if text[end:].lstrip().startswith("{"):
            raise DataError(f"the first row {PRETTY.replace('FILE', path.name)}.", where=str(path)) from None
        raise DataError(
            f"goes on after the end of its object: {text[end : end + 40]!r}.", where=str(path), cure="Repair the file."
        ) from None
    return value


def _read_all(path: Path, opener: Opener) -> bytes:
    try:
        with opener(path) as handle:
            return handle.read().removeprefix(_BOM)
    except OSError as error:
        raise read_error(path, error) from None
    except UnicodeDecodeError as error:
        raise _misread(path, error) from None


# --- lists and objects ---------------------------------------------------------------------------------------------------------------


def iter_json(path: Path, form: JsonForm, opener: Opener) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a JSON list, decoded one after the other, or those of an object.

    Raises:
        DataError: the list is damaged: cut, joined to another, or not JSON somewhere.
    """
    name = path.name
    if form.key:
        rows = _read_object(path, opener)[form.key]
        for index, row in enumerate(rows):
            yield f"{name}.{form.key}[{index}]", row if isinstance(row, dict | list) else _not_a_row(row)
        return
    raw = _read_all(path, opener)
    if not raw.lstrip().startswith(b"["):
        value = _read_object(path, opener) if raw.lstrip().startswith(b"{") else None
        if value is None:
            raise DataError("is neither a list of rows nor an object.", where=str(path), cure="Give a list of objects, or JSON Lines.")
        if form.by_id:
            for key, row in value.items():
                yield f"{name}[{key!r}]", {"image": key, "text": row} if isinstance(row, str) else {"__key__": key, **row}
        else:
            yield f"{name}[0]", value
        return
    try:
        rows = msgspec.json.decode(raw, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        yield from _walk_list(path, raw)
        return
    for index, row in enumerate(rows):
        yield f"{name}[{index}]", decode_row(row) if len(memoryview(row)) <= MAX_ROW_BYTES else _too_long(len(memoryview(row)))


def _walk_list(path: Path, raw: bytes) -> Iterator[tuple[str, Row]]:
    """Walk a list whose rows are not all JSON: NaN and the like cost their own row alone; whatever breaks the list refuses it."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"not UTF-8 at byte {error.start}.",
            where=f"{path}:{line}",
            cure="Export the file again as UTF-8, or name its encoding with --encoding.",
        ) from None
    for index, (start, end) in enumerate(_spans(path, text)):
        yield f"{path.name}[{index}]", decode_row(text[start:end].encode())


def _spans(path: Path, text: str) -> Iterator[tuple[int, int]]:
    """Yield where each item of a list begins and ends.

    Raises:
        DataError: at the place where the list is damaged.
    """
    position, index = _skip(text, text.index("[") + 1), 0
    closed = text[position : position + 1] == "]"
    while not closed:
        if position >= len(text):
            raise _damage(
                path,
                text,
                position,
                f"the list has no ] at its end: the file is cut behind row {index - 1}" if index else "the list has no ]",
            )
        try:
            _, end = _scan(text, position)
        except (ValueError, RecursionError) as error:
            raise _damage(path, text, getattr(error, "pos", position), _why_not(text, position, index, error)) from None
        yield position, end
        index += 1
        position = _skip(text, end)
        sign = text[position : position + 1]
        if sign == "]":
            closed = True
        elif sign == ",":
            position = _skip(text, position + 1)
            if text[position : position + 1] == "]":
                raise _damage(path, text, position, "a comma stands before the ] at the end of the list; take it out", "Repair the file.")
        elif sign:
            raise _damage(path, text, position, f"a comma is missing behind row {index - 1}: {text[position : position + 30]!r}")
    rest = _skip(text, position + 1)
    if rest < len(text):
        what = "another list follows it, as if two files were joined" if text[rest] == "[" else "there is more"
        raise _damage(path, text, rest, f"the list ends after {index} rows, but {what}: {text[rest : rest + 30]!r}")


def _why_not(text: str, position: int, index: int, error: Exception) -> str:
    if _is_cut(text[position:].encode()):
        return f"the file is cut in row {index}"
    item = text[position : position + 4_096]
    plain = f"row {index} is not JSON: {getattr(error, 'msg', 'nested too deeply')}"
    named = not_json(item.split("\n")[0].rstrip(","), plain)
    return named.rstrip(".") if named.startswith(PYTHON[:20]) else plain


def _damage(path: Path, text: str, position: int, what: str, cure: str = _AGAIN) -> DataError:
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    return DataError(f"{what} (line {line}, column {column}).", where=str(path), cure=cure)


def _skip(text: str, position: int) -> int:
    match = _SPACE(text, position)
    return match.end() if match else position
