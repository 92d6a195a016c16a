"""Rules of the text metrics as tables; agreement with the tools they come from is in test_golden."""

from __future__ import annotations

import pytest

from vleval.metrics.anls import anls, pip_anls, raw_length_anls, slide_anls
from vleval.metrics.anls_star import anls_star
from vleval.metrics.chartqapro import match
from vleval.metrics.choice_reading import read_options
from vleval.metrics.exact import exact_match
from vleval.metrics.multiple_choice import read_inspect, read_vlmevalkit
from vleval.metrics.options import MetricOptions
from vleval.metrics.quantity import quantity_match
from vleval.metrics.relaxed import relaxed_match
from vleval.metrics.rouge_score import rouge_l, rouge_n
from vleval.metrics.text import has_cjk
from vleval.metrics.token_f1 import token_f1
from vleval.profiles import resolve
from vleval.rows import Row


def row(prediction, *references, **fields):
    return Row(id="x", prediction=prediction, references=references, **fields)


def value(profile, name, *arguments, **fields):
    return float(resolve(profile, name).score([row(*arguments, **fields)]).values[0])


def test_cjk_is_seen():
    assert [has_cjk(text) for text in ("abc", "é😀", "中", "かな", "한글", "")] == [False, False, True, True, True, False]


@pytest.mark.parametrize(
    ("prediction", "reference", "wanted"),
    [
        ("On the Table.", "on the table", 1),
        ("ｏｎ", "on", 1),
        ("是。", "是", 1),
        ("yes..", "yes", 0),
        ("a  b", "a b", 1),
        ("", "a", 0),
        ("", "", 1),
    ],
)
def test_exact_match_forgives_case_blanks_width_and_one_stop(prediction, reference, wanted):
    assert exact_match(prediction, reference) == wanted


@pytest.mark.parametrize(
    ("prediction", "reference", "wanted"),
    [
        ("45%", "45", 0),
        ("45%", "0.45", 1),
        ("1,234", "1234", 0),
        ("$5", "5", 0),
        ("3.5M", "3.5", 0),
        ("2008", "2010", 1),
        ("1.05", "1.0", 0),
        ("104.9", "100", 1),
        ("0.0", "0", 0),
        ("0", "0", 1),
        ("Yes", "yes", 1),
        ("yes ", "yes", 0),
        ("5 ", "5", 1),
        ("nan", "nan", 0),
    ],
)
def test_relaxed_match_is_masrys_rule_on_raw_strings(prediction, reference, wanted):
    assert relaxed_match(prediction, reference) == wanted


@pytest.mark.parametrize(
    ("prediction", "verdicts"),
    [  # reference 0 for zero, else 100: who strips, swaps, extracts, reads a zero as a number
        (("100 ", "100"), {"pix2struct": 1, "vlmevalkit": 1, "qwen-vl": 1, "evalscope": 1, "chartqapro": 1, "vlkit": 1}),
        ((" Yes", "Yes"), {"pix2struct": 0, "lmms-eval": 0, "vlmevalkit": 1, "qwen-vl": 1, "evalscope": 0, "vlkit": 1}),
        (("95.1", "100"), {"pix2struct": 1, "qwen-vl": 0, "evalscope": 1}),
        (("105.2", "100"), {"pix2struct": 0, "qwen-vl": 1}),
        (("0.0", "0"), {"pix2struct": 0, "evalscope": 1, "chartqapro": 1, "vlkit": 0}),
        (("ANSWER: 100", "100"), {"pix2struct": 0, "evalscope": 1}),
        (("45%", "45"), {"pix2struct": 0, "chartqapro": 1}),
        (("[2010, 2011]", "[2010, 2012]"), {"chartqapro": 1, "pix2struct": 0}),
    ],
)
def test_the_same_answer_under_each_profile(prediction, verdicts):
    assert {profile: value(profile, "relaxed_accuracy", *prediction) for profile in verdicts} == verdicts


