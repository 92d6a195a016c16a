"""OpenCompass's `predictions/*.json`: an object of numbered records with origin_prompt, prediction and, for most tasks, gold."""

from __future__ import annotations

from typing import Any

from vldata.errors import DataError
from vleval.readers.containers import Record
from vleval.readers.fields import Context, context_of, find_id, find_references
from vleval.readers.plain import answer_of, references_at
from vleval.rows import Row


def row(record: Record, where: str, group_by: str) -> Row:
    """Read one record; its number is its id.

    Raises:
        DataError: no `prediction`, or several of them.
    """
    if "prediction" not in record:
        raise DataError("no 'prediction': it is not a record of OpenCompass's predictions.", where=where)
    value = record["prediction"]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    prediction, error = answer_of(value, "prediction", record.get("error"), where)
    context: Context = context_of(record, where, group_by)
    if question := _asked(record["origin_prompt"]):
        context.setdefault("question", question)
    references = references_at(record, "gold", where) if "gold" in record else find_references(record, where, skip="prediction")
    return Row(id=find_id(record, where) or "", prediction=prediction, error=error, references=references, **context)


def _asked(prompt: Any) -> str:
    if isinstance(prompt, str):
        return prompt
    turns = prompt if isinstance(prompt, list) else []
    said = [turn.get("prompt", turn.get("content")) for turn in turns if isinstance(turn, dict) and turn.get("role") in ("HUMAN", "user")]
    return said[-1] if said and isinstance(said[-1], str) else ""
