"""Records of a file made into rows: the fields are chosen over the first records, then each record is read by them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import msgspec

from vldata.errors import DataError
from vleval.kept import KeptRows, settled
from vleval.readers.columns import ColumnsRead
from vleval.readers.fields import NumberText, id_text
from vleval.readers.formats import Format
from vleval.readers.plain import answer_of, references_at, taken_row
from vleval.readers.taken import Taken, choose, dig
from vleval.rows import Row
from vleval.settings import FieldNames

SAMPLE = 1_000  # records over which the fields are chosen
Placed = tuple[str, dict[str, Any]]  # where for messages, and the record


@dataclass(frozen=True)
class Collected:
    """The rows of a file, where those without an id stand, how many answers came as numbers, and which fields were read.

    `samples` says whether some rows are a further sample of a question.
    """

    rows: Sequence[Row]
    without_id: Sequence[str]
    numbers: int
    taken: Taken
    columns: dict[str, Sequence[str]]
    notes: tuple[str, ...] = ()
    samples: bool = False


def collect(records: Iterator[Placed], kind: Format, name: str, *, group_by: str, told: FieldNames) -> Collected:
    """Read all records.

    Raises:
        DataError: there is none, or one cannot be read; the message names its place.
    """
    head = list(islice(records, SAMPLE))
    if not head:
        raise DataError("holds no predictions.", where=name)
    taken = choose([record for _, record in head], told, head[0][0]) if kind.taken is None else _told(kind.taken, told)
    columns = ColumnsRead()
    rows = KeptRows(Row)
    without_id = KeptRows(str)
    numbers = 0
    samples = False
    for where, record in chain(head, records):
        if kind.taken is None:
            row = taken_row(record, where, group_by, taken)
            if type(number := record.get("sample")) is int and number >= 0:
                row = msgspec.structs.replace(row, sample=number)
        else:
            row = _overruled(kind.row(record, where, group_by), record, told, where)
        if not row.id:
            without_id.append(where)
            row = msgspec.structs.replace(row, id=str(len(rows) + 1))
        if type(row.prediction) is NumberText:
            numbers += 1
            row = msgspec.structs.replace(row, prediction=str(row.prediction))
        columns.add(record)
        rows.append(row)
        samples = samples or row.sample > 0
    found = columns.found(taken.prediction, taken.reference)
    return Collected(settled(rows), settled(without_id), numbers, taken, found, samples=samples)


def _told(taken: Taken, told: FieldNames) -> Taken:
    return Taken(id=told.id or taken.id, prediction=told.prediction or taken.prediction, reference=told.reference or taken.reference)


def _overruled(row: Row, record: dict[str, Any], told: FieldNames, where: str) -> Row:
    """The row of a tool's format with the fields that the user named instead of the tool's own."""
    changes: dict[str, Any] = {}
    if told.id:
        changes["id"] = id_text(dig(record, told.id, where), told.id, where)
    if told.prediction:
        changes["prediction"], changes["error"] = answer_of(
            dig(record, told.prediction, where), told.prediction, record.get("error"), where
        )
    if told.reference:
        dig(record, told.reference, where)
        changes["references"] = references_at(record, told.reference, where)
    return msgspec.structs.replace(row, **changes) if changes else row
