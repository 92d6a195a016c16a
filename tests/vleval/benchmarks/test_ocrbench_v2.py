"""OCRBench v2, kind by kind: values that its authors' scripts gave (tools/goldens/benchmarks_ocr.py compares thousands)."""

import json

import pytest

from tests.vleval.benchmarks.helpers import official, row
from vldata.errors import DataError
from vleval import Scoring, score
from vleval.benchmarks import ocr_reading, ocr_texts
from vleval.benchmarks.ocrbench_v2 import KINDS, score_of
from vleval.benchmarks.spotting import spotting_f1

TABLE = "<table><tr><td>a</td><td>b</td></tr></table>"


def asked(kind, text, *truths, question="", **extra):
    return row(1, text, *truths, question=question, extra={"type": kind, **{name: str(value) for name, value in extra.items()}})


@pytest.mark.parametrize(
    ("kind", "text", "truths", "more", "value"),
    [
        ("text recognition en", "It says OPEN.", ["open"], {}, 1),
        ("math QA en", "B.", ["B"], {"eval": "multiple choice"}, 1),
        ("math QA en", "The answer is B", ["B"], {"eval": "multiple choice"}, 0),
        ("science QA en", "open", ["Open"], {"eval": "case sensitive"}, 0),
        ("cognition VQA en", "one two three four fiv", ["one two three four five"], {}, 1 - 1 / 23),
        ("cognition VQA cn", "在 北 京", ["北京"], {}, 1),
        ("text counting en", "There are 8.", ["7"], {"eval": "regression"}, 1 - 1 / 7),
        ("text counting en", "There are 14.", ["7"], {"eval": "regression"}, 0),
        ("text counting en", "17", ["7"], {"eval": "exact match"}, 1),
        ("formula recognition en", "so x ^ 2", ["x^2"], {}, 1),
        ("formula recognition cn", "\\text{a} + 1", ["a+1"], {}, 1),
        ("handwritten answer extraction cn", "选 A、B", ["AB"], {}, 1),
        ("table parsing en", f"Sure: {TABLE}", [TABLE], {"question": "As HTML"}, 1),
        ("table parsing en", "| a | b |\n|---|---|", ["| a | b |\n|---|---|"], {"question": "In Markdown"}, 1),
        ("table parsing cn", "no table", [TABLE], {}, 0),
        ("chart parsing en", "```python\nx = {'a': 1}  # so\n```", ['{"a": 1}'], {}, 1),
        ("key information extraction en", '{"total": "12", "to": "me"}', ["{'total': ['12', '12.0'], 'to': 'You'}"], {}, 0.5),
        ("key information extraction cn", "total: 12", ["{'total': '12'}"], {}, 1),
        ("document parsing en", "# A\nb", ["# A\nb"], {}, 1),
        ("text grounding en", "(0, 0, 10, 10) or [0, 0, 10, 5]", ["0", "0", "10", "10"], {}, 0.5),
        ("VQA with position en", '{"answer": "red", "bbox": "[0, 0, 10, 5]"}', ["red"], {"bbox": [0, 0, 10, 10]}, 0.75),
        ("text spotting en", "(0,0,10,10,OPEN)", ["x"], {"bbox": [[0, 0, 10, 0, 10, 10, 0, 10]], "content": ["Open!"]}, 1),
        ("full-page OCR en", "", ["a"], {}, 0),
    ],
)
def test_each_kind(kind, text, truths, more, value):
    assert score_of(asked(kind, text, *truths, **more)) == pytest.approx(value)


def test_pages_need_wordnet_and_say_so(monkeypatch):
    monkeypatch.setattr(ocr_texts, "_meteor", lambda given, right: 0.5)
    words = "the cat sat on the mat"
    assert ocr_texts.page_similarity(words, words) == pytest.approx((1 + 0.5 + 1 + 1) / 4)
    assert ocr_texts.page_similarity("dog", words) == pytest.approx((0.5 + (1 - 21 / 22)) / 4)
    monkeypatch.undo()
    import nltk.translate.meteor_score as nltk_meteor

    def lost(references, hypothesis):
        raise LookupError

    monkeypatch.setattr(nltk_meteor, "meteor_score", lost)
    with pytest.raises(DataError, match=r"nltk\.downloader wordnet"):
        ocr_texts.page_similarity(words, words)


