from __future__ import annotations

import json
import sys
import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU, CHRF, TER

from vldata.errors import DataError, MissingExtraError, UsageError
from vleval.metrics.json_f1 import ccocr_fields, donut_fields, respace
from vleval.metrics.llm_match import parse_mark
from vleval.metrics.options import MetricOptions
from vleval.profiles import resolve
from vleval.rows import Row


def row(prediction, *references, **fields):
    return Row(id="x", prediction=prediction, references=references, **fields)


def corpus(scores):
    return float(scores.corpus.value(scores.corpus.rows.sum(axis=0)[None])[0])


WORDS = st.lists(st.sampled_from("a the cat dog sat on mat . , Runs fast".split()), max_size=9).map(" ".join)  # noqa: SIM905
FILES = st.lists(st.tuples(WORDS, st.lists(WORDS, min_size=1, max_size=3)), min_size=1, max_size=6)


@given(FILES)
@settings(max_examples=60, deadline=None)
def test_sums_of_statistics_give_sacrebleus_own_scores(pairs):
    rows = [row(answer, *known) for answer, known in pairs]
    answers = [answer for answer, _ in pairs]
    widest = max(len(known) for _, known in pairs)
    streams = [[known[i] if i < len(known) else None for _, known in pairs] for i in range(widest)]
    for name, metric in (("sacrebleu", BLEU()), ("chrf", CHRF()), ("ter", TER())):
        scores = resolve("lmms-eval", name).score(rows)
        assert corpus(scores) == pytest.approx(metric.corpus_score(answers, streams).score, abs=1e-9), name
    first = BLEU(effective_order=True).sentence_score(answers[0], pairs[0][1]).score
    assert resolve("lmms-eval", "sacrebleu").score(rows).values[0] == pytest.approx(first)


def test_many_resamples_at_once():
    rows = [row("the cat sat on the mat", "a cat sat on the mat"), row("", "a dog"), row("x", "y")]
    for name in ("sacrebleu", "chrf", "ter", "cider"):
        part = resolve("lmms-eval" if name == "ter" else "vlkit", name).score(rows).corpus
        counts = np.array([[1, 1, 1], [3, 0, 0], [0, 2, 1], [0, 0, 0]], dtype=np.float64)
        values = part.value(counts @ part.rows)
        assert values.shape == (4,)
        assert np.isfinite(values).all()


def test_bleu_of_perfect_one_word_answers_is_zero_and_says_so():
    scores = resolve("vlkit", "sacrebleu").score([row("cat", "cat"), row("dog", "dog")])
    assert corpus(scores) == 0
    assert scores.values.tolist() == pytest.approx([100, 100])
    assert any("fewer than four words" in note for note in scores.notes)


@pytest.mark.parametrize(("reference", "tokenizer"), [("这是一个测试句子", "zh"), ("これはテストの文です", "char")])
def test_cjk_references_get_a_tokenizer_that_sees_words(reference, tokenizer):
    scores = resolve("vlkit", "sacrebleu").score([row(reference, reference)])
    assert corpus(scores) == pytest.approx(100)
    assert tokenizer in scores.notes[0]
    plain = resolve("lmms-eval", "sacrebleu").score([row(reference, reference)])
    assert any("says little" in note for note in plain.notes)


def test_a_failed_answer_is_worst_for_ter():
    scores = resolve("vlkit", "ter").score([row("a b c d", "a b c d"), row(None, "a b c d", error="timeout")])
    assert scores.values.tolist() == [0, 100]
    assert corpus(scores) == 50


def test_ter_of_an_endless_answer_comes_soon():
    scores = resolve("vlkit", "ter").score([row("word " * 200_000, "a word"), row("a b", "a b")])
    assert scores.values.tolist() == [100 * 199_999 / 2, 0]
    assert "without shifts" in scores.notes[0]


def test_ptb_says_what_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocoevalcap.tokenizer.ptbtokenizer", None)
    with pytest.raises(UsageError, match="pycocoevalcap"):
        resolve("lmms-eval", "cider:ptb").score([row("a", "a")])


class FakeEvaluate:
    """Stands for a loaded metric of `evaluate`: takes one reference a row, as many of its metrics do."""

    def compute(self, predictions, references):
        if any(isinstance(known, list) for known in references):
            raise ValueError("references must be strings")
        hits = [prediction == reference for prediction, reference in zip(predictions, references, strict=True)]
        return {"other": 0.0, "mine": sum(hits) / len(hits), "names": ["x"]}


