"""How records lie in a file: JSON Lines, one JSON document, a table, an .eval archive. What the records mean is the formats' business.

`look` decides by content, not by the file's ending, and `iter_records` streams `(place, record)` where the container allows it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from vldata.errors import DataError
from vldata.files import strictjson
from vleval.readers import jsonfast
from vleval.readers.source import HEAD_BYTES, Source

Container = Literal["jsonl", "json-list", "json-object", "xlsx", "tsv", "csv", "eval"]
Record = dict[str, Any]
Placed = tuple[str, Record]  # where the record stands ("line 3", "item 3", "row 3"), and the record

_BOM = b"\xef\xbb\xbf"
_EXPORT_AGAIN = "Repair the file or export it again."


@dataclass(frozen=True)
class Look:
    """What a glance at a file shows. `first` is its first record, or the whole document for "json-object"."""

    container: Container
    first: Record


def look(source: Source) -> Look:
    """Find the container and the first record.

    Raises:
        DataError: the file is none of the containers, or holds no record.
    """
    container = _container(source)
    if container == "json-object":
        return Look(container, read_document(source))
    for _, record in iter_records(source, container):
        return Look(container, record)
    raise DataError("holds no predictions.", where=source.name)


def iter_records(source: Source, container: Container) -> Iterator[Placed]:
    """Stream the records of a file.

    Raises:
        DataError: naming the file and line of the first fault.
    """
    match container:
        case "jsonl":
            yield from _iter_jsonl(source)
        case "json-list":
            yield from _iter_json_list(source)
        case "json-object":
            yield "", read_document(source)
        case "tsv" | "csv":
            yield from _iter_table(source, "\t" if container == "tsv" else ",")
        case "xlsx":
            from vleval.readers.xlsx import iter_xlsx

            yield from iter_xlsx(source)
        case "eval":
            from vleval.readers.evalzip import iter_eval_samples

            yield from iter_eval_samples(source)


def place(source: Source, spot: str) -> str:
    """`file:12` for a line, `file: row 12` otherwise."""
    if spot.startswith("line "):
        return f"{source.name}:{spot[5:]}"
    return f"{source.name}: {spot}" if spot else source.name


def read_document(source: Source) -> Record:
    """Read a file that is one JSON object."""
    value = _read_json(source)
    if not isinstance(value, dict):
        raise DataError("is not a JSON object.", where=source.name)
    return value


def _container(source: Source) -> Container:
    head = source.head.removeprefix(_BOM)
    if head.startswith(b"PK\x03\x04"):
        from vleval.readers.evalzip import is_xlsx

        return "xlsx" if is_xlsx(source) else "eval"
    start = head.lstrip()
    if start.startswith(b"["):
        return "json-list"
    if start.startswith(b"{"):
        return "jsonl" if _is_lines(source) else "json-object"
    first_line = start.split(b"\n", 1)[0]
    if b"\t" in first_line:
        return "tsv"
    if b"," in first_line and b"{" not in first_line:
        return "csv"
    raise DataError(
        "is neither JSON, JSON Lines, a table with a header line, an xlsx workbook nor an .eval log.",
        where=source.name,
        cure="One JSON object a line with id and prediction is always understood.",
    )


def _is_lines(source: Source) -> bool:
    """Tell JSON Lines from a JSON document: its first line is a whole record, and if it is the only one, no log and no sheet of marks."""
    with source.path.open("rb") as handle:
        line = b""
        while not line.strip() and (read := handle.readline(strictjson.MAX_LINE_BYTES)):
            line = read.removeprefix(_BOM)
        rest = handle.read(HEAD_BYTES)
    try:
        value = jsonfast.loads(line)
    except strictjson.StrictJsonError:
        # A broken first line of JSON Lines is reported as such, a brace alone on its line opens a document.
        return line.strip() != b"{" and b'":' in line and rest.lstrip().startswith(b"{")
    if rest.strip() or not isinstance(value, dict):
        return True
    columns = isinstance(value.get("index"), (list, dict))
    return not (columns or "samples" in value or (value and all(_is_mark(item) for item in value.values())))


def _is_mark(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _iter_jsonl(source: Source) -> Iterator[Placed]:
    loads = jsonfast.loads
    for number, line in strictjson.iter_lines(source.path):
        try:
            record = loads(line)
        except strictjson.StrictJsonError as error:
            raise DataError(f"{error}.", where=f"{source.name}:{number}", cure=_EXPORT_AGAIN) from None
        if not isinstance(record, dict):
            raise DataError(f"is a JSON {_kind(record)}, not an object.", where=f"{source.name}:{number}", cure=_EXPORT_AGAIN)
        yield f"line {number}", record


def _iter_json_list(source: Source) -> Iterator[Placed]:
    value = _read_json(source)
    if not isinstance(value, list):
        raise DataError("is not a JSON list.", where=source.name)
    for number, record in enumerate(value, start=1):
        if not isinstance(record, dict):
            raise DataError(f"is a JSON {_kind(record)}, not an object.", where=f"{source.name}: item {number}", cure=_EXPORT_AGAIN)
        yield f"item {number}", record


def _read_json(source: Source) -> Any:
    raw = strictjson.read_bytes(source.path).removeprefix(_BOM)
    try:
        return jsonfast.loads(raw)
    except strictjson.StrictJsonError as error:
        raise DataError(f"{error}.", where=source.name, cure=_EXPORT_AGAIN) from None


def _iter_table(source: Source, delimiter: str) -> Iterator[Placed]:
    csv.field_size_limit(strictjson.MAX_LINE_BYTES)
    try:
        text = strictjson.read_bytes(source.path).removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 at byte {error.start}.", where=source.name, cure=_EXPORT_AGAIN) from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        if len(set(header)) != len(header):
            raise DataError("two columns have the same name.", where=f"{source.name}:1", cure=_EXPORT_AGAIN)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise DataError(
                    f"has {len(cells)} cells, but the header has {len(header)}.",
                    where=f"{source.name}:{reader.line_num}",
                    cure=_EXPORT_AGAIN,
                )
            yield f"line {reader.line_num}", dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise DataError(f"{error}.", where=f"{source.name}:{reader.line_num}", cure=_EXPORT_AGAIN) from None


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return {str: "text", int: "number", float: "number", list: "list"}.get(type(value), "object")
