from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vldata.errors import DataError, UsageError
from vleval import score
from vleval.honest import PLACEHOLDERS
from vleval.prediction import Prediction
from vleval.settings import Judging, Scoring
from vleval.stats.groups import Groups
from vleval.stats.intervals import clustered_mean, wilson
from vleval.worth import STYLES

EXACT = Scoring(metrics=("exact_match",))
QUICK = Scoring(metrics=("exact_match",), extras=False)

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
CONTRACT = {"value", "low", "high", "n", "scale", "higher_is_better", "ceiling", "floor", "signature"}
COUNTS = {"total", "scored", "error", "empty", "truncated", "missing", "duplicate", "extra"}


def rows(*pairs, **more):
    return [{"id": str(n), "prediction": given, "references": [wanted], **more} for n, (given, wanted) in enumerate(pairs)]


def test_the_document_is_the_contract():
    document = score(rows(("a", "a"), ("b", "c"), category="k"), scoring=EXACT).document()
    assert list(document) == ["profile", "metrics", "counts", "by_category", "read", "notes"]
    assert set(document["metrics"]["exact_match"]) == CONTRACT
    assert set(document["counts"]) == COUNTS
    assert document["by_category"] == {"k": {"exact_match": {"value": 0.5, "n": 2}}}
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_errors_empty_truncated_and_refused_stay_in_the_denominator():
    given = [
        {"id": "1", "prediction": "a", "references": ["a"]},
        {"id": "2", "prediction": None, "error": "timeout", "references": ["a"]},
        {"id": "3", "prediction": "", "references": ["a"]},
        {"id": "4", "prediction": "a", "references": ["a"], "finish_reason": "length"},
        {"id": "5", "prediction": "I cannot", "references": ["a"], "finish_reason": "content_filter"},
    ]
    result = score(given, scoring=EXACT)
    found, counts = result.metrics["exact_match"], result.counts
    assert (found.value, found.n, found.value_answered, found.n_answered) == (0.4, 5, 0.5, 4)
    assert (counts.total, counts.scored, counts.error, counts.empty, counts.truncated, counts.refused) == (5, 4, 1, 1, 1, 1)
    document = result.document()
    assert document["counts"]["refused"] == 1
    assert (document["metrics"]["exact_match"]["value_answered"], document["metrics"]["exact_match"]["n_answered"]) == (0.5, 4)


def test_wilson_for_shares_without_groups_and_clustered_t_with_them():
    found = score(rows(*[("a", "a")] * 7, *[("b", "a")] * 5), scoring=QUICK).metrics["exact_match"]
    expected = wilson(7, 12)
    assert (found.low, found.high, found.interval) == (expected.low, expected.high, "wilson")
    grouped = [dict(row, scene=f"s{n % 4}") for n, row in enumerate(rows(*[("a", "a")] * 7, *[("b", "a")] * 5))]
    found = score(grouped, scoring=QUICK).metrics["exact_match"]
    expected = clustered_mean(np.array([1.0] * 7 + [0.0] * 5), Groups("scene", np.arange(12) % 4, 4, ""))
    assert (found.low, found.high, found.interval) == (expected.low, expected.high, "cluster-t:scene")


def test_corpus_metrics_are_bootstrapped():
    result = score(
        rows(("the cat sat", "the cat sat"), ("a dog", "the dog ran off"), ("x y z", "x y z")), scoring=Scoring(metrics=("chrf",))
    )
    found = result.metrics["chrf"]
    assert found.kind == "corpus"
    assert "ci:bootstrap seed:0" in found.signature
    assert found.low is not None
    assert found.low <= found.value <= found.high
    assert found.ceiling == pytest.approx(100.0)


def test_llamafactory_writes_its_own_keys_too():
    document = score(
        rows(
            ("ab cd", "ab cd"),
        ),
        scoring=Scoring(profile="llamafactory", extras=False),
    ).document()
    assert document["metrics"]["predict_bleu-4"] == document["metrics"]["bleu-4"]
    assert {"predict_rouge-1", "predict_rouge-2", "predict_rouge-l"} <= document["metrics"].keys()


def test_reasoning_is_stripped_in_vlkit_only():
    given = rows(("<think>hm</think>a", "a"))
    assert score(given, scoring=QUICK).metrics["exact_match"].value == 1.0
    assert score(given, scoring=Scoring(profile="lmms-eval", metrics=("exact_match",), extras=False)).metrics["exact_match"].value == 0.0


def test_ceiling_floor_and_style():
    given = rows(("x", "Yes"), ("x", "Yes"), ("x", "No."), ("x", "the cat"), category="c")
    found = score(given, scoring=Scoring(profile="lmms-eval", metrics=("exact_match",))).metrics["exact_match"]
    assert found.ceiling == 1.0
    assert found.floors is not None
    assert (found.floors.constant, found.floors.constant_answer, found.floors.category) == (0.5, "Yes", None)
    assert found.floor == max(found.floors.constant, found.floors.shuffled)
    assert set(found.style) == {"lower case", "full stop", "article"}


