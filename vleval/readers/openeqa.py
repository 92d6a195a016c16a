"""OpenEQA: results `[{question_id, answer}]` and judge marks `{question_id: 1..5}`.

A mark sheet has no answers: its rows carry the mark in `extra["mark"]` and can only be scored by `llm_match`, or be joined to results.
"""

from __future__ import annotations

from vldata.errors import DataError
from vleval.readers.containers import Record
from vleval.readers.fields import context_of, find_id, text_of
from vleval.readers.plain import answer_of
from vleval.rows import Row


def recognise_results(record: Record) -> bool:
    """`question_id` and `answer` and nothing else but an error: with more, another field could be the prediction."""
    return {"question_id", "answer"} <= record.keys() <= {"question_id", "answer", "error"}


def row(record: Record, where: str, group_by: str) -> Row:
    """Read one result; a null answer is none, as upstream has it.

    Raises:
        DataError: no `question_id` or no `answer`.
    """
    found = find_id(record, where, ("question_id",))
    if found is None or "answer" not in record:
        raise DataError("no 'question_id' and 'answer': it is not an entry of OpenEQA's results.", where=where)
    prediction, error = answer_of(record["answer"], "answer", record.get("error"), where)
    return Row(id=found, prediction=prediction, error=error, references=(), **context_of(record, where, group_by))


def recognise_marks(record: Record) -> bool:
    """An object whose values are all numbers from 0 to 5; others are answers."""
    return bool(record) and all(
        isinstance(mark, (int, float)) and not isinstance(mark, bool) and 0 <= mark <= 5 for mark in record.values()
    )


def marks(record: Record, where: str) -> list[tuple[str, Record]]:
    """One record per mark."""
    return [(f"mark of {key!r}", {"question_id": key, "mark": value}) for key, value in record.items()]


def mark_row(record: Record, where: str, group_by: str) -> Row:
    """Read one mark.

    Raises:
        DataError: it is not a number.
    """
    mark = text_of(record["mark"], "mark", where)
    if mark is None:
        raise DataError("the mark is null.", where=where)
    return Row(id=str(record["question_id"]), prediction="", references=(), extra={"mark": str(mark)})
