"""The benchmarks: values that the upstream code gave (tools/goldens/benchmarks.py compares thousands more), and the way from a file."""

import pytest

from tests.vleval.benchmarks.helpers import PETS, official, row
from vldata.errors import DataError
from vleval import Row, Scoring, score
from vleval.benchmarks import choices, mmmu, ocrbench, refcoco, vsibench, yes_no


@pytest.mark.parametrize(
    ("text", "word", "negation"),
    [
        ("Yes, it is.", "yes", "yes"),
        ("No, there is not.", "no", "no"),
        ("yes and no", "", "no"),
        ("There is a dog.", "", "yes"),
        ("yes-no", "", "yes"),
        ("YES!", "yes", "yes"),
        ("It is no dog. Yes", "", "no"),
        ("Yes. No", "", "yes"),
        ("noyes", "", "yes"),
        ("no.", "no", "no"),
        ("NO", "no", "yes"),
        ("3,4 no", "no", "no"),
    ],
)
def test_yes_and_no_as_each_tool_reads_them(text, word, negation):
    assert yes_no.read_words(text) == word
    assert yes_no.read_negation(text) == negation


def test_pope_counts_a_question_in_each_of_its_splits():
    rows = [
        row(1, "Yes", "Yes", category="random,popular"),
        row(2, "Yes", "No", category="random"),
        row(3, "maybe", "Yes", category="popular"),
        row(4, None, "No", category="random", error="timeout"),
    ]
    found = official("pope", rows)
    assert found.parts["accuracy"] == pytest.approx(100 * 2 / 5)
    assert found.parts["precision"] == pytest.approx(100 * 2 / 3)
    assert found.parts["recall"] == pytest.approx(100 * 2 / 3)
    assert found.value == pytest.approx(100 * 2 / 3)
    assert found.parts["random F1"] == pytest.approx(100 * 2 / 3)
    assert found.parts["yes ratio"] == pytest.approx(60)
    assert found.unparsed == 1


def test_always_yes_is_the_floor_of_pope():
    rows = [row(number, "Yes", "Yes" if number % 2 else "No") for number in range(20)]
    found = score(rows, scoring=Scoring(benchmark="POPE")).metrics["pope"]
    assert found.value == found.floors.constant == pytest.approx(100 * 2 / 3)
    assert found.low < found.value < found.high


def test_hallusion_groups_figures_and_questions():
    ids = ["VD_chart_1_0_0_0", "VD_chart_1_0_0_1", "VD_chart_1_0_1_0", "VS_map_0_0_0_0"]
    rows = [Row(id=i, prediction=p, references=("Yes",), category=i[:2]) for i, p in zip(ids, ["Yes", "No", "Yes", "Yes"], strict=True)]
    found = official("hallusionbench", rows)
    assert found.value == found.parts["aAcc"] == 75
    assert found.parts["fAcc"] == pytest.approx(100 * 2 / 3)
    assert found.parts["qAcc"] == pytest.approx(100 * 2 / 3)
    assert found.parts["average"] == pytest.approx((75 + 400 / 3) / 3)
    assert found.parts["VD fAcc"] == 50
    with pytest.raises(DataError, match="category_subcategory"):
        official("hallusionbench", [row(1, "Yes", "Yes")])


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B.", "B"),
        ("The answer is **D**.", "D"),
        ("A or B", ""),
        ("dog", "B"),
        ("b", ""),
        ("Cannot determine the answer", "Z"),
        ("A cat", "A"),
    ],
)
def test_letters_without_a_judge(text, letter):
    found = official("mmstar", [row(1, text, "B", choices=PETS), row(2, "B", "B", choices=PETS)])
    assert found.value == (100 if letter == "B" else 50)
    assert found.unparsed == (letter == "")


def test_a_reference_that_is_no_letter_stops():
    with pytest.raises(DataError, match="none of the letters"):
        official("ai2d", [row(1, "B", "dog", choices=PETS)])
    with pytest.raises(DataError, match="choices"):
        official("ai2d", [row(1, "B", "B")])


