"""lmms-eval: samples_*.jsonl with the prompt, the filtered answer and the task's own metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from vleval.gaps.harness import Fact, Harness, HarnessTold, number, whole

_OUTER = ",.!?;:'"  # taken off one after the other
_WORDS_FOR_TEXTS = 5
_NOT_METRICS = frozenset(
    {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "token_counts", "doc_hash", "input", "input_media", "submission"}
    | {"prompt_hash", "target_hash", "error"}
)


def read_choice(text: str, choices: Sequence[str]) -> str:
    """A letter in brackets, else before a blank, else before a full stop, else the option whose text is there; of several the last.

    Letters that are told apart by blanks on both sides are compared; where none has them, the first option counts, as upstream's does.
    """
    for mark in _OUTER:
        text = text.strip(mark)
    text, letters = f" {text} ", ascii_uppercase[: len(choices)]
    for frame, place in (("({})", "({})"), ("{} ", " {} "), ("{}.", " {} ")):
        found = [letter for letter in letters if frame.format(letter) in text]
        if found:
            return max(found, key=lambda letter: text.rfind(place.format(letter)))
    if len(text.split()) <= _WORDS_FOR_TEXTS:
        return ""
    places = {letter: text.lower().rfind(choice.lower()) for letter, choice in zip(letters, choices, strict=True)}
    places = {letter: place for letter, place in places.items() if place >= 0}
    return max(places, key=lambda letter: places[letter], default="")


def told(record: Mapping[str, Any]) -> HarnessTold:
    """The prompt it sent, and the first metric of the task: a number, or MMMU's parsed letters next to the answer."""
    score, extracted, judged = None, None, False
    for name, value in record.items():
        if name in _NOT_METRICS:
            continue
        if isinstance(value, dict):
            value, extracted = _of_table(value, extracted)
        if (found := number(value)) is not None:
            judged |= "judge" in name or "gpt" in name
            score = found if score is None else score
    return HarnessTold(score, extracted, None, judged, _prompt(record), None, _images(record))


def _of_table(value: Mapping[str, Any], extracted: str | None) -> tuple[Any, str | None]:
    parsed = value.get("parsed_pred", value.get("pred"))
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    if isinstance(parsed, str):
        right = value.get("answer")
        return (float(parsed == right) if isinstance(right, str) and right else None), parsed
    return value.get("score", value.get("accuracy")), extracted


def _prompt(record: Mapping[str, Any]) -> str | None:
    found: Any = record.get("input", record.get("arguments"))
    while isinstance(found, list | dict) and found:
        found = found[0] if isinstance(found, list) else next(iter(found.values()))
    return found if isinstance(found, str) else None


def _images(record: Mapping[str, Any]) -> int | None:
    media = record.get("input_media")
    return len(media) if isinstance(media, list) else None


_MMMU = "lmms_eval/tasks/_task_utils/mmmu_mcq_utils.py"
_CHARTQA = "lmms_eval/tasks/chartqa/chartqa.yaml"

HARNESS = Harness(
    title="lmms-eval",
    source="EvolvingLMMs-Lab/lmms-eval, commit 75571cfe",
    profile="lmms-eval",
    facts=(
        Fact("system prompt", "'You are a helpful assistant.' for Qwen3-VL", "lmms_eval/models/simple/qwen3_vl.py"),
        Fact("wording", "by task, after the question: ChartQA 'Answer the question with a single word.'", _CHARTQA),
        Fact("wording", "MMMU: 'Answer with the option's letter from the given choices directly.'", "lmms_eval/tasks/mmmu/mmmu_val.yaml"),
        Fact("image", "200,704 to 1,605,632 pixels for Qwen3-VL", "lmms_eval/models/simple/qwen3_vl.py"),
        Fact("frames", "32 of a video", "lmms_eval/models/simple/qwen3_vl.py"),
        Fact("extraction", "MMMU: a letter in brackets, before a blank or a full stop, else an option's text", _MMMU),
        Fact("fallback", "MMMU: a letter at random where none is read, and nothing in the file says so", _MMMU),
        Fact("judge", "by task: none for ChartQA, DocVQA and MMMU", "lmms_eval/tasks/mmmu/utils.py"),
    ),
    read_choice=read_choice,
    read_words=whole,
    wording=None,
    guesses=True,
    told=told,
)  # fmt: skip
