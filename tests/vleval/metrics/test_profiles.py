from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vldata.errors import DataError, UsageError
from vldata.sources import official, pairdrafts
from vleval.metrics.options import MetricOptions
from vleval.metrics.table import METRICS
from vleval.profiles import ALIASES, DEFAULTS, PROFILES, TASK_ALIASES, default_metrics, known_task, resolve, table
from vleval.rows import Row
from vleval.scoring import pick_metrics, score
from vleval.settings import Scoring

PAIRS = [(profile, metric) for profile, metrics in PROFILES.items() for metric in metrics]
TEXT_PAIRS = [pair for pair in PAIRS if pair[1].split(":")[0] != "json_f1" and pair[1] not in ("detection_f1", "coco_ap", "cider:ptb")]
BOXES = '[{"bbox": [1, 2, 3, 4], "label": "a"}]'


def row(prediction, *references, **fields):
    return Row(id="x", prediction=prediction, references=references, **{"extra": {"mark": "5"}, "choices": ("cat", "dog")} | fields)


@pytest.mark.parametrize(("profile", "name"), PAIRS)
def test_every_pair_of_the_table_can_be_built(profile, name):
    metric = resolve(profile, name)
    assert (metric.name, metric.profile) == (name, profile)
    base = name.split(":")[0]
    hundred = {"bleu-4", "rouge-1", "rouge-2", "rouge-l", "sacrebleu", "chrf", "ter", "llm_match"}
    assert metric.scale == (100 if base in hundred else 10 if base == "cider" else 1)
    assert metric.higher_is_better == (base != "ter")
    corpus = {"sacrebleu", "chrf", "ter", "cider", "detection_f1", "json_f1", "coco_ap"}
    assert metric.kind == ("corpus" if base in corpus and name != "json_f1:nted" else "mean")
    assert metric.signature and ("think:strip" in metric.signature) == (profile == "vlkit")


def test_an_undefined_pair_names_the_profiles_that_define_it():
    with pytest.raises(UsageError, match="'llamafactory' does not define 'anls'") as caught:
        resolve("llamafactory", "anls")
    assert "lmms-eval" in str(caught.value)


@pytest.mark.parametrize(
    ("profile", "name", "hint"),
    [("lamafactory", "anls", "'llamafactory'"), ("vlkit", "exact_mach", "'exact_match'"), ("lmms-eval", "cider", "vlkit")],
)
def test_an_unknown_name_gets_a_suggestion(profile, name, hint):
    with pytest.raises(UsageError) as caught:
        resolve(profile, name)
    assert hint in str(caught.value)


def test_defaults_are_defined_by_their_profiles():
    assert set(DEFAULTS) == set(PROFILES)
    for profile, by_task in DEFAULTS.items():
        assert "" in by_task
        for names in by_task.values():
            assert set(names) <= set(PROFILES[profile])
    assert set(TASK_ALIASES.values()) <= set(DEFAULTS["vlkit"])
    assert default_metrics("vlkit", "ChartQA") == ("relaxed_accuracy", "exact_match")
    assert default_metrics("llamafactory", "chart") == tuple(ALIASES["llamafactory"])


def test_every_task_that_a_converter_writes_is_scored_by_a_metric_of_its_own():
    written = {*pairdrafts._TASKS.values(), *(layout.task for layout in official.LAYOUTS.values()), "chartqa", "detection", "solution"}
    in_words = {"vqa", "class", "chat", "pointing"}  # scored as texts
    assert {task for task in written if not known_task(task)} <= in_words
    assert default_metrics("vlkit", "choices") == default_metrics("vlkit", "Multiple Choice") == ("multiple_choice",)
    assert default_metrics("llamafactory", "choices") == default_metrics("llamafactory", "")


@pytest.mark.parametrize("task", ["", "choices", "spatial relations"])
def test_options_with_a_letter_are_scored_by_letters_whatever_the_task_is_called(task):
    asked = row("(B)", "B", choices=("red", "green"), task=task)
    assert [metric.name for metric in pick_metrics([asked], "vlkit", (), MetricOptions())] == ["multiple_choice"]


