"""evalscope: predictions with the messages it sent, reviews with what it took out of the answer and its score."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vleval.gaps.harness import Fact, Harness, HarnessTold, number
from vleval.metrics.evalscope_choice import read_evalscope
from vleval.readers.model_output import content_text

_ANSWER = re.compile(r"ANSWER:\s*(.*)")


def read_words(text: str) -> str:
    """What stands behind the first "ANSWER:" of a line; the whole answer without one, which some sets take for empty instead."""
    found = _ANSWER.search(text)
    return (found[1] if found else text).strip()


def told(record: Mapping[str, Any]) -> HarnessTold:
    """Messages, and of a review the score of its main metric and the extracted answer."""
    sample = record.get("sample_score")
    score = sample.get("score") if isinstance(sample, dict) else None
    values = score.get("value") if isinstance(score, dict) else None
    verdict, extracted = None, None
    if isinstance(score, dict) and isinstance(values, dict) and values:
        verdict = number(values.get(score.get("main_score_name"), next(iter(values.values()))))
        taken = score.get("extracted_prediction")
        extracted = taken if isinstance(taken, str) else None
    prompt, system, images = None, "", 0
    messages = record.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, dict):
            continue
        content = message.get("content")
        images += sum(isinstance(part, dict) and part.get("type") == "image" for part in content) if isinstance(content, list) else 0
        if message.get("role") == "system":
            system = content_text(content) or ""
        elif message.get("role") == "user" and prompt is None:
            prompt = content_text(content)
    if not isinstance(messages, list):
        return HarnessTold(verdict, extracted)
    return HarnessTold(verdict, extracted, None, False, prompt, system, images or None)


_CHOICES = "evalscope/utils/multi_choices.py"
_CHARTQA = "evalscope/benchmarks/chartqa/chartqa_adapter.py"

HARNESS = Harness(
    title="evalscope",
    source="modelscope/evalscope 1.14",
    profile="evalscope",
    facts=(
        Fact("system prompt", "none", "evalscope/benchmarks/mmmu/mmmu_adapter.py"),
        Fact("wording", "multiple choice: 'ANSWER: [LETTER]' on the last line, step by step; 'A) ...'", _CHOICES),
        Fact("wording", "ChartQA: 'ANSWER: [ANSWER]' on the last line", _CHARTQA),
        Fact("image", "as the server resizes it: it sends PNG files of the source's size", _CHARTQA),
        Fact("extraction", "the label behind the last 'ANSWER:', else the last capital letter", _CHOICES),
        Fact("fallback", "none: no answer is wrong", _CHOICES),
        Fact("judge", "none, unless the run asks for one", "evalscope/benchmarks/mmmu/mmmu_adapter.py"),
    ),
    read_choice=read_evalscope,
    read_words=read_words,
    wording=None,
    guesses=False,
    told=told,
)  # fmt: skip
