"""From what came of an ask to its prediction line."""

from __future__ import annotations

import msgspec

from vldata.records.thoughts import ends_unopened, may_hold_thought, split_thought
from vleval.inference.ask import Ask
from vleval.inference.retry import Answer, AskFault
from vleval.prediction import Prediction, Usage


def make_prediction(ask: Ask, result: Answer | AskFault, *, latency_s: float = -1.0) -> Prediction:
    """Build the line of an answer, or of an error: then `prediction` is null and `error` holds the server's words, never the other way."""
    answer = result if isinstance(result, Answer) else None
    text, thought = _apart(answer) if answer else (None, "")
    return Prediction(
        schema="vlkit.prediction/1",
        id=ask.id,
        prediction=text,
        references=ask.references,
        error=result.reason if isinstance(result, AskFault) else None,
        finish_reason=answer.finish_reason if answer else "",
        question=ask.question,
        meta=ask.meta,
        images=ask.image_names,
        model=answer.model if answer else "",
        usage=Usage(prompt_tokens=answer.prompt_tokens, completion_tokens=answer.completion_tokens) if answer else Usage(),
        latency_s=latency_s,
        reasoning=thought or msgspec.UNSET,
    )


def _apart(answer: Answer) -> tuple[str, str]:
    """The answer and the thought before it: as the server told them apart, else by the marks around a thought that was ended."""
    if answer.reasoning:
        return answer.text, answer.reasoning
    found = split_thought(answer.text) if may_hold_thought(answer.text) else None
    if found is None:
        return answer.text, ""
    thought, bare = found
    if ends_unopened(answer.text):  # the mark stays: the line tells what was done, and a model that did not think loses nothing
        thought = answer.text[: answer.text.rindex(bare)].strip() if bare else answer.text.strip()
    return bare, thought


def taken_for_thought(prediction: Prediction) -> bool:
    """Whether the reasoning of a line is what stood before a closing mark without an opening one."""
    return bool(prediction.reasoning) and ends_unopened(str(prediction.reasoning))