def test_vlkit_says_what_is_lost_by_form_alone():
    rows = [row("45%", "45"), row("1,234", "1234"), row("$5", "5"), row("7", "9"), row("cat", "dog")]
    scores = resolve("vlkit", "relaxed_accuracy").score(rows)
    assert scores.values.sum() == 0
    assert scores.notes == ("3 of 5 answers are wrong only by a percent sign, a currency sign or thousands commas.",)


def test_tolerance_is_a_setting():
    loose = resolve("pix2struct", "relaxed_accuracy", MetricOptions(tolerance=0.2))
    assert loose.score([row("115", "100")]).values[0] == 1
    assert "tol:0.2" in loose.signature


@pytest.mark.parametrize(
    ("target", "prediction", "flags", "wanted"),
    [
        ("[2010, 2011]", "['2010', '2012']", ["YES", "YES"], 0.5),
        ("[2010, 2011]", "['2010', '2012']", ["NO"], 1.0),
        ("[a, b]", "['a']", ["NO"], 0.5),
        ("50%", "49", ["NO"], 1.0),
        ("2010", "2011", ["YES"], 0.0),
        ("apple", "aple", ["NO"], 0.8),
    ],
)
def test_chartqapro_aligns_lists_and_wants_flagged_years_exactly(target, prediction, flags, wanted):
    assert match(target, prediction, flags) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("prediction", "reference", "ours", "raw", "pip", "slide"),
    [
        ("hello world", "Hello World", 1, 1, 1, 1),
        ("abcd", "abef", 0.5, 0.5, 0, 0),
        ("abcde", "abcdf", 0.8, 0.8, 0.8, 0.8),
        ("abc", "xyz", 0, 0, 0, 0),
        ("  a  b ", "a b", 1, 1, 1, 0),
        ("", "", 1, 1, 1, 1),
        ("", "a", 0, 0, 0, 0),
    ],
)
def test_anls_and_its_variants(prediction, reference, ours, raw, pip, slide):
    scores = [compare(prediction, [reference]) for compare in (anls, raw_length_anls, pip_anls, slide_anls)]
    assert scores == pytest.approx([ours, raw, pip, slide])


def test_raw_lengths_count_blanks_that_were_removed():
    assert raw_length_anls("a          bcd", ["a bxx"]) == pytest.approx(1 - 2 / 14)
    assert anls("a          bcd", ["a bxx"]) == pytest.approx(0.6)


def test_the_best_reference_counts():
    assert anls("cat", ["dog", "cats"]) == 0.75
    assert value("vlkit", "anls", "cat", "dog", "cats") == 0.75


def test_mp_docvqa_knows_unanswerable_questions():
    assert value("vlkit", "anls:mp-docvqa", "None", "x", extra={"answer_type": "not-answerable"}) == 1
    assert value("vlkit", "anls:mp-docvqa", "None", "None") == 0
    assert value("vlkit", "anls:mp-docvqa", "", "") == 0


@pytest.mark.parametrize(
    ("reference", "prediction", "wanted"),
    [
        (("a", "b"), "b", 1),
        (["a", "b"], "b", 1),
        ({"a": "hello", "b": ["x", "y"]}, {"a": "hello", "b": ["y", "x"]}, 1),
        ({"a": "1"}, {"a": "1", "b": "2"}, 0.5),
        ({"a": "1", "b": "2"}, {"a": "1"}, 0.5),
        ({"a": None}, {}, 1),
        ([{"n": "tea"}, {"n": "cake"}], [{"n": "cake"}], 0.5),
        ({"a": {"b": "c"}}, {"a": "c"}, 0),
        ([], [], 1),
    ],
)
def test_anls_star_over_nested_values(reference, prediction, wanted):
    assert anls_star(reference, prediction) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("prediction", "reference", "wanted"),
    [("the red cat", "a red cat", 1), ("red dog", "red cat", 0.5), ("红色", "红色的", 0.8), ("", "", 1), ("", "a b", 0), ("the", "a", 1)],
)
def test_token_f1_is_squads_with_cjk_characters(prediction, reference, wanted):
    assert token_f1(prediction, reference) == pytest.approx(wanted)


