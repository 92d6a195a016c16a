"""Plain predictions, and our own line: id, prediction, references and whatever context the record carries, by the names of `names`."""

from __future__ import annotations

from typing import Any

from vldata.errors import DataError
from vleval.prediction import SCHEMA
from vleval.readers.containers import Record
from vleval.readers.failures import failure_in
from vleval.readers.fields import alternatives, context_of, find_references, id_text, text_of, texts_of
from vleval.readers.names import CONTEXT_NAMES, IDS, PREDICTIONS, REFERENCES, WEAK, plain_name
from vleval.readers.taken import Taken, choose, dig, has_path
from vleval.rows import Row
from vleval.settings import FieldNames

_LISTS = "outputs responses predictions completions generations hypotheses resps filteredresps generatedtext modeloutputs value"
_MANY = frozenset(_LISTS.split())
_INNER = ("text", "generated_text", "content", "output_text", "answer", "response")


def recognise(record: Record) -> bool:
    """Any record with one of the names a prediction goes by, or of another name next to an id or the truth."""
    return any(plain_name(key) in PREDICTIONS or plain_name(key) in WEAK for key in record)


def has_context(record: Record) -> bool:
    """Whether a record has an id, the truth or a question: then its other fields may hold the answer."""
    return any(plain_name(key) in IDS or plain_name(key) in REFERENCES or plain_name(key) in CONTEXT_NAMES for key in record)


def row(record: Record, where: str, group_by: str) -> Row:
    """Read one record by itself.

    Raises:
        DataError: no field holds a prediction, or it is not text.
    """
    return taken_row(record, where, group_by, choose([record], FieldNames(), where))


def taken_row(record: Record, where: str, group_by: str, taken: Taken) -> Row:
    """Read one record by the fields that were taken for the file.

    Raises:
        DataError: the field of the prediction is not there, or holds no text.
    """
    here = taken.prediction in record
    if not (here or has_path(record, taken.prediction) or record.get("error")):
        raise DataError(
            f"no prediction: {taken.prediction!r}, which the file's first record has, is not there.",
            where=where,
            cure="Every record needs the same shape; a failed request is prediction null with an error.",
        )
    schema = record.get("schema", SCHEMA)
    if schema != SCHEMA and isinstance(schema, str) and schema.startswith("vlkit."):
        raise DataError(
            f"is of the shape {schema!r}, and only {SCHEMA!r} is known.", where=where, cure="Score it with the version that wrote it."
        )
    value = record[taken.prediction] if here else dig(record, taken.prediction, where) if has_path(record, taken.prediction) else None
    prediction, error = answer_of(_single(value, taken.prediction), taken.prediction, record.get("error"), where)
    own = record.get(taken.id) if taken.id else None
    if own is None and taken.id and (taken.id in record or has_path(record, taken.id)):
        own = dig(record, taken.id, where)
        own = "" if own is None else own  # an id that is null is an empty one
    return Row(
        id="" if own is None else id_text(own, taken.id, where),
        prediction=prediction,
        error=error,
        references=references_at(record, taken.reference, where) if taken.reference else (),
        **context_of(record, where, group_by),
    )


def references_at(record: Record, field: str, where: str) -> tuple[str, ...]:
    """The accepted answers in a field, by name or path; none where the record lacks it."""
    value = record.get(field)
    if value is None:
        if field in record or not has_path(record, field):
            return ()
        value = dig(record, field, where)
    if isinstance(value, str) and (many := alternatives(value)):
        return many
    return find_references(record, where, key=field) if field in record else texts_of(value, field, where)


def _single(value: Any, field: str) -> Any:
    """The one answer in a list of answers, where the field's name says that it is such a list."""
    if (
        plain_name(field) in _MANY
        and isinstance(value, list)
        and value
        and all(isinstance(turn, dict) and "role" in turn for turn in value)
    ):
        return value[-1].get("content") if value[-1]["role"] == "assistant" else value  # a chat of transformers' pipeline
    while plain_name(field) in _MANY and isinstance(value, list) and len(value) == 1:
        value = value[0]
        if isinstance(value, dict):
            value = next((value[name] for name in _INNER if name in value), value)
    return value


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
