"""Rows of JSON and JSON Lines as a tolerant reader takes them, each with the number of its line.

Readers differ in what they forgive, so nothing is refused here: a line that cannot be read comes as `Broken`, and what a strict reader
would stumble on is told by the consumer's rules.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from vldata.files import strictjson

_decode = msgspec.json.Decoder().decode
_BOM = b"\xef\xbb\xbf"
_SPACE = " \t\r\n"


class Broken(NamedTuple):
    """A line that is no JSON: why, and how (`json`, `utf8`, `twice` for a key that stands twice, `surrogate`)."""

    kind: str
    reason: str


Row = tuple[int | str, Any]  # line from 1, or [index] in a list whose rows share lines; and the value or `Broken`


class JsonFile(NamedTuple):
    """A file of rows: `form` is `lines`, `list` or `object`; `bom` tells whether it begins with a byte order mark."""

    path: Path
    form: str
    bom: bool

    def rows(self) -> Iterator[Row]:
        """Yield the rows in order.

        Raises:
            DataError: the file cannot be read.
        """
        return _iter_lines(self.path) if self.form == "lines" else _iter_list(self.path)


def open_json(path: Path) -> JsonFile:
    """Tell how a file holds its rows by its first bytes.

    Raises:
        DataError: the file cannot be read.
    """
    raw = strictjson.read_head(path, 1 << 16)
    bom = raw.startswith(_BOM)
    head = raw.removeprefix(_BOM).lstrip()
    return JsonFile(path, "list" if head.startswith(b"[") and not _begins_with_line(head) else "lines", bom)


def _begins_with_line(head: bytes) -> bool:
    """Whether the first line is a list of its own and another follows it: rows that are lists."""
    first, _, rest = head.partition(b"\n")
    if not rest.lstrip().startswith(b"["):
        return False
    return not isinstance(read_value(first.strip()), Broken)


def _iter_lines(path: Path) -> Iterator[Row]:
    lines = strictjson.iter_lines(path, tell_long=True)
    for number, line in lines:
        value = read_value(line)
        if type(value) is Broken and line.lstrip()[:1] in (b"{", b"}", b'"', b"]") and value.kind == "json":
            yield from _stream(path, number)
            return
        yield number, value


def _stream(path: Path, first: int) -> Iterator[Row]:
    """Yield objects that go over several lines, from a line on; what is no JSON ends the file for those who read it so."""
    text = strictjson.read_bytes(path).removeprefix(_BOM).decode("utf-8", "surrogateescape")
    place = 0
    for _ in range(first - 1):
        place = text.index("\n", place) + 1
    scan, line = json.JSONDecoder().raw_decode, first
    while True:
        begin = _skip(text, place)
        line += text.count("\n", place, begin)
        if begin >= len(text):
            return
        try:
            value, end = scan(text, begin)
        except (ValueError, RecursionError):
            stop = text.find("\n", begin)
            stop = len(text) if stop < 0 else stop
            yield line, read_value(text[begin:stop].encode("utf-8", "surrogateescape"))
            place, line = stop + 1, line + 1
            continue
        yield line, value
        line += text.count("\n", begin, end)
        place = end


def _iter_list(path: Path) -> Iterator[Row]:
    raw = strictjson.read_bytes(path).removeprefix(_BOM)
    try:
        items = msgspec.json.decode(raw, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = read_value(raw)
        if isinstance(value, Broken):
            yield from _iter_damaged(raw, value)
        else:
            yield from ((f"[{index}]", item) for index, item in enumerate(value))
        return
    if raw.count(b"\n") + 1 < len(items):
        yield from ((f"[{index}]", read_value(bytes(item))) for index, item in enumerate(items))
        return
    place, line = 0, 1
    for item in items:
        data = bytes(item)
        begin = raw.index(data, place)
        line += raw.count(b"\n", place, begin)
        place = begin
        yield line, read_value(data)


def _iter_damaged(raw: bytes, fault: Broken) -> Iterator[Row]:
    """Yield the rows before the damage of a list, then the damage."""
    text = raw.decode("utf-8", "surrogateescape")
    place, scan = text.find("[") + 1, json.JSONDecoder().raw_decode
    line, counted, shared = 1, 0, "\n" not in text
    for index in itertools.count():
        place = _skip(text, place, ",")
        line += text.count("\n", counted, place)
        counted = place
        where = f"[{index}]" if shared else line
        try:
            value, place = scan(text, place)
        except (ValueError, RecursionError):
            yield where, fault
            return
        yield where, value


def _skip(text: str, place: int, more: str = "") -> int:
    while place < len(text) and text[place] in _SPACE + more:
        place += 1
    return place


def read_value(raw: bytes) -> Any:
    """Decode one JSON value; NaN and Infinity pass. Returns `Broken` for what no reader takes."""
    try:
        value = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _slowly(raw)
    if raw.count(b'":') != _keys(value) or b'" :' in raw:
        twice = _twice(raw)
        return Broken("twice", twice) if twice else value
    return value


def _slowly(raw: bytes) -> Any:
    if isinstance(raw, strictjson.LongLine):
        return Broken("long", f"the line has {raw.size:,} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return Broken("utf8", f"'utf-8' codec can't decode byte 0x{raw[error.start]:02x} in position {error.start}: {error.reason}")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return Broken("json", f"{error.msg} at column {error.colno}")
    except (ValueError, RecursionError) as error:
        return Broken("json", str(error).split(";")[0])
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return Broken("surrogate", "half of a surrogate pair")
    return value


def _twice(raw: bytes) -> str:
    """Name a key that stands twice in one object."""
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        found.extend(name for name in set(names) if names.count(name) > 1)
        return dict(pairs)

    json.loads(raw, object_pairs_hook=look)
    return found[0] if found else ""


def _keys(value: Any) -> int:
    """Count the keys of all objects in a value."""
    if type(value) is dict:
        count = len(value)
        for item in value.values():
            if type(item) is list:
                for inner in item:
                    if type(inner) is dict:
                        count += len(inner)
                        for deep in inner.values():
                            if type(deep) is list or type(deep) is dict:
                                count += _keys(deep)
                    elif type(inner) is list:
                        count += _keys(inner)
            elif type(item) is dict:
                count += _keys(item)
        return count
    return sum(map(_keys, value)) if type(value) is list else 0