def test_a_metric_of_evaluate_from_disk(monkeypatch, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.setitem(sys.modules, "evaluate", types.SimpleNamespace(load=lambda name: FakeEvaluate()))
    metric = resolve("llamafactory", f"evaluate:{folder}")
    scores = metric.score([row("a", "a", "b"), row(None, "c")])
    assert (scores.value, scores.parts) == (0.5, {"other": 0.0, "mine": 0.5})
    assert np.isnan(scores.values).all()
    monkeypatch.setitem(sys.modules, "evaluate", None)
    with pytest.raises(MissingExtraError, match="evaluate"):
        resolve("vlkit", f"evaluate:{folder}")


def test_tokenizers_that_would_download_are_refused():
    with pytest.raises(UsageError, match="flores200"):
        resolve("vlkit", "sacrebleu", MetricOptions(tokenize="flores200"))


def test_cider_of_the_papers_kind():
    rows = [row("a cat on a mat", "a cat on a mat", "a cat"), row("two dogs run", "two dogs run fast"), row("", "the sea")]
    scores = resolve("vlkit", "cider").score(rows)
    assert corpus(scores) == pytest.approx(scores.values.mean())
    assert scores.values[0] > scores.values[2] == 0
    assert resolve("vlkit", "cider").score(rows[:1]).notes
    assert resolve("vlkit", "cider").score([row("一只猫在垫子上", "一只猫在垫子上"), row("狗", "两只狗")]).values[0] == pytest.approx(10)


DOCUMENT = {"name": "Tea", "total": "12", "items": [{"n": "a", "p": "1"}, {"n": "b"}], "tags": ["x", "y"], "none": None}


def test_fields_are_paths_and_texts():
    assert sorted(donut_fields(DOCUMENT)) == sorted(
        [("name", "Tea"), ("total", "12"), ("items.n", "a"), ("items.p", "1"), ("items.n", "b"), ("tags", "x"), ("tags", "y")]
    )
    assert ("none", "None") in ccocr_fields(DOCUMENT)


def test_json_counts_add_up_and_unreadable_answers_count_as_nothing():
    reference = json.dumps({"a": "1", "b": "2"})
    rows = [row('```json\n{"a": "1", "b": "3"}\n```', reference), row("I see {'a': '1'} here", reference), row("no", reference)]
    scores = resolve("vlkit", "json_f1").score(rows)
    assert [tuple(detail.values()) for detail in scores.details] == [(1, 1, 1), (1, 0, 1), (0, 0, 2)]
    assert corpus(scores) == pytest.approx(2 / (2 + 5 / 2))
    assert scores.unparsed == 1
    strict = resolve("vlmevalkit", "json_f1:ccocr").score(rows)
    assert strict.unparsed == 2
    with pytest.raises(DataError, match="not JSON"):
        resolve("vlkit", "json_f1").score([row("{}", "not json")])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ＡＢ１２", "AB 12"),
        ("中 文 字", "中文字"),
        ("中 abc", "中abc"),
        ("a ,b", "a, b"),
        ("3 .5", "3 . 5"),
        ("a  b", "a b"),
        ("1、2", "1,2"),
    ],
)
def test_cc_ocr_respaces(text, wanted):
    assert respace(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("5", 5),
        (" 5", 5),
        ("5.", 5),
        ("4/5", 4),
        ("Your mark: 3", 3),
        ("Because.\nYour mark: **2**\n", 2),
        ("Mark: 4", 4),
        ("good", None),
        ("", None),
    ],
)
def test_marks_are_read_where_upstream_stops(text, wanted):
    assert parse_mark(text) == wanted


def test_llm_match_is_percent_of_marks():
    rows = [
        row("a", extra={"mark": "5"}),
        row("b", extra={"mark": "3"}),
        row(None),
        row("c", extra={"mark": "0"}),
        row("d", extra={"mark": "9"}),
    ]
    scores = resolve("openeqa", "llm_match").score(rows)
    assert scores.values.tolist() == [100, 50, 0, 0, 100]
    assert scores.notes == ("1 marks are outside 1 to 5 and are clipped.",)
    with pytest.raises(DataError, match="no judge's mark"):
        resolve("openeqa", "llm_match").score([row("a")])
    with pytest.raises(DataError, match="names no number from 1 to 5"):
        resolve("openeqa", "llm_match").score([row("a", extra={"mark": "fine"})])


TEXTS = ("the cats are running\non the tables", "a cat ran\nover some table\nthe cats", "running cats\nthe cats are running", "no")


@pytest.mark.parametrize("stem", [False, True])
def test_rouge_with_stems_and_of_summaries_is_rouge_scores(stem):
    from itertools import product

    from rouge_score.rouge_scorer import RougeScorer

    names = ("rouge1", "rouge2", "rougeL", "rougeLsum")
    scorer = RougeScorer(list(names), use_stemmer=stem)
    for prediction, reference in product(TEXTS, TEXTS):
        known = scorer.score(reference, prediction)
        for name in names:
            metric = resolve("vlkit", name, MetricOptions(stem=stem))
            assert metric.score([Row(id="1", prediction=prediction, references=(reference,))]).values[0] == pytest.approx(
                known[name].fmeasure
            )


