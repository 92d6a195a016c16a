"""lmms-eval's samples_*.jsonl: doc_id, target, filtered_resps, sometimes resps, doc, arguments.

`filtered_resps` is one text, or a list with one text per request. `target` is always text: a list of accepted answers comes as its Python
form and is read back as a list.
"""

from __future__ import annotations

from typing import Any

from vldata.errors import DataError
from vleval.readers.containers import Record
from vleval.readers.fields import Context, alternatives, context_of, find_id, texts_of
from vleval.readers.plain import answer_of
from vleval.rows import Row


def row(record: Record, where: str, group_by: str) -> Row:
    """Read one sample.

    Raises:
        DataError: no `filtered_resps`, or several requests in one sample.
    """
    if "filtered_resps" not in record or "doc_id" not in record:
        raise DataError("no 'filtered_resps' and 'doc_id': it is not a line of lmms-eval's samples.", where=where)
    prediction, error = answer_of(_single(record["filtered_resps"], where), "filtered_resps", record.get("error"), where)
    doc = record.get("doc")
    context: Context = context_of({**doc, **record} if isinstance(doc, dict) else record, where, group_by)
    if isinstance(record.get("input"), str):
        context.setdefault("question", record["input"])
    return Row(
        id=find_id(record, where, ("doc_id",)) or "",
        prediction=prediction,
        error=error,
        references=_targets(record, where),
        **context,
    )


def _single(value: Any, where: str) -> Any:
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, list):
        raise DataError(
            f"filtered_resps holds {len(value)} answers: a multiple-choice likelihood task or repeats.",
            where=where,
            cure="Only generated answers, one a question, can be scored from text.",
        )
    return value


def _targets(record: Record, where: str) -> tuple[str, ...]:
    target = record.get("target")
    if isinstance(target, str) and (many := alternatives(target)):
        return many
    return texts_of(target, "target", where)
