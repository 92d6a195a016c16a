"""The table of perfect answers over the real Open-EQA questions, under LLaMA-Factory's metric."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from vleval.profiles import resolve
from vleval.rows import Row

QUESTIONS = Path(__file__).parents[4] / "shared/data/openeqa/data/open-eqa-v0.json"

pytestmark = pytest.mark.skipif(not QUESTIONS.exists(), reason="needs ../shared/data/openeqa (the real Open-EQA questions)")


def random_of_category(items):
    by_category = {}
    for item in items:
        by_category.setdefault(item["category"], []).append(item["answer"])
    rng = random.Random(0)
    return [rng.choice(by_category[item["category"]]) for item in items]


TABLE = [
    ("perfect", lambda text: text, (94.5, 100.0, 60.2, 100.0)),
    ("lower-cased", str.lower, (85.6, 73.2, 41.5, 73.3)),
    ("plus a full stop", lambda text: text if text.endswith(".") else text + ".", (82.5, 79.9, 50.4, 80.0)),
    ("a sentence", lambda text: f"The answer is {text.lower()}.", (34.5, 39.9, 25.2, 40.3)),
    ("constant", lambda text: "on the table", (9.6, 11.4, 3.7, 10.9)),
    ("random of the category", None, (11.2, 9.5, 1.4, 9.4)),
]


@pytest.mark.parametrize(("style", "wanted"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_table_comes_out_exactly(style, wanted):
    items = json.loads(QUESTIONS.read_text(encoding="utf-8"))
    assert len(items) == 1636
    answers = [style(item["answer"]) for item in items] if style else random_of_category(items)
    rows = [
        Row(id=item["question_id"], prediction=answer, references=(item["answer"],)) for item, answer in zip(items, answers, strict=True)
    ]
    got = tuple(
        round(float(resolve("llamafactory", name).score(rows).values.mean()), 1) for name in ("bleu-4", "rouge-1", "rouge-2", "rouge-l")
    )
    assert got == wanted
