from __future__ import annotations

import pytest

from vleval.metrics.solution import solution_match

PAIRS = [
    ("<answer> 3 </answer>", "3", 1.0),
    ("I count <answer>4</answer>, no, <answer>3</answer>", "3", 1.0),
    ("so it is \\boxed{\\frac{1}{2}}", "\\frac{1}{2}", 1.0),
    ("1 + 2\n#### 3.0", "3", 1.0),
    ("3 apples", "3", 1.0),
    ("Red.", "<answer>red</answer>", 1.0),
    ("<answer>4</answer> and not 3", "3", 0.0),
    ("<answer></answer>", "3", 0.0),
    ("the cat sat on 3 mats", "the dog sat on 3 mats and slept", 0.0),
]


@pytest.mark.parametrize(("prediction", "reference", "score"), PAIRS)
def test_answers_are_compared_where_they_are_marked(prediction: str, reference: str, score: float) -> None:
    assert solution_match(prediction, reference) == score