def test_chrf_plus_plus_is_sacrebleus():
    from sacrebleu.metrics import CHRF

    rows = [Row(id=str(n), prediction=text, references=(TEXTS[0], TEXTS[1])) for n, text in enumerate(TEXTS)]
    scores = resolve("vlkit", "chrf:++").score(rows)
    metric = CHRF(word_order=2)
    assert scores.values == pytest.approx([metric.sentence_score(row.prediction, list(row.references)).score for row in rows])
    whole = metric.corpus_score([row.prediction for row in rows], [[TEXTS[0]] * 4, [TEXTS[1]] * 4]).score
    assert scores.corpus.value(scores.corpus.rows.sum(axis=0)[None])[0] == pytest.approx(whole)


@pytest.mark.parametrize(
    ("reply", "mark"),
    [
        ("4", 4),
        ("**4**", 4),
        ("[[4]]", 4),
        ("\\boxed{4}", 4),
        ("4/5", 4),
        ("4 out of 5", 4),
        ("4.5", 4.5),
        ("Your mark: 4", 4),
        ("<think>a 2? no</think>Your mark: 4", 4),
        ("<think>5\n5</think>\n\n4", 4),
        ('{"mark": 4, "reason": "a 5 needs more"}', 4),
        ('```json\n{"reason": "x", "score": "4"}\n```', 4),
        ("Rating: [[4]]", 4),
        ("<score>4</score>", 4),
        ("Score: 4/5. It lacks a detail.", 4),
        ("It lacks 2 details, so I would give it 4 out of 5.", 4),
        ("4. The answer says the same.", 4),
        ("The answer is close.\n\n4", 4),
        ("评分：4", 4),
        ("我给4分。", 4),
        ("The score is **4**.", 4),
        ("Mark: 3. On reflection, mark: 4", 4),
        ("7", None),
        ("0", None),
        ("8/10", None),
        ("Score: 8 out of 10", None),
        ("fine", None),
        ("", None),
        ("<think>Your mark: 4", None),
        ("There are 3 errors in it.", None),
        ("On a scale from 1 to 5", None),
        ("On a scale of 1 to 5: 4", 4),
        ("On a scale of 1 to 5, I'd give this a 4.", 4),
        ("I rate this answer a 3.", 3),
        ("I would give this a 7.", None),
        ("Score (1-5): 4", 4),
        (r"\boxed{\text{4}}", 4),
        ("<answer>4</answer>", 4),
        ("Overall: 4", 4),
        ("Mark: 1-5", None),
        ("Score: 3/5. To get 5/5 it should name the colour.", 3),
        ("I rate this a 3. A perfect answer would be 5 out of 5.", 3),
        ("Score: 4\n\nExplanation: If it had said why, the score is 5.", 4),
        ("评分：4分（满分5分）", 4),
        ("I would not give it a 5, rather a 2.", None),
        ("Score: 4 or 5", None),
        ("Score: 4%", None),
        ("4 is my score because 3 things are right.", 4),
        ('{"reason": "not perfect, it would be 5 if it said why", "score": 4}', 4),
    ],
)
def test_a_mark_is_read_in_every_form_of_judges(reply, mark):
    from vleval.metrics.marks import read_mark

    assert read_mark(reply) == mark


def test_our_llm_match_takes_no_mark_from_elsewhere():
    rows = [row("a", extra={"mark": "[[5]]"}), row("b", extra={"mark": "3"}), row(None), row("c", extra={"mark": "0"})]
    assert resolve("vlkit", "llm_match").score(rows).values.tolist() == [100, 50, 0, 0]
    with pytest.raises(DataError, match="names no number from 1 to 5"):
        resolve("vlkit", "llm_match").score([row("a", extra={"mark": "9"})])


@pytest.mark.parametrize(
    ("given", "truth", "wanted"),
    [  # edits over the size of the truth, as zss 1.2 counts them with Donut's costs
        (
            {"menu": [{"name": "cake", "count": "3"}, {"name": "juice", "count": "1"}]},
            {"menu": [{"name": "cake", "count": "2"}, {"name": "juice", "count": "1"}]},
            1 - 1 / 18,
        ),
        ({"a": "bc"}, {"a": "bc"}, 1),
        ({"b": "bc"}, {"a": "bc"}, 1 - 1 / 3),
        ({"a": ["x", "yy"]}, {"a": ["yy"]}, 1 - 1 / 3),
        ({}, {"a": "bc"}, 0),
        ({"long": "and wrong"}, {"a": "b"}, 0),
        ({}, {}, 1),
    ],
)
def test_donuts_tree_accuracy(given, truth, wanted):
    scores = resolve("vlkit", "json_f1:nted").score([row(json.dumps(given), json.dumps(truth))])
    assert scores.values[0] == pytest.approx(wanted)


def test_a_tree_too_large_is_told_and_no_tree_is_empty():
    many = json.dumps({f"k{n}": "v" for n in range(3_000)})
    scores = resolve("vlkit", "json_f1:nted").score([row(many, many), row("no json", '{"a": "b"}')])
    assert scores.values.tolist() == [0, 0]
    assert scores.unparsed == 1
    assert "too many fields" in scores.notes[1]
