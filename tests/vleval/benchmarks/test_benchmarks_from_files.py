"""The way to a benchmark: files, options, groups, and calls that are refused."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.vleval.benchmarks.helpers import PETS, official, row
from vldata.errors import DataError, UsageError
from vleval import Judging, MetricOptions, Row, Scoring, compare, score
from vleval.benchmarks.table import BENCHMARKS, known_name


def test_vsi_bench_from_samples_of_lmms_eval(tmp_path):
    kinds = (("object_counting", "3", "3"), ("route_planning", "B", "B. left"))
    lines = [
        {
            "doc_id": n,
            "doc": {"question_type": kinds[n % 2][0], "scene_name": f"scene{n // 4}", "question": f"q{n}"},
            "target": kinds[n % 2][1],
            "filtered_resps": [kinds[n % 2][2] if n else "no idea"],
        }
        for n in range(12)
    ]
    (tmp_path / "samples.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = score(str(tmp_path / "samples.jsonl"), scoring=Scoring(benchmark="vsi-bench"))
    assert (found.groups.key, found.groups.count) == ("scene", 3)
    assert found.metrics["vsi-bench"].value == pytest.approx((500 / 6 + 100) / 2)


@pytest.mark.parametrize("name", [name for name in BENCHMARKS if name != "openeqa"])
def test_every_scorer_keeps_its_rows_and_scale(name):
    """A failed row is 0 in each, and nothing is lost."""
    more = {"choices": PETS, "category": "Doc-oriented VQA", "extra": {"question_type": "route_planning" if name == "vsi-bench" else ""}}
    truth = "Yes" if name.startswith(("pope", "hallusion")) else "[0.1, 0.2, 0.3, 0.4]" if name == "refcoco" else "A"
    more |= {"width": 100, "height": 100}
    if name == "cc-ocr":
        more |= {"category": "doc_parsing", "extra": {"l2-category": "doc", "split": "x"}}
    if name == "ocrbench-v2":
        more |= {"category": "", "extra": {"type": "text recognition en"}}
    if name.startswith("mathvista"):
        more |= {"extra": {"question_type": "multi_choice", "answer_type": "text", "extraction": "A"}}
    rows = [
        Row(id=f"VD_map_1_0_0_{i}", prediction=p, references=(truth,) * 10 if "textvqa" in name else (truth,), **more)
        for i, p in enumerate((truth, None))
    ]
    scores = BENCHMARKS[name].build(MetricOptions()).score(rows)
    assert np.array_equal(scores.values, [100, 0])


def test_openeqa_is_scored_by_marks_and_the_others_by_none(tmp_path):
    (tmp_path / "marks.json").write_text(json.dumps({"1": 5, "2": 2}))
    rows = [row(1, "red", "red"), row(2, "on it", "in it")]
    judging = Judging(marks=tmp_path / "marks.json")
    found = score(rows, scoring=Scoring(benchmark="openeqa"), judging=judging).metrics["openeqa"]
    assert found.value == 62.5
    with pytest.raises(UsageError, match="reads no marks"):
        score(rows, scoring=Scoring(benchmark="erqa"), judging=judging)
    with pytest.raises(DataError, match="no judge's mark"):
        official("openeqa", rows)


def test_the_table_tells_whose_code_it_is():
    for name, benchmark in BENCHMARKS.items():
        assert known_name(name.upper()) == name
        assert len(benchmark.commit) == 40 and "/" in benchmark.source and benchmark.equal


def test_wrong_calls_are_named():
    with pytest.raises(UsageError, match="did you mean 'pope'"):
        official("popee", [row(1, "yes", "yes")])
    with pytest.raises(UsageError, match="profile of its own"):
        score([row(1, "yes", "yes")], scoring=Scoring(benchmark="pope", profile="inspect"))
    with pytest.raises(UsageError, match="metric of its own"):
        score([row(1, "yes", "yes")], scoring=Scoring(benchmark="pope", metrics=("anls",)))


def test_intervals_know_of_rounds_and_figures():
    rows = [row(q + n * 10**6, "A" if q % 3 else "B", "A", choices=PETS) for q in range(1, 13) for n in range(4)]
    found = score(rows, scoring=Scoring(benchmark="mmbench", extras=False))
    assert (found.groups.key, found.groups.count) == ("circle", 12)
    assert 20 < found.metrics["mmbench"].low < found.metrics["mmbench"].value < 100
    with pytest.raises(DataError, match="several orders"):
        official("mmstar", rows)
    figures = [Row(id=f"VD_map_1_{s}_{f}_0", prediction="Yes" if s else "No", references=("Yes",)) for s in range(5) for f in range(3)]
    found = score(figures, scoring=Scoring(benchmark="hallusionbench", extras=False))
    assert (found.groups.key, found.groups.count) == ("scene", 5)


def test_questions_of_one_video_are_clustered():
    rows = [row(n, "A" if n < 9 else "B", "A", category="long", groups={"cluster": str(n // 3)}) for n in range(15)]
    found = score(rows, scoring=Scoring(benchmark="video-mme", extras=False))
    assert (found.groups.key, found.groups.count) == ("scene", 5)


def test_limits_of_the_users_own_are_refused():
    with pytest.raises(UsageError, match="limits of its own"):
        score([row(1, "10", "10")], scoring=Scoring(benchmark="chartqa", options=MetricOptions(tolerance=0.1)))


def test_the_authors_own_output_of_mmmu(tmp_path):
    options = {"index2ans": {"A": "cat", "B": "dog"}, "all_choices": ["A", "B"], "question_type": "multiple-choice"}
    items = [
        {"id": "validation_Art_1", "answer": "B", "response": "(B)", **options},
        {"id": "validation_Art_2", "answer": ["12", "twelve"], "response": "so it is Twelve", "question_type": "short-answer"},
        {"id": "validation_Art_3", "answer": "A", "response": "who knows", **options},
    ]
    (tmp_path / "output.json").write_text(json.dumps(items))
    found = score(str(tmp_path / "output.json"), scoring=Scoring(benchmark="mmmu")).metrics["mmmu"]
    assert found.parts == {"multiple-choice": 50, "open": 100}


def test_two_systems_compare_by_a_benchmark(tmp_path):
    for name, answers in (("a", ("Yes", "Yes", "No")), ("b", ("Yes", "No", "No"))):
        lines = [
            {"index": i, "question": f"q{i}", "answer": "Yes", "prediction": text, "category": "random"} for i, text in enumerate(answers)
        ]
        (tmp_path / f"{name}.json").write_text(json.dumps(lines))
    found = compare([str(tmp_path / "a.json"), str(tmp_path / "b.json")], scoring=Scoring(benchmark="POPE"))
    assert found.comparison.profile == "vlmevalkit"
    assert [result.metrics["pope"].n for result in found.results] == [3, 3]


def test_from_a_file_on_the_command_line(tmp_path):
    from vleval.cli import app

    lines = [
        {
            "index": f"VD_chart_1_0_{i}_0",
            "question": f"q{i}",
            "answer": "Yes",
            "prediction": "yes",
            "category": "VD",
            "l2-category": "chart",
        }
        for i in range(3)
    ]
    file = tmp_path / "HallusionBench.json"
    file.write_text(json.dumps(lines))
    run = CliRunner().invoke(app, ["score", str(file), "--benchmark", "hallusionbench", "--json"])
    assert run.exit_code == 0, run.output
    found = json.loads(run.stdout)["metrics"]["hallusionbench"]
    assert found["value"] == found["parts"]["fAcc"] == 100
    assert "benchmark:hallusionbench" in found["signature"]
    listed = CliRunner().invoke(app, ["score", "--list-benchmarks", "--json"])
    assert set(json.loads(listed.stdout)["benchmarks"]) == set(BENCHMARKS)
