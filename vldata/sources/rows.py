r"""Annotation files as rows: JSON Lines, JSON, CSV, TSV and parquet, one row at a time, each with its place.

A row that is not strict JSON is yielded as a `RowFault` in its place, so that one bad line costs one record. Rows are decoded by
msgspec, which refuses NaN, lone surrogates and bytes that are not UTF-8; what it lets pass, a key used twice, is found by counting
keys, and whatever is in doubt is parsed again by `strictjson`.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from vldata.causes import absent_cure
from vldata.errors import DataError, UsageError
from vldata.files import strictjson
from vldata.files.parquet import iter_parquet_rows, parquet_columns
from vldata.files.paths import refuse_archive

SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".ndjson")
MAX_ROW_BYTES = 16 * 1024 * 1024
_MAX_CELL_BYTES = 64 * 1024 * 1024
_BLOCK_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"

_SPACED_COLON = re.compile(rb'"[ \t\r\n]+:').search  # the one way a key escapes the count of `":`
_decode = msgspec.json.Decoder().decode


class RowFault(NamedTuple):
    """Why a place in a file holds no usable row. `code` is a key of `vldata.records.codes.CODES`."""

    code: str
    reason: str


Row = dict[str, Any] | list[Any] | RowFault


class RowFile(NamedTuple):
    """One annotation file and how it is read."""

    path: Path
    kind: str  # a suffix of SUFFIXES

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Yield `(where, row or fault)` in file order; `where` is `file:line` or `file[index]`.

        Raises:
            DataError: the file as a whole cannot be read.
        """
        if self.kind in (".jsonl", ".ndjson"):
            return _iter_jsonl(self.path)
        if self.kind == ".json":
            return _iter_json(self.path)
        if self.kind == ".parquet":
            return _iter_parquet(self.path)
        return _iter_cells(self.path, "\t" if self.kind == ".tsv" else ",")

    def names(self, wanted: tuple[str, ...]) -> frozenset[str]:
        """Tell which of the names stand anywhere in the file as quoted texts or as columns: no key of a row can be another one.

        A name that is only text somewhere is told too. So a column may be empty throughout, but none appears late.
        """
        if self.kind == ".parquet":
            columns = parquet_columns(self.path)
            return frozenset(name for name in wanted if any(name in text for text in (*columns, *columns.values())))
        return find_names(self.path, wanted, quoted=self.kind not in (".csv", ".tsv"))


def open_rows(path: Path) -> RowFile:
    """Open an annotation file by its suffix; a `.json` file that holds JSON Lines is read as such.

    Raises:
        DataError: there is no such file.
        UsageError: the suffix is none of ours.
    """
    refuse_archive(path)
    if not path.exists():
        raise DataError("is not there.", where=str(path), cure=absent_cure(path))
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise UsageError(f"{path.name!r} is not an annotation file.", where=str(path), cure=f"Files may end in {', '.join(SUFFIXES)}.")
    if not path.is_file():
        raise DataError("is not a file.", where=str(path), cure="Give the annotation file.")
    if kind == ".json" and _is_lines(path):
        kind = ".jsonl"
    return RowFile(path, kind)


def _is_lines(path: Path) -> bool:
    """Whether the first line is a JSON object on its own and another follows."""
    with path.open("rb") as handle:
        first = handle.readline(MAX_ROW_BYTES).removeprefix(_BOM).strip()
        if not (first.startswith(b"{") and first.endswith(b"}")):
            return False
        return handle.readline(64).lstrip().startswith(b"{")


def find_names(path: Path, wanted: tuple[str, ...], *, quoted: bool = True) -> frozenset[str]:
    """Tell which names stand anywhere in the bytes of a file, in quotes as the keys of JSON are."""
    left = set(wanted)
    search = _any_of(left, quoted=quoted)
    tail = b""
    with path.open("rb") as handle:
        while left and (block := handle.read(_BLOCK_BYTES)):
            text, position = tail + block, 0
            while left and (match := search(text, position)):
                left.discard(match.group().strip(b'"').decode())
                search, position = _any_of(left, quoted=quoted), match.start()
            tail = text[-64:]
    return frozenset(wanted) - left


