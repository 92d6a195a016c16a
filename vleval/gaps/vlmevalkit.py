"""VLMEvalKit: tables of predictions, and the same tables with `hit` and `log` once they are evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from vleval.gaps.harness import Fact, Harness, HarnessTold, number, whole
from vleval.metrics.multiple_choice import read_vlmevalkit

_AT_RANDOM = "randomly generate one"
_MATCHED = "Match Log: "


def told(record: Mapping[str, Any]) -> HarnessTold:
    """`hit` (or `eval_score` of its VQA sets) and `log`: a log that is neither the answer nor about it is a judge's."""
    log = record.get("log")
    text = log if isinstance(log, str) else ""
    score = number(record.get("hit", record.get("eval_score")))
    matched = text.partition(_MATCHED)[2].removesuffix(". ").strip() if _MATCHED in text else ""
    guessed = _AT_RANDOM in text if text else None
    answer = str(record.get("prediction", "")).strip()
    judged = bool(matched) and not guessed and matched != answer and not matched.startswith("Failed in Prefetch")
    extracted = record.get("eval_pred")
    return HarnessTold(score, extracted if isinstance(extracted, str) else None, guessed, judged)


def wording(question: str, choices: Sequence[str]) -> str:
    """The prompt of its multiple-choice sets, and of its VQA sets."""
    if not choices:
        return f"{question}\nAnswer the question using a single word or phrase."
    options = "".join(f"{letter}. {choice}\n" for letter, choice in zip(ascii_uppercase, choices, strict=False))
    return f"Question: {question}\nOptions:\n{options}Please select the correct answer from the options above. \n"


_MATCHING = "vlmeval/utils/matching_util.py"
_CHOICE = "vlmeval/dataset/utils/multiple_choice.py"

HARNESS = Harness(
    title="VLMEvalKit",
    source="open-compass/VLMEvalKit, commit e8e78f05",
    profile="vlmevalkit",
    facts=(
        Fact("system prompt", "none, unless the model's entry in config.py gives one", "vlmeval/vlm/qwen3_vl/model.py"),
        Fact("wording", "multiple choice: Question, Options, 'Please select the correct answer ...'", "vlmeval/dataset/image_mcq.py"),
        Fact("wording", "VQA: the question, then 'Answer the question using a single word or phrase.'", "vlmeval/dataset/image_vqa.py"),
        Fact("wording", "Qwen3-VL has prompts of its own for both", "vlmeval/vlm/qwen3_vl/prompt.py"),
        Fact("image", "the processor's own limits, unless min_pixels and max_pixels are given", "vlmeval/vlm/qwen3_vl/model.py"),
        Fact("frames", "128 of a video", "vlmeval/vlm/qwen3_vl/model.py"),
        Fact("extraction", "a letter that stands alone near the end, else the one option whose text is there", _MATCHING),
        Fact("fallback", "a judge three times, then a letter at random; without a judge the option Z", _CHOICE),
        Fact("judge", "by set: none, gpt-4o-mini, gpt-4-turbo, gpt-4o", "run.py"),
    ),
    read_choice=read_vlmevalkit,
    read_words=whole,
    wording=wording,
    guesses=True,
    told=told,
)  # fmt: skip