def test_spots_that_nobody_cares_for_count_neither_way():
    square, far = [0, 0, 10, 0, 10, 10, 0, 10], [50, 50, 60, 60]
    truth = [(square, "###"), (far, '"a \\" b"')]
    assert spotting_f1([((0, 0, 10, 10), "x"), ((50, 50, 60, 60), 'a " b')], truth) == 1
    assert spotting_f1([((0, 0, 10, 10), "x")], truth) == 0
    assert spotting_f1([((5, 5, 5, 9), "x")], truth) == 0


def test_what_no_script_of_theirs_survives_is_zero():
    assert score_of(asked("table parsing cn", '<table><tr><td colspan="x">a</td></tr></table>', TABLE)) == 0
    assert score_of(asked("text grounding en", f"({'9' * 5_000}, 1, 2, 3)", "0", "0", "1", "1")) == 0
    assert score_of(asked("key information extraction en", "[" * 100_000, '{"a": "b"}')) == 0
    assert ocr_reading.read_fields("x" * 200_000) == {}


def test_reading_is_linear():
    assert ocr_reading.read_spots("[ " * 100_000) == []
    assert ocr_reading.read_nested("```python\n" * 20_000) == {}


def test_the_number_is_the_mean_of_both_languages():
    rows = [
        row(1, "open", "open", extra={"type": "text recognition en"}),
        row(2, "x", "open", extra={"type": "math QA en"}),
        row(3, None, "北京", extra={"type": "cognition VQA cn"}),
    ]
    found = official("ocrbench-v2", rows)
    assert found.parts["English overall"] == 50 and found.parts["Chinese overall"] == 0
    assert found.value == 25
    assert found.parts["en text recognition"] == 100


def test_the_authors_file_is_read_as_it_is(tmp_path):
    lines = [
        {"type": "chart parsing en", "id": 0, "question": "q", "answers": [{"a": {"x": 1}}], "predict": "{'a': {'x': 1}}"},
        {"type": "text grounding en", "id": 1, "question": "q", "answers": [0, 0, 10, 10], "predict": "(0, 0, 10, 10)"},
        {
            **{"type": "text spotting en", "id": 2, "question": "q", "answers": ["x"], "predict": "(0,0,10,10,a)"},
            **{"bbox": [[0, 0, 10, 0, 10, 10, 0, 10]], "content": ["a"]},
        },
        {"type": "math QA en", "id": 3, "question": "q", "answers": ["B"], "eval": "multiple choice", "predict": "B"},
    ]
    (tmp_path / "preds.json").write_text(json.dumps(lines))
    found = score(tmp_path / "preds.json", scoring=Scoring(benchmark="ocrbench-v2", extras=False)).metrics["ocrbench-v2"]
    assert found.value == 100


def test_vlmevalkits_table_is_a_list_as_text():
    told = {"eval": "without eval", "bbox": "without bbox", "content": "without content"}
    one = row(1, "{'a': 1}", "[{'a': 1}]", category="chart parsing en", extra=told)
    two = row(2, "open", "['open', 'shut']", category="text recognition en", extra=told)
    assert score_of(one) == score_of(two) == 1


def test_faults_name_the_file_that_helps():
    with pytest.raises(DataError, match="no kind of question of OCRBench v2"):
        score_of(asked("poems en", "a", "a"))
    with pytest.raises(DataError, match="no way to judge"):
        score_of(asked("math QA en", "a", "a", eval="by eye"))
    with pytest.raises(DataError, match="'bbox' and 'content'"):
        score_of(asked("text spotting en", "a", "a"))
    with pytest.raises(DataError, match="neither in HTML nor in Markdown"):
        score_of(asked("table parsing en", TABLE, TABLE, question="Parse it"))
    with pytest.raises(DataError, match="is no object"):
        score_of(asked("chart parsing en", "{'a': 1}", "twelve"))
    with pytest.raises(DataError, match="no whole number"):
        score_of(asked("text counting en", "12", "many", eval="regression"))
    assert len(KINDS) == 30
