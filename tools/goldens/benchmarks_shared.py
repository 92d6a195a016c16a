"""What the comparisons of benchmarks share: words that questions and answers are made of, and counting what differs."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from vleval import MetricOptions, Row
from vleval.benchmarks.base import Benchmark
from vleval.metric import Scores
from vleval.profiles import read_as

Check = tuple[str, int, int]  # name, values compared, values that differ


CHOICE_TEXTS = ("cat", "dog", "a red car", "3", "none of them", "Yes", "No", "left", "right", "on the table", "12.5")


ANSWERS = (
    *("A", "B", "C", "D", "(B)", "B.", "b", "The answer is C", "The answer is **D**.", "correct answer is a", "I think A or B", "Z"),
    *(
        "Answer: C",
        "Best answer: C",
        "The best option is D",
        "It is {0}",
        "{1}",
        "{0} and {1}",
        "A {0}",
        "It looks like a {2} to me, I would say",
    ),
    *(
        "",
        " ",
        "I can't process this file.",
        "Both (A) and (C) are wrong; (B)",
        "Because A is not right, C it is. So C",
        "D: {3}",
        "A\nB",
        "C or A , so C",
        "(B) is no (A) but (B)",
        "{1} or {0}? In the end it is {1}",
    ),
    *(
        "The correct answer is **B**. Here is why: the {0} stands there and the {1} does not",
        "Option: A",
        "选B",
        "E",
        "答案是 C 。",
        "C, because of {2}",
    ),
)


YES_NO = (
    *(
        "yes",
        "Yes",
        "No",
        "no.",
        "Yes, it is.",
        "No, there is not.",
        "yes and no",
        "There is a dog.",
        "not really",
        "I do not know",
        "YES!",
    ),
    *(
        "",
        "No",
        "no,way",
        "yes/no",
        "(yes)",
        "It is no dog. Yes",
        "Yes. No",
        "noyes",
        "yes-no",
        "Maybe",
        "no?",
        "'yes'",
        "no\nyes",
        "3,4 no",
    ),
)


WORDS = (
    "the",
    "answer",
    "is",
    "so",
    "=",
    "42",
    "3.5",
    "1,234",
    "-7",
    "1e3",
    "2.50",
    "cat",
    "red",
    "x",
    "therefore",
    "could be",
    "final",
    ".",
    "\n",
    "%",
    "$5",
)


def scores_of(benchmark: Benchmark, rows: list[Row]) -> tuple[Scores, float]:
    """What we say of the rows, and the value."""
    scores = benchmark.build(MetricOptions()).score(read_as(benchmark.profile, rows))
    if scores.corpus is not None:
        return scores, float(scores.corpus.value(scores.corpus.rows.sum(axis=0, keepdims=True))[0])
    return scores, float(scores.values.mean())


def differing(ours: Iterable[float], theirs: Iterable[float]) -> int:
    """How many values differ."""
    return sum(not abs(a - b) < 1e-9 for a, b in zip(ours, theirs, strict=True))


def frames() -> tuple[Any, dict[str, Any]]:
    """Pandas, and what upstream's ratings need of its package."""
    import pandas as pd

    return pd, {"pd": pd, "np": np, "defaultdict": defaultdict, "load": lambda frame: frame.copy(), "d2df": lambda found: found}


def add(check: list[int], ours: list[float], theirs: list[float]) -> None:
    """Count what was compared and what differs."""
    check[0] += len(ours)
    check[1] += differing(ours, theirs)


def asked(dice: random.Random) -> tuple[str, list[str]]:
    """An answer and the options of its question."""
    options = dice.sample(CHOICE_TEXTS, 4)
    text = " ".join(dice.sample(ANSWERS, dice.choice((1, 1, 1, 2))))
    return text.format(*options), options
