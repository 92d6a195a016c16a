"""CC-OCR and MathVista: values that upstream's own code gave (tools/goldens/benchmarks_documents.py compares thousands)."""

import json

import pytest

from tests.vleval.benchmarks.helpers import PETS, official, row
from vldata.errors import DataError, UsageError
from vleval import Judging, MetricOptions, Scoring, score
from vleval.benchmarks import ccocr, mathvista
from vleval.benchmarks.table import BENCHMARKS
from vleval.judge import ask, extraction
from vleval.metrics.teds import TableTooLargeError, read_table, teds


def page(table):
    return f"<html><body>{table}</body></html>"


@pytest.mark.parametrize(
    ("given", "truth", "value"),
    [
        ("<table><tr><td>a</td><td>b</td></tr></table>", "<table><tr><td>a</td><td>b</td></tr></table>", 1.0),
        ("<table><tr><td>a</td></tr></table>", "<table><tr><td>a</td><td>b</td></tr></table>", 1 - 1 / 3),
        ("<table><tr><td>ab</td></tr></table>", "<table><tr><td>ax</td></tr></table>", 1 - 0.5 / 2),
        ('<table><tr><td colspan="2">a</td></tr></table>', "<table><tr><td>a</td></tr></table>", 0.5),
        ("<table><tr><td><b>a</b></td></tr></table>", "<table><tr><td>a</td></tr></table>", 1 - (2 / 3) / 3),
        ("<p>no table</p>", "<table><tr><td>a</td></tr></table>", 0.0),
        ("", "<table><tr><td>a</td></tr></table>", 0.0),
    ],
)
def test_teds(given, truth, value):
    assert teds(page(given), page(truth)) == pytest.approx(value)


def test_hostile_tables_end_in_a_sentence():
    assert teds(page("<table>" * 5_000), page("<table><tr><td>a</td></tr></table>")) <= 1
    big = page("<table>" + "<tr><td>a</td></tr>" * 2_000 + "</table>")
    with pytest.raises(TableTooLargeError, match="too large"):
        teds(big, big)
    with pytest.raises(ValueError, match="two"):
        read_table(page('<table><tr><td colspan="two">a</td></tr></table>'))


def form(number, text, truth, category="kie", kind="open_category", split="COLD_CELL"):
    return row(number, text, truth, category=category, extra={"l2-category": kind, "split": split})


def test_cc_ocr_is_the_mean_of_tracks_of_means_of_sub_datasets():
    rows = [
        form(1, "Hello WORLD", "hello world", "multi_scene_ocr", "document_text", "CORD"),
        form(2, "nothing", "hello world", "multi_scene_ocr", "document_text", "CORD"),
        form(3, "北京", "北京", "multi_scene_ocr", "scene_text", "zh_scene"),
        form(4, '```json\n{"total": "12"}\n```', '{"total": "12"}'),
        form(5, None, "a b", "doc_parsing", "doc", "doc_photo_eng"),
    ]
    found = official("cc-ocr", rows)
    assert found.parts["scene_ocr"] == pytest.approx(75, abs=1e-4)
    assert found.parts["kie"] == pytest.approx(100, abs=1e-3)
    assert found.parts["doc_parsing"] == 0
    assert found.value == pytest.approx(175 / 3, abs=1e-3)
    assert any("lan_ocr" in note for note in found.notes)


def test_cc_ocr_reads_documents_formulas_molecules_and_tables():
    def value(kind, text, truth):
        return official("cc-ocr", [form(1, text, truth, "doc_parsing", kind, "x")]).value

    assert value("doc", "\\documentclass{article}\n\\begin{document}```latex\na b```", "ab") == pytest.approx(100 * (1 - 5 / 7))
    assert value("formula", "```latex\nx ^ 2\n```", "x^2") == 100
    assert value("molecular", "<smiles>C C O</smiles>", "CCO") == 100
    table = "<table><tr><td>a</td></tr></table>"
    assert value("table", f"```html\n{table}\n```", table) == 100
    assert value("table", '<table><tr><td\tcolspan="x">a</td></tr></table>', table) == 0  # no number: upstream ends there


def test_the_preamble_of_latex_goes_in_linear_time():
    assert ccocr.without_preamble("\\usepackage[a]{b}x\\noindent y\\usepackage{c\n}") == "x y\\usepackage{c\n}"
    text = "\\usepackage[" * 50_000
    assert ccocr.without_preamble(text) == text