def test_rouge_keeps_what_rouge_score_drops():
    assert rouge_n("一只猫", "一只猫", 1) == 1
    assert rouge_l("一只猫", "一只黑猫") == pytest.approx(6 / 7)
    assert rouge_l("the cat", "The cat!") == 1
    assert any("CJK" in note for note in resolve("vlkit", "rougeL").score([row("猫", "猫")]).notes)


OPTIONS = ("a red car", "a blue car", "Paris", "none of these")


@pytest.mark.parametrize(
    ("text", "ours", "vlmevalkit", "inspect"),
    [
        ("B", "B", "B", ""),
        ("b", "B", "", ""),
        ("(B)", "B", "B", ""),
        ("B. a blue car", "B", "B", ""),
        ("The answer is **C**.", "C", "C", ""),
        ("ANSWER: B", "B", "B", "B"),
        ("ANSWER: **B**", "B", "B", "B"),
        ("答案：C", "C", "", ""),
        ("First A, but then the answer is D", "D", "D", ""),
        ("It shows Paris at night", "C", "C", ""),
        ("\\boxed{B}", "B", "", ""),
        ("A or B", "", "", ""),
        ("E", "", "", ""),
        ("I cannot say", "", "", ""),
        ("", "", "", ""),
    ],
)
def test_which_option_an_answer_names(text, ours, vlmevalkit, inspect):
    assert read_options(text, OPTIONS) == ours
    assert read_inspect(text, OPTIONS) == inspect
    if text != "\\boxed{B}" and text != "答案：C":
        assert read_vlmevalkit(text, OPTIONS) == vlmevalkit


def test_unparsed_answers_are_counted_and_never_guessed():
    rows = [row("B", "B", choices=OPTIONS), row("who knows", "B", choices=OPTIONS), row("Paris", "Paris", choices=OPTIONS)]
    scores = resolve("vlkit", "multiple_choice").score(rows)
    assert (scores.values.tolist(), scores.unparsed) == ([1, 0, 1], 1)
    assert "not guessed" in scores.notes[0]


@pytest.mark.parametrize(
    ("prediction", "reference", "wanted"),
    [
        ("3.5", "3.5 m", 1),
        ("350 cm", "3.5 m", 1),
        ("3.5 kg", "3.5 m", 0),
        ("It costs $1,234.50", "1234.5", 1),
        ("45%", "45", 1),
        ("3.5M", "3.5 million", 1),
        ("2万", "20000", 1),
        ("about 5 minutes", "300 s", 1),
        ("from 3 to 7", "7", 0),  # a range
        ("-5", "5", 0),
        ("3.6", "3.5", 0),
        ("seven", "7", 1),
        ("Paris.", "paris", 1),
    ],
)
def test_quantities_match_after_units(prediction, reference, wanted):
    assert quantity_match(prediction, reference) == wanted


@pytest.mark.parametrize(
    ("known", "prediction", "verdicts"),
    [
        (["yes"] * 10, "Yes", {"vqa-official": 0, "qwen-vl": 1, "lmms-eval": 1, "vlmevalkit": 1, "evalscope": 1, "vlkit": 1}),
        (["Yes"] * 10, "yes", {"vqa-official": 0, "qwen-vl": 0, "lmms-eval": 1}),
        (["Yes"] * 9 + ["no"], "yes", {"vqa-official": 1, "qwen-vl": 0, "lmms-eval": 1}),
        (["cat"] * 3 + ["dog"] * 7, "a cat", {"vqa-official": 0.9, "lmms-eval": 0.9, "vlkit": 0.9}),
        (["two"] * 5 + ["three"] * 5, "2", {"vqa-official": 1, "qwen-vl": 0}),
        (["cat"], "cat", {"vqa-official": 0, "evalscope": 1 / 3, "vlkit": 1}),
    ],
)
def test_vqa_accuracy_differs_in_who_is_normalised(known, prediction, verdicts):
    got = {profile: value(profile, "vqa_accuracy", prediction, *known) for profile in verdicts}
    assert got == pytest.approx(verdicts)