def _any_of(names: set[str], *, quoted: bool) -> Callable[[bytes, int], re.Match[bytes] | None]:
    """Return the search for any of the names: one pass for all is several times faster than one for each."""
    mark = '"' if quoted else ""
    names_or = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.compile(f"{mark}(?:{names_or}){mark}".encode()).search


# --- JSON ----------------------------------------------------------------------------------------------------------------------------


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
        return RowFault("VL001", f"{error}.")
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


def _iter_jsonl(path: Path) -> Iterator[tuple[str, Row]]:
    name = path.name
    for number, line in strictjson.iter_lines(path, max_line_bytes=MAX_ROW_BYTES, tell_long=True):
        if isinstance(line, strictjson.LongLine):
            yield f"{name}:{number}", _too_long(line.size)
        else:
            yield f"{name}:{number}", decode_row(line)


def _too_long(size: int) -> RowFault:
    return RowFault("VL208", f"the row has {size:,} bytes; at most {MAX_ROW_BYTES:,} are read.")


def _iter_json(path: Path) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a JSON list, decoded one after the other; of an object of objects, its values."""
    raw = strictjson.read_bytes(path).removeprefix(_BOM)
    try:
        rows: list[msgspec.Raw] = msgspec.json.decode(raw, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        yield from _iter_json_slowly(path, raw)
        return
    for index, row in enumerate(rows):
        where = f"{path.name}[{index}]"
        yield where, decode_row(row) if len(memoryview(row)) <= MAX_ROW_BYTES else _too_long(len(memoryview(row)))


def _iter_json_slowly(path: Path, raw: bytes) -> Iterator[tuple[str, Row]]:
    """Walk a list whose rows are not all JSON: NaN and the like cost their own row alone."""
    if not raw.lstrip().startswith(b"["):
        value = strictjson.read_json(path)
        if isinstance(value, dict):
            yield f"{path.name}[0]", value
            return
        raise DataError("is not a list of rows.", where=str(path), cure="Give a list of objects, or JSON Lines.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 at byte {error.start}.", where=str(path), cure="Export the file again as UTF-8.") from None
    scan, index, position = json.JSONDecoder().raw_decode, 0, _skip_space(text, text.index("[") + 1)
    while text[position : position + 1] not in ("]", ""):
        where = f"{path.name}[{index}]"
        try:
            _, end = scan(text, position)
        except (ValueError, RecursionError) as error:
            raise DataError(f"not JSON from here on: {error}.", where=f"{path}[{index}]", cure="Repair the file.") from None
        yield where, decode_row(text[position:end].encode())
        index, position = index + 1, _skip_space(text, end)
        if text[position : position + 1] == ",":
            position = _skip_space(text, position + 1)


def _skip_space(text: str, position: int) -> int:
    while text[position : position + 1] in (" ", "\t", "\r", "\n"):
        position += 1
    return position


# --- tables --------------------------------------------------------------------------------------------------------------------------


def _iter_parquet(path: Path) -> Iterator[tuple[str, Row]]:
    for number, cells in iter_parquet_rows(path):
        yield f"{path.name}[{number}]", cells


def _iter_cells(path: Path, delimiter: str) -> Iterator[tuple[str, Row]]:
    csv.field_size_limit(_MAX_CELL_BYTES)
    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.reader(handle, delimiter=delimiter)
        try:
            header = next(reader, [])
            for cells in reader:
                where = f"{path.name}:{reader.line_num}"
                if not cells:
                    continue
                if len(cells) != len(header):
                    yield where, RowFault("VL201", f"the row has {len(cells)} cells under {len(header)} columns.")
                else:
                    yield where, dict(zip(header, cells, strict=True))
        except (csv.Error, UnicodeDecodeError) as error:
            raise DataError(f"cannot be read: {error}.", where=f"{path}:{reader.line_num}") from None
