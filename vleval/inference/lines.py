"""From what came of an ask to its prediction line."""

from __future__ import annotations

from vleval.inference.ask import Ask
from vleval.inference.retry import Answer, Fault
from vleval.prediction import Prediction, Usage


def make_prediction(ask: Ask, result: Answer | Fault, *, latency_s: float = -1.0) -> Prediction:
    """Build the line of an answer, or of an error: then `prediction` is null and `error` holds the server's words, never the other way."""
    answer = result if isinstance(result, Answer) else None
    return Prediction(
        schema="vlkit.prediction/1",
        id=ask.id,
        prediction=answer.text if answer else None,
        references=ask.references,
        error=result.reason if isinstance(result, Fault) else None,
        finish_reason=answer.finish_reason if answer else "",
        question=ask.question,
        meta=ask.meta,
        images=ask.image_names,
        model=answer.model if answer else "",
        usage=Usage(prompt_tokens=answer.prompt_tokens, completion_tokens=answer.completion_tokens) if answer else Usage(),
        latency_s=latency_s,
    )
