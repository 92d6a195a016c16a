"""LLaMA-Factory's generated_predictions.jsonl: prompt, predict, label; no ids, so the line number stands for one."""

from __future__ import annotations

from vldata.errors import DataError
from vleval.readers.containers import Record
from vleval.readers.fields import MEDIA_TAG, context_of, texts_of
from vleval.readers.plain import answer_of
from vleval.rows import Row

_USER = "<|im_start|>user\n"
_MAX_QUESTION = 8_000  # a rendered prompt may hold thousands of picture tokens


def row(record: Record, where: str, group_by: str) -> Row:
    """Read one line; the prompt is the rendered one, with its control tokens.

    Raises:
        DataError: no `predict`, or no `label`.
    """
    for key in ("predict", "label"):
        if key not in record:
            raise DataError(f"no {key!r}: it is not a line of generated_predictions.jsonl.", where=where)
    prediction, error = answer_of(record["predict"], "predict", record.get("error"), where)
    context = context_of(record, where, group_by)
    prompt = record.get("prompt")
    if isinstance(prompt, str):
        context.setdefault("question", question_in(prompt))
    return Row(id="", prediction=prediction, error=error, references=texts_of(record["label"], "label", where), **context)


def question_in(prompt: str) -> str:
    """What the user asked, out of a rendered prompt: the last ChatML user turn where there is one, without the media's tokens."""
    start = prompt.rfind(_USER)
    asked = prompt[start + len(_USER) :].split("<|im_end|>", 1)[0] if start >= 0 else prompt
    return MEDIA_TAG.sub("", asked).strip()[:_MAX_QUESTION]
