"""evalscope's predictions: index, model_output, messages, metadata. Its targets are in the reviews, so references usually join by id."""

from __future__ import annotations

from vldata.errors import DataError
from vleval.readers.containers import Record
from vleval.readers.fields import Context, context_of, find_id, find_references
from vleval.readers.model_output import answer_in, content_text
from vleval.readers.plain import answer_of, references_at
from vleval.rows import Row


def recognise(record: Record) -> bool:
    """`index` and `model_output`; a plain record may use the latter name for a text."""
    return "index" in record and "model_output" in record and not isinstance(record["model_output"], str)


def row(record: Record, where: str, group_by: str) -> Row:
    """Read one line.

    Raises:
        DataError: no `index` or no `model_output`.
    """
    found = find_id(record, where, ("index",))
    if found is None or "model_output" not in record:
        raise DataError("no 'index' and 'model_output': it is not a line of evalscope's predictions.", where=where)
    text, finish, fault = answer_in(record["model_output"])
    prediction, error = answer_of(text, "model_output", record.get("error") or fault, where)
    context: Context = context_of(record, where, group_by)
    context["finish_reason"] = finish
    messages = record.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and message.get("role") == "user":
            context.setdefault("question", content_text(message.get("content")) or "")
    metadata = record.get("metadata")
    references = find_references(record, where) or (find_references(metadata, where) if isinstance(metadata, dict) else ())
    return Row(id=found, prediction=prediction, error=error, references=references, **context)


def review_row(record: Record, where: str, group_by: str) -> Row:
    """Read one line of a review file, which holds target and prediction.

    The model's whole answer is scored, not what evalscope took out of it.

    Raises:
        DataError: no `sample_score` with a prediction.
    """
    sample = record.get("sample_score")
    score = sample.get("score") if isinstance(sample, dict) else None
    if not isinstance(score, dict) or not {"prediction", "extracted_prediction"} & score.keys():
        raise DataError("no prediction in 'sample_score': it is not a line of evalscope's reviews.", where=where)
    value = score["prediction"] if "prediction" in score else score["extracted_prediction"]
    prediction, error = answer_of(value, "sample_score.score.prediction", record.get("error"), where)
    context: Context = context_of(record, where, group_by)
    messages = record.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and message.get("role") == "user":
            context.setdefault("question", content_text(message.get("content")) or "")
    found = find_id(record, where, ("index",))
    return Row(id=found or "", prediction=prediction, error=error, references=references_at(record, "target", where), **context)
