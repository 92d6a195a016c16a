"""inspect_ai logs, `.json` and `.eval`: samples with id, epoch, target, output, scores, metadata, error."""

from __future__ import annotations

from typing import Any

from vldata.errors import DataError
from vleval.readers.containers import Record
from vleval.readers.fields import Context, context_of, find_id, texts_of
from vleval.readers.model_output import answer_in, content_text
from vleval.readers.plain import answer_of
from vleval.rows import Row

_ATTACHMENT = "attachment://"


def samples(record: Record, where: str) -> list[tuple[str, Record]]:
    """The samples of a `.json` log; a sample of an `.eval` log is one already.

    Raises:
        DataError: the log has no samples.
    """
    if "eval" not in record or "samples" not in record:
        return [("", record)]
    found = record["samples"]
    if not isinstance(found, list) or not found or not all(isinstance(item, dict) for item in found):
        raise DataError("is an inspect_ai log without samples.", where=where, cure="Run it with log_samples, or name the full log.")
    return [(f"sample {number}", item) for number, item in enumerate(found, start=1)]


def row(record: Record, where: str, group_by: str) -> Row:
    """Read one sample. With several epochs the id of a later one is `id#2`, clustered by `sample`.

    Raises:
        DataError: no `id` or no `target`.
    """
    found = find_id(record, where, ("id",))
    if found is None or "target" not in record:
        raise DataError("no 'id' and 'target': it is not a sample of an inspect_ai log.", where=where)
    epoch = record.get("epoch", 1)
    text, finish, fault = answer_in(record.get("output"))
    error = record.get("error")
    if error:
        fault = str(error.get("message", error)) if isinstance(error, dict) else str(error)
    text = _resolve(text, record)
    prediction, fault = answer_of(text, "output.completion", fault, where)
    context: Context = context_of(record, where, group_by)
    context["finish_reason"] = finish or ("max_tokens" if record.get("limit") else "")
    question = _question(record.get("input"), record)
    if question:
        context.setdefault("question", question)
    context.setdefault("groups", {}).setdefault("sample", found)
    return Row(
        id=found if epoch == 1 else f"{found}#{epoch}",
        prediction=prediction,
        error=fault,
        references=texts_of(record["target"], "target", where),
        **context,
    )


def _question(value: Any, record: Record) -> str:
    if isinstance(value, str):
        return str(_resolve(value, record))
    if isinstance(value, list):
        for message in reversed(value):
            if isinstance(message, dict) and message.get("role") == "user":
                return content_text(message.get("content")) or ""
    return ""


def _resolve(text: Any, record: Record) -> Any:
    """Long texts are kept once, in `attachments`, and named by digest."""
    attachments = record.get("attachments")
    if isinstance(text, str) and text.startswith(_ATTACHMENT) and isinstance(attachments, dict):
        return attachments.get(text.removeprefix(_ATTACHMENT), text)
    return text