def test_the_floor_by_category_gives_each_its_commonest_answer():
    given = rows(*[("x", "Yes")] * 3, category="a") + [dict(row, id="b" + row["id"]) for row in rows(*[("x", "7")] * 2, category="b")]
    found = score(given, scoring=EXACT).metrics["exact_match"]
    assert found.floors is not None
    assert (found.floors.constant, found.floors.category, found.floor) == (0.6, 1.0, 1.0)


@pytest.mark.parametrize(
    ("style", "text", "expected"),
    [
        ("lower case", "Air Unit", "air unit"),
        ("full stop", "yes", "yes."),
        ("full stop", "yes.", "yes"),
        ("full stop", "深蓝色", "深蓝色。"),
        ("full stop", "深蓝色。", "深蓝色"),
        ("article", "The cat", "cat"),
        ("article", "an oak", "oak"),
        ("article", "cat", "the cat"),
    ],
)
def test_styles(style, text, expected):
    assert STYLES[style](text) == expected


def test_chartqa_halves_are_told():
    given = [
        dict(row, kind=kind) for row, kind in zip(rows(("1", "1"), ("2", "3"), ("4", "4")), ("human", "human", "augmented"), strict=True)
    ]
    found = score(given, scoring=Scoring(metrics=("relaxed_accuracy",), extras=False)).metrics["relaxed_accuracy"]
    assert {kind: (part.value, part.n) for kind, part in found.by_kind.items()} == {"human": (0.5, 2), "augmented": (1.0, 1)}
    assert list(found.by_kind) == ["human", "augmented"]


def test_the_task_picks_the_metrics():
    assert list(score(rows(("1", "1"), task="chart"), scoring=Scoring(extras=False)).metrics) == ["relaxed_accuracy", "exact_match"]


def test_marks_are_scored_alone_or_beside_the_answers(quiz):
    alone = score(quiz["openeqa-marks"])
    joined = score(
        quiz["openeqa"], references=quiz["references"], scoring=Scoring(profile="openeqa"), judging=Judging(marks=quiz["openeqa-marks"])
    )
    marks = [25.0 * (number % 5) for number in range(12)]
    assert alone.metrics["llm_match"].value == pytest.approx(np.mean(marks))
    marks[11] = 0.0  # no answer: 0 %, whatever a judge says
    assert joined.metrics["llm_match"].value == pytest.approx(np.mean(marks))
    assert (alone.counts.empty, joined.counts.error) == (0, 1)


def test_per_record_and_frame():
    result = score(rows(("a", "a"), ("b", "c")), scoring=Scoring(metrics=("exact_match", "token_f1"), extras=False))
    assert list(result.per_record()) == [{"id": "0", "exact_match": 1.0, "token_f1": 1.0}, {"id": "1", "exact_match": 0.0, "token_f1": 0.0}]
    frame = result.to_polars()
    assert frame.columns == ["id", "category", "prediction", "error", "exact_match", "token_f1"]
    assert frame["exact_match"].to_list() == [1.0, 0.0]


def test_a_row_without_an_answer_says_so_per_record():
    given = [
        {"id": "1", "prediction": "b", "references": ["a"]},
        {"id": "2", "prediction": "a", "references": ["a"]},
        {"id": "3", "prediction": None, "error": "HTTP 500", "references": ["a"]},
    ]
    result = score(given, scoring=Scoring(metrics=("exact_match",), extras=False))
    found = {record["id"]: record for record in result.per_record()}
    assert found["1"] == {"id": "1", "exact_match": 0.0} and "error" not in found["2"]
    assert found["3"] == {"id": "3", "exact_match": 0.0, "error": "HTTP 500"}


def test_boxes_write_their_counts_per_record(quiz):
    result = score(quiz["boxes"], scoring=Scoring(extras=False))
    assert list(result.metrics) == ["detection_f1"]
    record = list(result.per_record())[1]
    assert (record["detection_f1"], record["detection_f1.tp"], record["detection_f1.fp"], record["detection_f1.fn"]) == (1.0, 2, 0, 0)
    assert 0 < result.metrics["detection_f1"].value < 1  # one answer is cut off


def test_rows_dropped_upstream_are_null_per_record():
    result = score([*rows(("", "a"), ("a b", "a b"))], scoring=Scoring(profile="ms-swift", metrics=("rouge-1",), extras=False))
    found = result.metrics["rouge-1"]
    if found.n_upstream is None:
        pytest.fail("ms-swift drops rows with an empty side")
    assert (found.n, found.n_upstream) == (2, 1)
    assert next(result.per_record())["rouge-1"] is None


