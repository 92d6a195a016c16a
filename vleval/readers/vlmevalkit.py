"""VLMEvalKit's result tables (xlsx, tsv, csv, json): index, question, answer, prediction, sometimes A to D, category, split.

A list of accepted answers stands in its cell as Python text, `['a', 'b']`, and is read back as a list.
"""

from __future__ import annotations

from typing import Any

from vldata.errors import DataError
from vleval.readers.containers import Record
from vleval.readers.fields import Context, alternatives, context_of, find_id, find_references, texts_of
from vleval.readers.plain import answer_of
from vleval.rows import Row

_CIRCLE = 1_000_000  # MMBench adds a million for each rotation of the options


def recognise(record: Record) -> bool:
    """`index` and `prediction` in each record, or as columns of one object."""
    return "index" in record and "prediction" in record


def records(record: Record, where: str) -> list[tuple[str, Record]]:
    """The rows of a JSON object that holds columns, as lists or as index-to-value objects; a record is itself.

    Raises:
        DataError: the columns differ in length.
    """
    columns = {key: _column(value) for key, value in record.items()}
    if not isinstance(record.get("index"), (list, dict)):
        return [("", record)]
    lengths = {len(column) for column in columns.values() if column is not None}
    if len(lengths) != 1:
        raise DataError(f"the columns have {' and '.join(str(n) for n in sorted(lengths))} entries.", where=where, cure="Export it again.")
    whole = {key: column for key, column in columns.items() if column is not None}
    return [(f"row {number + 1}", {key: column[number] for key, column in whole.items()}) for number in range(lengths.pop())]


def row(record: Record, where: str, group_by: str) -> Row:
    """Read one row of the table.

    Raises:
        DataError: no `index` or no `prediction`.
    """
    found = find_id(record, where, ("index",))
    if found is None or "prediction" not in record:
        raise DataError("no 'index' and 'prediction': it is not a row of VLMEvalKit's results.", where=where)
    prediction, error = answer_of(record["prediction"], "prediction", record.get("error"), where)
    context: Context = context_of(record, where, group_by)
    if "kind" not in context and record.get("split") in ("test_human", "test_augmented", "human", "augmented"):
        context["kind"] = str(record["split"]).removeprefix("test_")
    answer = record.get("answer")
    many = alternatives(answer) if isinstance(answer, str) else None
    references = many or (texts_of(answer, "answer", where) if answer not in ("", None) else ())
    if "answer" not in record:
        references = find_references(record, where, skip="prediction")
    if circle := _circle(record, found):
        context.setdefault("groups", {})["circle"] = circle
    return Row(id=found, prediction=prediction, error=error, references=references, **context)


def _column(value: Any) -> list[Any] | None:
    if isinstance(value, list):
        return value
    return list(value.values()) if isinstance(value, dict) else None


def _circle(record: Record, index: str) -> str:
    """The question that a pass of circular evaluation belongs to: `g_index`, or the index of MMBench without its millions."""
    if record.get("g_index") not in (None, ""):
        return str(record["g_index"]).removesuffix(".0")
    question = index.isascii() and index.isdigit() and "A" in record
    return str(int(index[:18]) % _CIRCLE) if question else ""
