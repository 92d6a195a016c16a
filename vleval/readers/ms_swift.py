"""ms-swift's infer results: response, labels, messages, images; no ids."""

from __future__ import annotations

from typing import Any

from vldata.errors import DataError
from vleval.readers.containers import Record
from vleval.readers.fields import Context, context_of, find_id, texts_of
from vleval.readers.plain import answer_of
from vleval.rows import Row


def row(record: Record, where: str, group_by: str) -> Row:
    """Read one line.

    Raises:
        DataError: no `response` or no `labels`.
    """
    for key in ("response", "labels"):
        if key not in record:
            raise DataError(f"no {key!r}: it is not a line of ms-swift's infer results.", where=where)
    prediction, error = answer_of(record["response"], "response", record.get("error"), where)
    context: Context = context_of(record, where, group_by)
    if question := _last_question(record.get("messages")):
        context.setdefault("question", question)
    return Row(
        id=find_id(record, where) or "",
        prediction=prediction,
        error=error,
        references=texts_of(record["labels"], "labels", where),
        **context,
    )


def _last_question(messages: Any) -> str:
    if not isinstance(messages, list):
        return ""
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == "user" and isinstance(message.get("content"), str):
            return str(message["content"])
    return ""