@pytest.mark.parametrize("profile", ["evalscope", "vlmevalkit", "inspect"])
def test_options_that_stand_in_the_question_alone_are_read_by_every_profile(profile, tmp_path):
    """evalscope's reviews hold its prompt and no field of options."""
    said = "ANSWER: B"
    given = row(said, "B", choices=("cat", "dog"))
    asked = row(said, "B", choices=(), question="Which?\nA) cat\nB) dog")
    metric = resolve(profile, "multiple_choice")
    assert list(metric.score([asked]).values) == list(metric.score([given]).values)
    lines = [{"id": "1", "question": asked.question, "references": ["B"], "prediction": said}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert score(tmp_path / "rows.jsonl", scoring=Scoring(profile=profile, metrics=("multiple_choice",))).metrics
    with pytest.raises(DataError, match="have no choices"):
        lines[0]["question"] = "Which?"
        (tmp_path / "rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        score(tmp_path / "rows.jsonl", scoring=Scoring(profile=profile, metrics=("multiple_choice",)))


def test_the_table_lists_every_name_once():
    rows = table()
    assert len({name for name, _ in rows}) == len(rows)
    assert dict(rows)["relaxed_accuracy"] == (
        "vlkit",
        "lmms-eval",
        "vlmevalkit",
        "pix2struct",
        "qwen-vl",
        "evalscope",
        "chartqapro",
    )
    assert set(METRICS) <= {name for name, _ in rows}


@pytest.mark.parametrize(("profile", "name"), TEXT_PAIRS)
def test_failed_rows_score_zero_and_a_row_without_reference_stops(profile, name):
    metric = resolve(profile, name)
    scores = metric.score([row("ANSWER: A", "A"), row(None, "A", error="timeout"), row("A", "A", error="cut off")])
    worst = 100.0 if name == "ter" else 0.0
    assert scores.values[1] == scores.values[2] == worst
    if name != "llm_match":
        with pytest.raises(DataError, match="no reference"):
            metric.score([row("A")])


@pytest.mark.parametrize(("profile", "name"), TEXT_PAIRS)
def test_no_rows_are_no_error(profile, name):
    assert len(resolve(profile, name).score([]).values) == 0


def test_only_vlkit_strips_reasoning_unless_told():
    thinking = [row("<think>a cat?</think>\n\nA cat", "a cat")]
    assert resolve("vlkit", "exact_match").score(thinking).values[0] == 1
    assert resolve("vlkit", "exact_match", MetricOptions(strip_think=False)).score(thinking).values[0] == 0
    assert resolve("qwen-vl", "exact_match").score(thinking).values[0] == 0
    assert resolve("qwen-vl", "exact_match", MetricOptions(strip_think=True)).score(thinking).values[0] == 1
    assert resolve("vlkit", "exact_match").score([row("<think>a cat", "a cat")]).values[0] == 0


SAFE = st.text(max_size=25)


@given(st.lists(st.tuples(SAFE, st.lists(SAFE, min_size=1, max_size=3)), min_size=2, max_size=5), st.data())
@settings(max_examples=25, deadline=None)
def test_values_stay_on_their_scale_and_ignore_the_order_of_rows(pairs, data):
    profile, name = data.draw(st.sampled_from(TEXT_PAIRS))
    rows = [row(answer, *known) for answer, known in pairs]
    metric = resolve(profile, name)
    values = metric.score(rows).values
    highest = np.inf if name == "ter" else metric.scale + 1e-9
    assert ((values >= 0) & (values <= highest)).all()
    if name != "sacrebleu" or profile != "vlkit":  # there the script of all references chooses the tokenizer
        assert metric.score(rows[::-1]).values[::-1] == pytest.approx(values)


def test_corpus_values_come_from_summed_statistics():
    rows = [row("the cat sat on the mat", "a cat sat on the mat"), row("dogs run fast today", "the dogs run very fast today")]
    for name in ("sacrebleu", "chrf", "ter", "cider"):
        scores = resolve("vlkit", name).score(rows)
        assert scores.corpus.rows.shape[0] == 2
        assert scores.corpus.value(scores.corpus.rows[:1]) == pytest.approx(scores.values[:1]) or name == "sacrebleu"


def test_evaluate_needs_a_path_or_consent():
    with pytest.raises(UsageError, match="on disk"):
        resolve("vlkit", "evaluate:no_such_metric")


def test_a_third_party_metric_comes_in_by_entry_point(monkeypatch):
    from vleval import profiles

    class Point:
        @staticmethod
        def load():
            return lambda options: resolve("pix2struct", "exact_match", options)

    monkeypatch.setattr(profiles, "entry_points", lambda group, name: [Point] if (group, name) == ("vlkit.metrics", "ours") else [])
    assert resolve("lmms-eval", "ours").score([row("a", "a")]).values[0] == 1
    assert resolve("lmms-eval", "ours").name == "ours"