def test_mmbench_wants_every_order_right():
    def turn(question, number, prediction):
        return row(question + number * 10**6, prediction, "A", choices=PETS, groups={"circle": str(question)})

    rows = [turn(1, number, "A") for number in range(4)] + [turn(2, number, "A" if number else "B") for number in range(4)]
    found = official("mmbench", rows)
    assert (found.value, found.parts["plain"]) == (50, 50)
    short = official("mmbench", rows[:7])
    assert any("fewer orders" in note for note in short.notes)
    with pytest.raises(DataError, match="lacks the round"):
        official("mmbench", rows[1:])
    with pytest.raises(DataError, match="several orders"):
        official("mmstar", rows)
    assert any("asked once" in note for note in official("mmbench", [rows[0], rows[4]]).notes)


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("C", "C"),
        ("Best answer: C", "B"),
        ("The answer is D", "D"),
        ("Answer: C", "C"),
        ("Because of it, C", "B"),
        ("dog", "B"),
        ("what", ""),
    ],
)
def test_video_mme_reads_the_first_letter(text, letter):
    assert choices.read_video_mme(text, PETS) == letter


def test_video_mme_by_duration():
    rows = [row(1, "A", "A", category="short"), row(2, "B", "A", extra={"duration": "long"}), row(3, "A", "A")]
    found = official("video-mme", rows)
    assert found.parts == {"short": 100, "long": 0}
    assert any("1 of 3 rows do not tell" in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "known", "formula", "right"),
    [
        ("It says OPEN.", ("open",), False, True),
        ("x ^ 2", ("x^2",), True, True),
        ("x ^ 2", ("x^2",), False, False),
        ("X^2", ("x^2",), True, False),
        ("a\nb", ("A B",), False, True),
        ("", ("open",), False, False),
    ],
)
def test_ocrbench_looks_for_the_accepted_answer(text, known, formula, right):
    assert ocrbench.holds(text, known, formula=formula) is right


def test_ocrbench_points():
    rows = [row(1, "Open", "open", category="Digit String Recognition"), row(2, "x", "y", category="Key Information Extraction")]
    found = official("ocrbench", rows)
    assert (found.value, found.parts["Text Recognition"], found.parts["final score"]) == (50, 1, 1)
    assert any("1,000 questions" in note for note in found.notes)
    asked = row(1, "Open", "open", extra={"question_type": "Doc-oriented VQA"})
    assert official("ocrbench", [asked]).parts["Doc-oriented VQA"] == 1
    with pytest.raises(DataError, match="no 'category'"):
        official("ocrbench", [row(1, "a", "a")])
    with pytest.raises(DataError, match="no category"):
        official("ocrbench", [row(1, "a", "a", category="OCR")])


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("(B)", "B"),
        ("Both (A) and (C) are wrong; (B)", "B"),
        ("A because", "A"),
        ("B.", "B"),
        ("Because A is not right, C it is. So C", "C"),
        ("It looks like a red car to me", "C"),
        ("red", ""),
        ("a red car", ""),
        ("'!B!'", ""),
        ("C or A , so C", "C"),
        ("(B) is no (A) but (B)", "B"),
    ],
)
def test_mmmu_letters(text, letter):
    assert mmmu.read_choice(text, PETS) == letter


@pytest.mark.parametrize(
    ("text", "known", "right"),
    [
        ("The answer is 42.", ("42",), True),
        ("so 1,234 = 3.50", ("3.5",), True),
        ("1e3", ("1000",), True),
        ("it is red", ("Red",), True),
        ("it is reddish", ("red",), True),
        ("xy", ("x",), False),
        ("12.5,", ("12.5",), True),
        ("7 or -7", ("-7",), True),
        ("so cat\nfinal answer dog", ("cat", "bird"), True),
        ("", ("cat",), False),
    ],
)
def test_mmmu_open_questions(text, known, right):
    assert mmmu.open_right(text, known) is right


def test_mmmu_parts_and_no_guess():
    rows = [
        row(1, "perhaps", "B", choices=PETS, extra={"question_type": "multiple-choice"}),
        row(2, "It is 4", "4", extra={"question_type": "open"}),
    ]
    found = official("mmmu", rows)
    assert found.parts == {"multiple-choice": 0, "open": 100}
    assert found.unparsed == 1


@pytest.mark.parametrize(
    ("said", "right", "value"),
    [
        (10, 10, 1.0),
        (9.5, 10, 1.0),
        (9, 10, 0.9),
        (5, 10, 0.1),
        (4, 10, 0.0),
        (15, 10, 0.1),
        (12, 10, 0.6),
    ],  # upstream's own rounding: 0.2 is above 1 - 0.8
)
def test_relative_accuracy(said, right, value):
    assert vsibench.relative_accuracy(said, right) == pytest.approx(value)


