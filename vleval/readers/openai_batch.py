"""Batch output of vLLM and OpenAI: custom_id, response with the chat completion or /v1/responses object, error.

In any order, so references join by id.
"""

from __future__ import annotations

from typing import Any

from vldata.errors import DataError
from vleval.readers.containers import Record
from vleval.readers.fields import context_of, find_id, find_references
from vleval.readers.plain import answer_of
from vleval.rows import Row


def row(record: Record, where: str, group_by: str) -> Row:
    """Read one line: a status other than 200, an error or a body without a choice is an error record.

    Raises:
        DataError: no `custom_id`.
    """
    found = find_id(record, where, ("custom_id",))
    if found is None:
        raise DataError("no 'custom_id': it is not a line of batch output.", where=where)
    content, finish_reason, error = _answer(record)
    prediction, error = answer_of(content, "content", error, where)
    context = context_of(record, where, group_by)
    context["finish_reason"] = finish_reason
    return Row(id=found, prediction=prediction, error=error, references=find_references(record, where), **context)


def _answer(record: Record) -> tuple[Any, str, str]:
    if record.get("error"):
        return None, "", _message(record["error"])
    response = record.get("response")
    if not isinstance(response, dict):
        return None, "", "no response"
    status = response.get("status_code", 200)
    body = response.get("body")
    if status != 200:
        detail = _message(body.get("error") or body) if isinstance(body, dict) else ""
        return None, "", f"status {status}" + (f": {detail}" if detail else "")
    if isinstance(body, dict) and isinstance(body.get("output"), list):
        return _from_output(body)
    choices = body.get("choices") if isinstance(body, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else None
    if choice is None:
        return None, "", "a response without a choice"
    found = choice.get("message")
    message: dict[str, Any] = found if isinstance(found, dict) else {}
    content = message.get("content", choice.get("text"))
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
    finish = str(choice.get("finish_reason") or "")
    if content is None and message.get("refusal"):
        return str(message["refusal"]), "refusal", ""
    return content, finish, "" if content is not None else "an answer without content"


def _from_output(body: dict[str, Any]) -> tuple[Any, str, str]:
    """The answer in a body of /v1/responses: the text parts of its messages, without reasoning and tool calls."""
    messages = [item for item in body["output"] if isinstance(item, dict) and item.get("type") == "message"]
    parts = [part for message in messages for part in message.get("content") or () if isinstance(part, dict)]
    texts = [str(part.get("text", "")) for part in parts if part.get("type") in ("output_text", "text")]
    refusals = [str(part.get("refusal", "")) for part in parts if part.get("type") == "refusal"]
    details, status = body.get("incomplete_details"), str(body.get("status") or "")
    reason = str(details.get("reason") or "") if isinstance(details, dict) else ""
    finish = {"max_output_tokens": "length"}.get(reason, reason) or {"completed": "stop"}.get(status, status)
    if texts:
        return "".join(texts), finish, ""
    if refusals:
        return "".join(refusals), "refusal", ""
    if body.get("error"):
        return None, finish, _message(body["error"])
    return None, finish, "a response without a message" + (f" ({reason})" if reason else "")


def _message(error: Any) -> str:
    if isinstance(error, dict):
        return str(error.get("message", error))[:500]
    return str(error)[:500]
