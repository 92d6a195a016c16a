from __future__ import annotations

import json

import numpy as np
import pytest

from vldata.errors import DataError, UsageError
from vleval.agreeing import marks_agreement
from vleval.comparing import compare, display_names
from vleval.readers import read_marks
from vleval.settings import Allow, Reading, Scoring
from vleval.stats.groups import Groups
from vleval.stats.intervals import clustered_mean
from vleval.stats.paired import mcnemar, sign_flip

EXACT = Scoring(metrics=("exact_match",))


def rows(verdicts, scenes=None):
    return [
        {"id": str(n), "prediction": "a" if right else "b", "references": ["a"], **({"scene": scenes[n]} if scenes else {})}
        for n, right in enumerate(verdicts)
    ]


A = [1, 1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 0, 1, 0, 1]
B = [1, 1, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1]
SCENES = [f"s{n // 2}" for n in range(16)]


def test_a_pair_is_judged_by_its_clustered_differences():
    found = compare([rows(A, SCENES), rows(B, SCENES)], scoring=EXACT).comparison.pairs[0].differences["exact_match"]
    gaps = np.array(B, float) - np.array(A, float)
    groups = Groups("scene", np.arange(16) // 2, 8, "")
    interval = clustered_mean(gaps, groups)
    assert found.difference == pytest.approx(gaps.mean())
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.p == pytest.approx(sign_flip(gaps, groups))
    assert found.mcnemar is not None
    assert (found.mcnemar.only_first, found.mcnemar.only_second, found.mcnemar.p) == (1, 5, mcnemar(1, 5))
    assert found.mcnemar.item_level
    assert (found.wins, found.losses, found.ties) == (5, 1, 10)
    assert found.questions_needed == max(0, int(np.ceil((2.8 * interval.se / found.difference) ** 2 * 16 - 16)))


def test_without_groups_mcnemar_is_not_item_level_only():
    found = compare([rows(A), rows(B)], scoring=EXACT).comparison.pairs[0].differences["exact_match"]
    assert found.mcnemar is not None
    assert not found.mcnemar.item_level


def test_wins_and_losses_are_listed():
    pair = compare([rows(A), rows(B)], scoring=EXACT).comparison.pairs[0]
    assert [change.id for change in pair.wins] == ["2", "5", "8", "11", "12"]
    assert [(change.id, change.first_prediction, change.second_prediction) for change in pair.losses] == [("10", "a", "b")]


def test_each_of_several_systems_meets_the_first_and_holm_spans_all():
    compared = compare([rows(A), rows(B), rows(A)], scoring=Scoring(metrics=("exact_match", "token_f1")))
    assert [(pair.first, pair.second) for pair in compared.comparison.pairs] == [
        ("predictions (1)", "predictions (2)"),
        ("predictions (1)", "predictions (3)"),
    ]
    found = compared.comparison.pairs[0].differences["exact_match"]
    assert found.p_holm == pytest.approx(min(1.0, 4 * found.p))
    same = compared.comparison.pairs[1].differences["exact_match"]
    assert (same.difference, same.p, same.p_holm, same.verdict, same.questions_needed) == (0.0, 1.0, 1.0, "no difference shown", None)


def test_a_corpus_metric_is_bootstrapped_in_pairs():
    texts = ["the cat sat on the mat", "a dog ran off quickly", "two birds sang all day", "the river was very wide"] * 3
    first = [{"id": str(n), "prediction": " ".join(text.split()[:3]), "references": [text]} for n, text in enumerate(texts)]
    second = [{"id": str(n), "prediction": text, "references": [text]} for n, text in enumerate(texts)]
    found = compare([first, second], scoring=Scoring(metrics=("chrf", "ter"))).comparison.pairs[0].differences
    assert found["chrf"].interval == "paired-bootstrap"
    assert (found["chrf"].verdict, found["ter"].verdict) == ("better", "better")
    assert found["ter"].difference < 0  # lower is better
    assert (found["ter"].wins, found["ter"].losses) == (12, 0)


def test_other_questions_stop_the_comparison():
    with pytest.raises(DataError, match="1 of 16 questions are answered by another file only: '15'"):
        compare([rows(A), rows(B[:15])])
    found = compare([rows(A), rows(B[:15])], scoring=EXACT, reading=Reading(allow=Allow(missing=True)))
    assert found.results[1].counts.missing == 1
    assert found.comparison.pairs[0].n == 16


def test_other_references_stop_the_comparison():
    other = rows(B)
    other[3]["references"] = ["z"]
    with pytest.raises(DataError, match="'3' has other references"):
        compare([rows(A), other])


def test_one_system_is_no_comparison():
    with pytest.raises(UsageError, match="needs two predictions files"):
        compare([rows(A)])


def test_the_document_is_json_and_holds_the_scores(quiz):
    document = compare([quiz["base"], quiz["tuned"]], scoring=EXACT).document()
    document = json.loads(json.dumps(document, allow_nan=False))
    assert list(document["systems"]) == ["base", "tuned"]
    assert document["pairs"][0]["differences"]["exact_match"]["verdict"] == "better"


def test_the_order_of_rows_does_not_matter(quiz, tmp_path):
    lines = quiz["tuned"].read_text().splitlines()
    (tmp_path / "tuned.jsonl").write_text("\n".join(reversed(lines)))
    pairs = [compare([quiz["base"], path], scoring=EXACT).comparison for path in (quiz["tuned"], tmp_path / "tuned.jsonl")]
    assert pairs[0] == pairs[1]


def test_judges_agree(quiz, tmp_path):
    marks = json.loads(quiz["openeqa-marks"].read_text())
    other = tmp_path / "other.json"
    other.write_text(json.dumps({name: min(5, mark + (name == "q01")) for name, mark in marks.items()}))
    first, second = read_marks(quiz["openeqa-marks"]), read_marks(other)
    assert marks_agreement(first, first).kappa == 1.0
    assert marks_agreement(first, second).exact == pytest.approx(11 / 12)
    with pytest.raises(DataError, match="no answer is marked by both"):
        marks_agreement(first, {"other": "3"})
    with pytest.raises(DataError, match="the judge's mark 'good' names no number"):
        marks_agreement({"a": "good"}, {"a": "3"})


def test_marks_may_be_lines(tmp_path):
    path = tmp_path / "marks.jsonl"
    path.write_text('{"id": "a", "mark": 4}\n{"id": "b", "score": "Your mark: 2"}\n')
    assert read_marks(path) == {"a": "4", "b": "Your mark: 2"}
    path.write_text('{"id": "a", "mark": 4}\n{"id": "a", "mark": 5}\n')
    with pytest.raises(DataError, match="marks 'a' a second time"):
        read_marks(path)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["x/a.jsonl", "x/b.jsonl"], ["a", "b"]),
        (["x/a.jsonl", "y/a.jsonl"], ["x/a.jsonl", "y/a.jsonl"]),
        (["a.jsonl", "a.jsonl"], ["a.jsonl (1)", "a.jsonl (2)"]),
    ],
)
def test_names_differ(names, expected):
    assert display_names(names) == expected


def test_the_halves_of_chartqa_are_told_apart():
    def answers(verdicts):
        return [dict(row, kind="human" if n < 8 else "augmented") for n, row in enumerate(rows(verdicts, SCENES))]

    found = compare([answers(A), answers(B)], scoring=EXACT).comparison.pairs[0].differences["exact_match"]
    assert list(found.by_kind) == ["human", "augmented"]
    half = compare([answers(A)[:8], answers(B)[:8]], scoring=EXACT).comparison.pairs[0].differences["exact_match"]
    human = found.by_kind["human"]
    assert (human.n, human.first, human.second, human.low, human.high, human.p) == (8, half.first, half.second, half.low, half.high, half.p)


def test_a_system_against_its_twin_is_not_certain():
    found = compare([rows(A, SCENES), rows(A, SCENES)], scoring=EXACT).comparison.pairs[0].differences["exact_match"]
    unseen = 1.959963984540054**2 / (8 + 1.959963984540054**2)
    assert (found.low, found.high) == pytest.approx((-unseen, unseen))
    assert (found.interval, found.verdict) == ("paired-wilson:scene", "no difference shown")
