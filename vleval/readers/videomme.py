"""Video-MME's results: a list of videos, each with its questions and, in them, the model's responses."""

from __future__ import annotations

from vldata.errors import DataError
from vleval.readers.containers import Record
from vleval.readers.fields import context_of, find_id
from vleval.readers.plain import answer_of, references_at
from vleval.rows import Row


def recognise(record: Record) -> bool:
    """A record whose `questions` are records with a `response`."""
    questions = record.get("questions")
    first = questions[0] if isinstance(questions, list) and questions else None
    return isinstance(first, dict) and "response" in first


def records(record: Record, where: str) -> list[tuple[str, Record]]:
    """The questions of a video, each with what is said of the video; a question is one record already.

    Raises:
        DataError: a question is no object.
    """
    if "questions" not in record:
        return [("", record)]
    questions = record["questions"]
    if not isinstance(questions, list) or not all(isinstance(question, dict) for question in questions):
        raise DataError("questions is not a list of objects.", where=where, cure="Export the results again.")
    video = {key: value for key, value in record.items() if isinstance(value, (str, int, float))}
    return [(f"question {number} of {record.get('video_id', '?')}", {**video, **question}) for number, question in enumerate(questions, 1)]


def row(record: Record, where: str, group_by: str) -> Row:
    """Read one question; questions of one video are clustered, and `duration` is the category.

    Raises:
        DataError: no `response`.
    """
    if "response" not in record:
        raise DataError("no 'response': the video's question was not answered.", where=where)
    prediction, error = answer_of(record["response"], "response", record.get("error"), where)
    context = context_of(record, where, group_by)
    context["task"] = "multiple_choice"
    if isinstance(duration := record.get("duration"), str):
        context["category"] = duration
    if isinstance(video := record.get("video_id"), (str, int)):
        context.setdefault("groups", {}).setdefault("cluster", str(video))
    return Row(
        id=find_id(record, where, ("question_id", "id")) or "",
        prediction=prediction,
        error=error,
        references=references_at(record, "answer", where),
        **context,
    )