def test_our_own_type_is_accepted():
    given = Prediction(schema="vlkit.prediction/1", id="a", prediction="x", references=("x",), meta={"category": "k"})
    result = score([given], scoring=QUICK)
    assert (result.metrics["exact_match"].value, result.rows[0].category) == (1.0, "k")
    with pytest.raises(ValueError, match="error does not say why"):
        Prediction(schema="vlkit.prediction/1", id="a", prediction=None)


def test_numbers_in_memory_are_text():
    assert score([{"id": 1, "prediction": 12, "references": [12.0, 12]}], scoring=EXACT).metrics["exact_match"].value == 1.0


def test_wrong_calls_are_named():
    with pytest.raises(UsageError, match="does not define 'anls'"):
        score(rows(("a", "a")), scoring=Scoring(profile="llamafactory", metrics=("anls",)))
    with pytest.raises(UsageError, match="no profile 'nosuch'"):
        score(rows(("a", "a")), scoring=Scoring(profile="nosuch"))
    with pytest.raises(DataError, match="there are no predictions"):
        score([])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=12), st.text(min_size=1, max_size=12)), min_size=2, max_size=12), st.randoms())
def test_scores_stay_on_their_scale_and_ignore_the_order(pairs, shuffler):
    assume(any(text.strip() for text, _ in pairs) and any(reference.strip().lower() not in PLACEHOLDERS for _, reference in pairs))
    given = rows(*pairs)
    mixed = list(given)
    shuffler.shuffle(mixed)
    for profile, metrics in (("vlkit", ["exact_match", "token_f1", "anls", "relaxed_accuracy"]), ("llamafactory", [])):
        first = score(given, scoring=Scoring(profile=profile, metrics=metrics, extras=False))
        second = score(mixed, scoring=Scoring(profile=profile, metrics=metrics, extras=False))
        for name, found in first.metrics.items():
            assert 0 <= found.value <= found.scale + 1e-9
            assert found.value == pytest.approx(second.metrics[name].value)
            assert found.signature == second.metrics[name].signature


def test_extras_above_twenty_thousand_rows_use_a_sample(monkeypatch):
    from vleval import scoring, worth

    monkeypatch.setattr(worth, "SAMPLE_ROWS", 50)
    monkeypatch.setattr(scoring, "SAMPLE_ROWS", 50)
    generator = random.Random(0)
    given = rows(*[("a", generator.choice("abc")) for _ in range(200)])
    result = score(given, scoring=EXACT)
    assert "Ceiling, floor and style loss are computed on 50 of 200 rows (seed 0)." in result.notes
    assert result.metrics["exact_match"].floor == score(given, scoring=EXACT).metrics["exact_match"].floor


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data, the real Open-EQA answers")
def test_the_table_of_perfect_answers():
    questions = json.loads((SHARED / "openeqa" / "data" / "open-eqa-v0.json").read_text())
    table = {
        "perfect": (lambda text: text, (94.5, 100.0, 60.2, 100.0)),
        "lower": (str.lower, (85.6, 73.2, 41.5, 73.3)),
        "stop": (lambda text: text if text.endswith(".") else text + ".", (82.5, 79.9, 50.4, 80.0)),
        "sentence": (lambda text: f"The answer is {text.lower()}.", (34.5, 39.9, 25.2, 40.3)),
        "constant": (lambda text: "on the table", (9.6, 11.4, 3.7, 10.9)),
    }
    for change, expected in table.values():
        given = [{"prompt": "", "predict": change(q["answer"]), "label": q["answer"]} for q in questions]
        records = [{"id": str(n), "prediction": line["predict"], "references": [line["label"]]} for n, line in enumerate(given)]
        found = score(records, scoring=Scoring(profile="llamafactory", extras=False)).metrics
        assert [round(found[name].value, 1) for name in ("bleu-4", "rouge-1", "rouge-2", "rouge-l")] == list(expected)


def test_none_right_in_clusters_is_not_certain_and_says_how():
    given = [{"id": str(n), "prediction": "b", "references": ["a"], "scene": f"s{n % 9}"} for n in range(80)]
    found = score(given, scoring=EXACT).metrics["exact_match"]
    assert (found.low, found.high) == pytest.approx((0.0, wilson(0, 9).high))
    assert "ci:wilson:scene C:9" in found.signature


def test_a_corpus_metric_that_never_varies_has_no_interval_and_says_why():
    result = score(rows(("a b c d", "a b c d"), ("e f g h", "e f g h")), scoring=Scoring(metrics=("sacrebleu",)))
    assert result.metrics["sacrebleu"].low is None
    assert any("nothing varies" in note for note in result.metrics["sacrebleu"].notes)
