"""How records are in a file: JSON Lines, one JSON document, a table, an .eval archive. What the records mean is the formats' business.

`look` decides by content, not by the file's ending, and `iter_records` streams `(place, record)` where the container allows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from vldata.errors import DataError
from vldata.files import strictjson
from vleval.readers import jsonfast, tables
from vleval.readers.layouts import unfold
from vleval.readers.source import HEAD_BYTES, PredictionsSource

Container = Literal["jsonl", "json-list", "json-object", "unfolded", "xlsx", "tsv", "csv", "eval"]
Record = dict[str, Any]
Placed = tuple[str, Record]  # where the record stands ("line 3", "item 3", "row 3"), and the record

_BOM = b"\xef\xbb\xbf"
_STRING_OR_NAN = re.compile(rb'"(?:[^"\\]|\\.)*"|\bNaN\b', re.DOTALL)
_EXPORT_AGAIN = "Repair the file or export it again."


@dataclass(frozen=True)
class Look:
    """What a glance at a file shows. `first` is its first record, or the whole document for "json-object"."""

    container: Container
    first: Record


def look(source: PredictionsSource, encoding: str = "") -> Look:
    """Find the container and the first record.

    Raises:
        DataError: the file is none of the containers, or holds no record.
    """
    container = _container(source, encoding)
    if container == "json-object":
        document = read_document(source)
        records = None if _is_one(document) else unfold(document, source.name)
        if records:
            return Look("unfolded", records[0][1])
        return Look(container, document)
    for _, record in iter_records(source, container, encoding):
        return Look(container, record)
    raise DataError("holds no predictions.", where=source.name)


def iter_records(source: PredictionsSource, container: Container, encoding: str = "") -> Iterator[Placed]:
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
        case "unfolded":
            yield from unfold(read_document(source), source.name) or ()
        case "tsv" | "csv":
            yield from tables.iter_table(source, encoding)
        case "xlsx":
            from vleval.readers.xlsx import iter_xlsx

            yield from iter_xlsx(source)
        case "eval":
            from vleval.readers.evalzip import iter_eval_samples

            yield from iter_eval_samples(source)


def place(source: PredictionsSource, spot: str) -> str:
    """`file:12` for a line, `file: row 12` otherwise."""
    if spot.startswith("line "):
        return f"{source.name}:{spot[5:]}"
    return f"{source.name}: {spot}" if spot else source.name


def read_document(source: PredictionsSource) -> Record:
    """Read a file that is one JSON object."""
    value = _read_json(source)
    if not isinstance(value, dict):
        raise DataError("is not a JSON object.", where=source.name)
    return value


def _container(source: PredictionsSource, encoding: str = "") -> Container:
    head = source.head.removeprefix(_BOM)
    if head.startswith(b"PK\x03\x04"):
        from vleval.readers.evalzip import is_xlsx

        return "xlsx" if is_xlsx(source) else "eval"
    _refuse_by_name(source, head)
    start = head.lstrip()
    if start.startswith(b"["):
        return "json-list"
    if start.startswith(b"{"):
        return "jsonl" if _is_lines(source) else "json-object"
    first_line = tables.first_line(source, encoding)
    delimiter = tables.delimiter_of(first_line)
    if delimiter and (delimiter == "\t" or "{" not in first_line):
        return "tsv" if delimiter == "\t" else "csv"
    raise DataError(
        "is neither JSON, JSON Lines, a table with a header line, an xlsx workbook nor an .eval log.",
        where=source.name,
        cure="One JSON object a line with id and prediction is always understood.",
    )


_REFUSED = (
    (b"PAR1", "is a parquet file, which is not read.", "Export it as JSON Lines or csv."),
    (b"\x1f\x8b", "is packed with gzip.", "Unpack it first: gunzip"),
    (b"\x28\xb5\x2f\xfd", "is packed with zstandard.", "Unpack it first: unzstd"),
    (b"\xd0\xcf\x11\xe0", "is a workbook of the old kind (.xls), which is not read.", "Save it as .xlsx or csv."),
)


def _refuse_by_name(source: PredictionsSource, head: bytes) -> None:
    """Stop at a file that is well-formed and not for us, by what it is.

    Raises:
        DataError: it is a pickle, a packed file, or a format that is not read.
    """
    pickled = head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")
    if pickled or source.name.endswith((".pkl", ".pickle", ".pt", ".pth")):
        raise DataError(
            "is a pickle, and to open a pickle is to run the program inside it: it is not read.",
            where=source.name,
            cure="Write the predictions as xlsx, tsv or json (VLMEvalKit: PRED_FORMAT=tsv).",
        )
    for mark, fault, cure in _REFUSED:
        if head.startswith(mark):
            raise DataError(fault, where=source.name, cure=cure)


def _is_lines(source: PredictionsSource) -> bool:
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
    return not (_is_one(value) or unfold(value, source.name))


def _is_one(document: Record) -> bool:
    """Whether a document is of a format that is one object: a log, VLMEvalKit's columns, COCO's annotations, a sheet of marks."""
    columns = isinstance(document.get("index"), (list, dict)) and "prediction" in document
    log = "samples" in document and "eval" in document
    coco = isinstance(document.get("images"), list) and isinstance(document.get("annotations"), list)
    return columns or log or coco or (bool(document) and all(_is_mark(item) for item in document.values()))


def _is_mark(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 5


def _iter_jsonl(source: PredictionsSource) -> Iterator[Placed]:
    loads = jsonfast.loads
    for number, line in strictjson.iter_lines(source.path):
        try:
            record = loads(line)
        except strictjson.StrictJsonError as error:
            raise DataError(f"{error}.", where=f"{source.name}:{number}", cure=_EXPORT_AGAIN) from None
        if not isinstance(record, dict):
            raise DataError(f"is a JSON {_kind(record)}, not an object.", where=f"{source.name}:{number}", cure=_EXPORT_AGAIN)
        yield f"line {number}", record


def _iter_json_list(source: PredictionsSource) -> Iterator[Placed]:
    value = _read_json(source)
    if not isinstance(value, list):
        raise DataError("is not a JSON list.", where=source.name)
    for number, record in enumerate(value, start=1):
        if not isinstance(record, dict):
            raise DataError(f"is a JSON {_kind(record)}, not an object.", where=f"{source.name}: item {number}", cure=_EXPORT_AGAIN)
        yield f"item {number}", record


def _read_json(source: PredictionsSource) -> Any:
    """A whole document. NaN stands for an empty cell in what pandas and VLMEvalKit write, and is read as null."""
    raw = strictjson.read_bytes(source.path).removeprefix(_BOM)
    try:
        return jsonfast.loads(_STRING_OR_NAN.sub(_null_for_nan, raw) if b"NaN" in raw else raw)
    except strictjson.StrictJsonError as error:
        raise DataError(f"{error}.", where=source.name, cure=_EXPORT_AGAIN) from None


def _null_for_nan(token: re.Match[bytes]) -> bytes:
    return b"null" if token[0] == b"NaN" else token[0]


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return {str: "text", int: "number", float: "number", list: "list"}.get(type(value), "object")
