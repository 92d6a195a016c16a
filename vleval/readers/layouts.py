"""One JSON object that holds many records: in an envelope, by id, by number, or in columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vldata.errors import DataError
from vleval.readers.names import IDS, PREDICTIONS, REFERENCES, WEAK, plain_name

Record = dict[str, Any]
VALUE = "value"  # the field that `{id: answer}` is read into
_ENVELOPES = """
data annotations questions results predictions samples items examples instances rows records answers responses outputs entries list
test val validation dev train
"""
_ENVELOPE_NAMES = frozenset(_ENVELOPES.split())


def unfold(document: Mapping[str, Any], where: str) -> list[tuple[str, Record]] | None:
    """The records of a document, each with its place; None for an object that is one record itself.

    Raises:
        DataError: the document holds several lists of records, or columns of different lengths.
    """
    if (enveloped := _enveloped(document, where)) is not None:
        return enveloped
    if not document or _is_record(document):
        return _columns(document, where)
    values = list(document.values())
    if all(isinstance(value, Mapping) for value in values):
        return [(f"entry {key!r}", _with_id(key, value)) for key, value in document.items()]
    if all(_is_answer(value) for value in values):
        return [(f"entry {key!r}", {"id": key, VALUE: value}) for key, value in document.items()]
    return None


def _enveloped(document: Mapping[str, Any], where: str) -> list[tuple[str, Record]] | None:
    lists = [key for key, value in document.items() if _is_records(value)]
    known = [key for key in lists if plain_name(key) in _ENVELOPE_NAMES]
    if isinstance(columns := document.get("columns"), list) and isinstance(rows := document.get("data"), list):
        return _split(columns, rows, where)  # pandas, orient="split"
    if not lists or (not known and _is_record(document)):
        return None
    found = known or lists
    if len(found) > 1:
        raise DataError(
            f"holds several lists of records: {', '.join(map(repr, found))}.", where=where, cure="Write the one that is meant into a file."
        )
    outer = {
        key: value for key, value in document.items() if isinstance(value, str) and key in ("split", "dataset", "dataset_name", "task")
    }
    return [(f"item {number} of {found[0]!r}", {**outer, **record}) for number, record in enumerate(document[found[0]], start=1)]


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _is_record(document: Mapping[str, Any]) -> bool:
    """Whether the keys are names of fields rather than ids."""
    names = [plain_name(str(key)) for key in document]
    known = sum(name in PREDICTIONS or name in WEAK or name in REFERENCES or name in IDS for name in names)
    return known > 0 and known * 4 >= len(names)


def _is_answer(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, (str, int, float)) for item in value)
    return value is None or (isinstance(value, (str, int, float)) and not isinstance(value, bool))


def _with_id(key: str, record: Mapping[str, Any]) -> Record:
    """The record with the key it stands under as its id, where it has none of its own."""
    own = any(plain_name(name) in IDS for name in record)
    return dict(record) if own else {"id": key, **record}


def _columns(document: Mapping[str, Any], where: str) -> list[tuple[str, Record]] | None:
    """Columns as pandas writes them, lists or index-to-value objects; None where the object is a record."""
    columns = [list(value.values()) if isinstance(value, Mapping) else value for value in document.values()]
    if not columns or not all(isinstance(column, list) for column in columns):
        return None
    lengths = sorted({len(column) for column in columns})
    if len(lengths) != 1:
        raise DataError(f"the columns have {' and '.join(map(str, lengths))} entries.", where=where, cure="Export it again.")
    rows = zip(*columns, strict=True)
    return [(f"row {number}", dict(zip(document, cells, strict=True))) for number, cells in enumerate(rows, start=1)]


def _split(columns: list[Any], rows: list[Any], where: str) -> list[tuple[str, Record]] | None:
    if not all(isinstance(cells, list) and len(cells) == len(columns) for cells in rows):
        return None
    return [(f"row {number}", dict(zip(map(str, columns), cells, strict=True))) for number, cells in enumerate(rows, start=1)]