def test_cc_ocr_needs_its_own_fields():
    with pytest.raises(DataError, match="no category of CC-OCR"):
        official("cc-ocr", [form(1, "a", "a", category="prose")])
    with pytest.raises(DataError, match="'split'"):
        official("cc-ocr", [row(1, "a", "a", category="kie", extra={"l2-category": "x"})])
    with pytest.raises(DataError, match="no kind of document"):
        official("cc-ocr", [form(1, "a", "a", "doc_parsing", "poem", "x")])
    with pytest.raises(DataError, match="no JSON object"):
        official("cc-ocr", [form(1, "{}", "total: 12")])


def question(number, text, truth, kind, choices=(), **extra):
    told = {"question_type": "multi_choice" if choices else "free_form", "answer_type": kind} | extra
    return row(number, text, truth, choices=tuple(choices), extra=told)


@pytest.mark.parametrize(
    ("text", "truth", "kind", "choices", "right"),
    [
        ("14", "14", "integer", (), True),
        (" 12 ", "12", "integer", (), True),
        ("2.675", "2.67", "float", (), True),  # as Python rounds
        ("dog", "dog", "text", PETS, True),
        ('The answer is "B".', "dog", "text", PETS, True),
        ('The answer is "(a) cat".', "cat", "text", PETS, True),
        ("[2007, 2008]", "[2007, 2008]", "list", (), False),  # upstream asks a model for lists
        ("The number is 14.", "14", "integer", (), False),
    ],
)
def test_mathvista_reads_what_its_authors_rules_read(text, truth, kind, choices, right):
    extra = {"precision": "2.0"} if kind == "float" else {}
    asked = question(1, text, truth, kind, choices, **extra)
    found = BENCHMARKS["mathvista"].build(MetricOptions()).score([asked])
    assert found.values[0] == 100 * right
    assert found.unparsed == (mathvista.by_rules(asked) is None)


@pytest.mark.parametrize(
    ("text", "truth", "kind", "choices", "right"),
    [
        ("The answer is (B).", "dog", "text", PETS, True),
        ("it is the dog", "dog", "text", PETS, True),
        ("14", "14", "integer", (), True),
        ("2.50", "2.5", "float", (), True),
        ("red", "red", "text", (), False),  # upstream compares None
    ],
)
def test_mathvista_as_vlmevalkit(text, truth, kind, choices, right):
    assert official("mathvista:vlmevalkit", [question(1, text, truth, kind, choices)]).value == 100 * right


def test_mathvista_says_what_needs_a_model_and_takes_an_extraction():
    rows = [question(1, "It is fourteen.", "14", "integer"), question(2, "It is 1.", "1", "integer", extraction="1")]
    found = official("mathvista", rows)
    assert found.value == 50 and found.unparsed == 1
    assert "--judge" in found.notes[0]
    with pytest.raises(DataError, match="answer_type"):
        official("mathvista", [row(1, "1", "1", extra={"question_type": "free_form"})])


def test_mathvista_from_the_letters_of_vlmevalkit():
    assert official("mathvista", [question(1, "dog", "B", "text", PETS)]).value == 100
    with pytest.raises(DataError, match="none of the options"):
        official("mathvista", [question(1, "dog", "horse", "text", PETS)])


@pytest.mark.parametrize(
    ("reply", "read"),
    [
        ("Extracted answer: 14", "14"),
        ("<think>Extracted answer: 3</think>\nextracted answer: **B**", "B"),
        ("**Extracted answer:** [1, 2]", "[1, 2]"),
        ("Extracted answer:", ""),
        ("I cannot say.", None),
    ],
)
def test_an_extraction_is_read(reply, read):
    assert extraction.read_extraction(reply) == read


def test_a_judge_extracts_only_what_no_rule_reads(tmp_path, monkeypatch):
    asked = []

    def replies(judge, asks, accepts, **more):
        asked.extend(asks)
        return ask.Replies(dict.fromkeys(asks, "Extracted answer: 14"), 0, 0)

    monkeypatch.setattr(extraction, "ask_judge", replies)
    lines = [
        {"id": n, "prediction": text, "answer": "14", "question_type": "free_form", "answer_type": "integer"}
        for n, text in enumerate(("14", "It is fourteen."))
    ]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, lines)))
    judging = Judging(url="http://127.0.0.1:9/v1", model="reader")
    found = score(tmp_path / "p.jsonl", scoring=Scoring(benchmark="mathvista"), judging=judging).metrics["mathvista"]
    assert asked == ["1"] and found.value == 100
    assert f"extracted-by:reader/extraction:{extraction.DIGEST}" in found.signature
    with pytest.raises(UsageError, match="reads no marks"):
        score(tmp_path / "p.jsonl", scoring=Scoring(benchmark="mathvista"), judging=Judging(marks=tmp_path / "p.jsonl"))