def test_vsi_bench_is_the_mean_over_kinds():
    def asked(number, kind, prediction, reference):
        return row(number, prediction, reference, extra={"question_type": kind})

    rows = [
        *(asked(number, "object_counting", "3 chairs", "3") for number in range(9)),
        asked(10, "route_planning", "B.", "A"),
        asked(11, "object_rel_direction_easy", "a", "A"),
        asked(12, "object_rel_direction_hard", "B", "A"),
    ]
    found = official("vsi-bench", rows)
    assert found.value == pytest.approx((100 + 0 + 50) / 3)
    assert found.parts["object_rel_direction"] == 50
    assert any("No question of the kinds" in note for note in found.notes)
    with pytest.raises(DataError, match="question_type"):
        official("vsi-bench", [row(1, "3", "3")])
    with pytest.raises(DataError, match="no number other than 0"):
        official("vsi-bench", [asked(1, "object_counting", "3", "three")])


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("<box>(100,200),(300,400)</box>", (100, 200, 300, 400)),
        ("2 boxes: [0.1 .2, 0.3 4e-1]", (0.1, 0.2, 0.3, 0.4)),
        ('{"bbox_2d": [1, 2, 3, 4]}', (1, 2, 3, 4)),
        ("[1, 2, 3]", None),
        ("none", None),
    ],
)
def test_boxes_as_upstream_reads_them(text, box):
    """A number before brackets counts only where no brackets hold four."""
    assert refcoco.read_box(text) == box


def test_refcoco_needs_no_size_where_both_sides_are_parts_of_the_picture():
    right = "[0.25, 0.25, 0.5, 0.75]"
    rows = [row(1, "(250,250),(500,750)", right), row(2, "[0.25, 0.25, 0.5, 0.5]", right), row(3, "[0, 0, 250, 250]", right)]
    found = official("refcoco", rows)
    assert round(found.value, 2) == 66.67 and round(found.parts["IoU"], 2) == 50  # overlaps of 1, a half and 0
    with pytest.raises(DataError, match="no width and height"):
        official("refcoco", [row(1, "[300, 300, 1200, 900]", right)])


def test_refcoco_tells_the_space_by_the_largest_number():
    size = {"width": 2000, "height": 1000}
    rows = [
        row(1, "[0.1, 0.2, 0.5, 0.6]", "[200, 200, 1000, 600]", **size),
        row(2, "[100, 200, 500, 600]", "[200, 200, 1000, 600]", **size),
        row(3, "[200, 200, 1001, 600]", "[200, 200, 1000, 600]", **size),
        row(4, "[200, 200, 900, 600]", "[200, 200, 1000, 600]", **size),
        row(5, "it is on the left", "[200, 200, 1000, 600]", **size),
    ]
    result = score(rows, scoring=Scoring(benchmark="refcoco"))
    found = result.metrics["refcoco"]
    assert list(result.measured["refcoco"].scores.values) == [100, 100, 100, 0, 0]
    assert (found.value, found.ceiling, found.unparsed) == (60, 100, 1)
    assert any("1 shares of the picture, 2 thousandths, 1 pixels" in note for note in found.notes)
    assert official("refcoco", [row(1, "[100, 200, 500, 600]", "200", "200", "1000", "600", **size)]).value == 100
    with pytest.raises(DataError, match="no width and height"):
        official("refcoco", [row(1, "[1, 2, 3, 4]", "[1, 2, 3, 4]")])
    with pytest.raises(DataError, match="no box of four"):
        official("refcoco", [row(1, "[1, 2, 3, 4]", "left", **size)])


def test_charts_and_documents_in_percent():
    rows = [row(1, "10.2", "10", kind="human"), row(2, "x", "10", kind="augmented")]
    found = official("chartqa", rows)
    assert (found.value, found.by_kind["human"].value, found.scale) == (50, 100, 100)
    assert official("docvqa", [row(1, "colour", "color")]).value == pytest.approx(100 * 5 / 6)
    assert official("textvqa", [row(1, "Red.", *["red"] * 3, *["blue"] * 7)]).value == pytest.approx(90)


def test_erqa_wants_the_bare_letter():
    rows = [row(number, text, "A") for number, text in enumerate((" a\n", "A.", "The answer is A"))]
    assert official("erqa", rows).value == pytest.approx(100 / 3)


def test_a_missing_round_is_wrong_and_no_question_of_its_own():
    rows = [row(5 + n * 10**6, "A" if n < 3 else None, "A", choices=PETS, error="" if n < 3 else "missing") for n in range(4)]
    assert official("mmbench", [*rows, row(6, "A", "A", choices=PETS)]).value == 50
