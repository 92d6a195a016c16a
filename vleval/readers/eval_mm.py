"""What the eval_mm scripts of Qwen-VL and InternVL write: question, question_id, answer (the model's), annotation (the truth)."""

from __future__ import annotations

from vldata.errors import DataError
from vleval.readers.containers import Record
from vleval.readers.fields import context_of, find_id
from vleval.readers.names import PREDICTIONS, plain_name
from vleval.readers.plain import answer_of, references_at
from vleval.rows import Row


def recognise(record: Record) -> bool:
    """`answer` and `annotation`, and no other field that could be the model's."""
    return "answer" in record and "annotation" in record and not any(plain_name(key) in PREDICTIONS for key in record)


def row(record: Record, where: str, group_by: str) -> Row:
    """Read one record.

    Raises:
        DataError: no `answer` or no `annotation`.
    """
    if "answer" not in record or "annotation" not in record:
        raise DataError("no 'answer' and 'annotation': it is not a record of eval_mm's output.", where=where)
    prediction, error = answer_of(record["answer"], "answer", record.get("error"), where)
    references = references_at(record, "annotation", where)
    context = context_of(record, where, group_by)
    return Row(id=find_id(record, where) or "", prediction=prediction, error=error, references=references, **context)
