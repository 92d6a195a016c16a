"""Plain predictions, and our own line: id, prediction, references and whatever context the record carries."""

from __future__ import annotations

from typing import Any

from vldata.errors import DataError
from vleval.prediction import SCHEMA
from vleval.readers.containers import Record
from vleval.readers.failures import failure_in
from vleval.readers.fields import ID_KEYS, context_of, find_id, find_references, text_of
from vleval.rows import Row

PREDICTION_KEYS = ("prediction", "pred", "response", "output", "model_output", "predict", "text", "answer")


def recognise(record: Record) -> bool:
    """Any record with one of the names a prediction goes by."""
    return any(key in record for key in PREDICTION_KEYS)


def row(record: Record, fallback_id: str, where: str, group_by: str) -> Row:
    """Read one record.

    Raises:
        DataError: no field holds a prediction, or it is not text.
    """
    key = next((name for name in PREDICTION_KEYS if name in record), None)
    if key is None:
        raise DataError(
            f"no prediction: none of {', '.join(PREDICTION_KEYS)} is there.",
            where=where,
            cure="Every record needs the same shape; a failed request is prediction null with an error.",
        )
    schema = record.get("schema", SCHEMA)
    if schema != SCHEMA and isinstance(schema, str) and schema.startswith("vlkit."):
        raise DataError(
            f"is of the shape {schema!r}, and only {SCHEMA!r} is known.", where=where, cure="Score it with the version that wrote it."
        )
    found = find_id(record, where, ID_KEYS)
    prediction, error = answer_of(record[key], key, record.get("error"), where)
    return Row(
        id=fallback_id if found is None else found,
        prediction=prediction,
        error=error,
        references=find_references(record, where, skip=key),
        **context_of(record, where, group_by),
    )


def answer_of(value: Any, field: str, error: Any, where: str) -> tuple[str | None, str]:
    """The answer and the error of a record: an error, a null and a failure sentence all mean that there is no answer.

    Raises:
        DataError: the answer is not text.
    """
    if error:
        return None, error if isinstance(error, str) else str(error.get("message", error) if isinstance(error, dict) else error)
    text = text_of(value, field, where)
    if text is None:
        return None, "no answer (null)"
    if failure := failure_in(text):
        return None, failure
    return text, ""
