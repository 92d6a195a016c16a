"""Each harness's own code over the answers: functions cut out of its files and run as they are; and a script as people write it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.compare.answers import OPTIONS, Given
from tests.vleval.gaps.real import evalscope, lmms_eval, vlmevalkit
from tools.goldens.upstream import cut

Judge = Callable[[Given], bool]


def by_hand_letters(given: Given) -> bool:
    """The first capital letter from A to D."""
    found = re.search(r"[ABCD]", given.text)
    return bool(found) and found.group() == given.accepted  # type: ignore[union-attr]


def by_hand_numbers(given: Given) -> bool:
    """Equal without case and white space."""
    return given.text.strip().lower() == given.accepted.strip().lower()


def judges(upstream: Path) -> dict[str, dict[str, Judge]]:
    """Harness -> job -> what it says of an answer."""
    reads = {
        "VLMEvalKit": vlmevalkit(upstream / "VLMEvalKit"),
        "lmms-eval": lmms_eval(upstream / "lmms-eval"),
        "evalscope": evalscope(upstream / "evalscope"),
    }
    kit = cut(upstream / "VLMEvalKit/vlmeval/dataset/utils/vqa_eval.py", ["relaxed_correctness"])["relaxed_correctness"]
    lmms = cut(upstream / "lmms-eval/lmms_eval/tasks/chartqa/utils.py", ["relaxed_correctness"])["relaxed_correctness"]
    scope = cut(upstream / "evalscope/evalscope/benchmarks/chartqa/utils.py", ["relaxed_correctness"])["relaxed_correctness"]
    numbers: dict[str, Judge] = {
        "VLMEvalKit": lambda given: bool(kit(given.accepted, given.text.strip())),
        "lmms-eval": lambda given: bool(lmms(given.text, given.accepted)),
        "evalscope": lambda given: bool(scope(given.text, given.accepted)),
    }
    every: dict[str, dict[str, Judge]] = {"by hand": {"letters": by_hand_letters, "numbers": by_hand_numbers}}
    for name, read in reads.items():
        every[name] = {"letters": _letters(read), "numbers": numbers[name]}
    return every


def _letters(read: Callable[[str, tuple[str, ...]], str]) -> Judge:
    return lambda given: read(given.text, OPTIONS) == given.accepted


def verdicts(judge: Judge, answers: tuple[Given, ...], seeds: int = 40) -> list[Any]:
    """For each answer True or False; None where it changes with the seed: it was drawn."""
    said = []
    for seed in range(seeds):
        random.seed(seed)
        said.append([judge(given) for given in answers])
    return [column[0] if len(set(column)) == 1 else None for column in zip(*said, strict=True)]
