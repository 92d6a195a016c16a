"""Several answers a question: estimators against brute force, one number a question, and files that are not what they say."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vleval
from vldata.errors import DataError, UsageError
from vleval.sampling import answer_key, best_of

TABLES = st.integers(1, 6).flatmap(
    lambda samples: st.tuples(
        st.lists(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=samples, max_size=samples), min_size=1, max_size=4),
        st.integers(1, samples),
    )
)


@given(TABLES, st.booleans())
def test_the_best_of_k_is_the_mean_over_all_ways_to_take_k(drawn: tuple[list[list[float]], int], higher: bool) -> None:
    table, k = drawn
    best = max if higher else min
    wanted = [np.mean([best(chosen) for chosen in itertools.combinations(row, k)]) for row in table]
    assert best_of(np.array(table), k, higher=higher) == pytest.approx(wanted)


@pytest.mark.parametrize("right, samples, k", [(0, 5, 2), (1, 5, 1), (3, 10, 5), (5, 5, 5), (9, 10, 10)])
def test_pass_at_k_is_the_published_estimator(right: int, samples: int, k: int) -> None:
    row = np.array([[1.0] * right + [0.0] * (samples - right)])
    assert best_of(row, k)[0] == pytest.approx(1 - math.comb(samples - right, k) / math.comb(samples, k))


def write(path: Path, rows: list[tuple[str, int | None, str]]) -> Path:
    lines = [
        {"id": name, "prediction": text, "references": ["cat"]} | ({} if number is None else {"sample": number})
        for name, number, text in rows
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


ROWS = [
    *(("a", number, text) for number, text in enumerate(["cat", "Cat.", "dog"])),
    *(("b", number, text) for number, text in enumerate(["dog", "DOG", "cat"])),
    *(("c", number, text) for number, text in enumerate(["dog", "cow", "hen"])),
]


def score(path: Path, **more: Any) -> Any:
    return vleval.score(path, scoring=vleval.Scoring(metrics=("exact_match",)), **more)


def test_values_are_means_over_samples_and_the_rest_is_said(tmp_path: Path) -> None:
    found = score(write(tmp_path / "preds.jsonl", ROWS))
    told = found.document()["sampled"]
    one = told["metrics"]["exact_match"]
    assert found.metrics["exact_match"].value == pytest.approx((2 / 3 + 1 / 3 + 0) / 3) and found.metrics["exact_match"].n == 3
    assert "samples:3" in found.metrics["exact_match"].signature and found.counts.total == 9
    assert [at["k"] for at in one["at"]] == [1, 2, 3] and one["best"] == "pass"
    assert [at["value"] for at in one["at"]] == pytest.approx([1 / 3, (1 + 2 / 3 + 0) / 3, 2 / 3])
    assert one["majority"]["value"] == pytest.approx(1 / 3)  # cat, dog, and three of which the first counts
    assert told["consistency"] == pytest.approx((2 / 3 + 2 / 3 + 1 / 3) / 3)
    assert one["per_sample"] == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    table = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0]], float)
    assert one["within"] == pytest.approx(math.sqrt(table.var(axis=1, ddof=1).mean()))
    lines = list(found.lines())
    assert any("3 samples a question; 56% give" in line for line in lines) and any("pass@3 0.6667" in line for line in lines)


def test_the_interval_knows_both_kinds_of_variance() -> None:
    """Over many draws, the interval's half width is what the means of new questions and new samples really scatter by."""
    rng = np.random.default_rng(0)
    questions, samples = 400, 4
    means = []
    for _ in range(300):
        chance = rng.beta(2, 2, questions)
        means.append((rng.random((questions, samples)) < chance[:, None]).mean())
    chance = rng.beta(2, 2, questions)
    table = (rng.random((questions, samples)) < chance[:, None]).astype(float)
    error = table.mean(axis=1).std(ddof=1) / math.sqrt(questions)
    assert error == pytest.approx(np.std(means), rel=0.15)


@pytest.mark.parametrize(
    "rows, fault",
    [
        (ROWS[:-1], "'c' has no sample 2"),
        ([*ROWS, ("a", 1, "cat")], "sample 1 of 'a' stands twice"),
    ],
)
def test_samples_that_are_not_whole_stop(tmp_path: Path, rows: list[tuple[str, int | None, str]], fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        score(write(tmp_path / "preds.jsonl", rows))


def test_equal_ids_without_numbers_are_still_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="ids appear more than once"):
        score(write(tmp_path / "preds.jsonl", [(name, None, text) for name, _, text in ROWS]))


def test_a_judge_marks_one_answer(tmp_path: Path) -> None:
    marks = tmp_path / "marks.jsonl"
    marks.write_text('{"id": "a", "mark": 5}\n')
    with pytest.raises(UsageError, match="a judge marks one answer a question"):
        score(write(tmp_path / "preds.jsonl", ROWS), judging=vleval.Judging(marks=marks))


def test_what_is_one_vote() -> None:
    assert answer_key("Ｃａｔ. ") == answer_key("<think>hm</think> cat") == "cat" != answer_key("a cat")
