"""What becomes of predictions and references when they meet: the rows, the counts, and every sentence that is said, word for word."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from vldata.errors import DataError
from vleval.joining import join, join_marks, missing_row
from vleval.readers import Loaded
from vleval.readers.taken import Taken
from vleval.references import References
from vleval.rows import Row
from vleval.settings import Allow


def row(name: object, prediction: str | None = None, *references: str, **fields: object) -> Row:
    return Row(id=str(name), prediction=prediction, references=references, **fields)


def answered(*rows: Row, ids: bool = True, taken: str = "prediction", **fields: object) -> Loaded:
    return Loaded("p.jsonl", "plain", rows, ids, taken=Taken(id="id" if ids else "", prediction=taken), **fields)


def wanted(*rows: Row, ids: bool = True) -> References:
    return References("r.jsonl", rows, ids, taken=Taken(id="id" if ids else "", reference="references"))


def numbered(count: int, first: int = 0) -> list[Row]:
    return [row(f"q{n}", f"a{n}") for n in range(first, first + count)]


def truths(count: int) -> References:
    return wanted(*(row(f"q{n}", None, f"t{n}") for n in range(count)))


def refused(*given: object, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        join(*given, **options)  # type: ignore[arg-type]
    return str(caught.value)


BY_ID = "Predictions and references are joined by 'id'."


def test_every_prediction_gets_its_references():
    joined = join(answered(*reversed(numbered(3))), truths(3), Allow())
    assert list(joined.rows) == [row(f"q{n}", f"a{n}", f"t{n}") for n in range(3)]
    assert (joined.how, joined.notes, joined.guesses) == ("by 'id'", [BY_ID], [])
    assert (joined.missing, joined.extra, joined.duplicate) == (0, 0, 0)


def test_predictions_that_carry_their_own_references_are_left_as_they_are():
    rows = [row("a", "1", "2"), row("b", "3", "4")]
    joined = join(answered(*rows), None, Allow())
    assert (list(joined.rows), joined.how, joined.notes) == (rows, "", [])


def test_a_question_without_a_prediction():
    few, all_of = answered(*numbered(2), *numbered(1, 3)), truths(4)
    assert refused(few, all_of, Allow(extra=True, duplicates=True)) == (
        "p.jsonl against r.jsonl: 1 of 4 questions have no prediction: 'q2'.\n"
        "  Complete the file, or give a flag: --allow-missing counts them as wrong."
    )
    joined = join(few, all_of, Allow(missing=True))
    assert joined.rows[2] == row("q2", None, "t2", error="missing") and joined.rows[3].prediction == "a3"
    assert (joined.missing, joined.extra) == (1, 0)
    assert joined.notes == [BY_ID, "1 questions have no prediction; they count as wrong."]
    assert missing_row(row("q2", "old", "t2")) == joined.rows[2]
    many = refused(answered(*numbered(1)), truths(1_300), Allow())
    assert "1,299 of 1,300 questions have no prediction: 'q1', 'q2', 'q3', 'q4', 'q5', ...." in many


def test_a_prediction_without_a_question():
    many = answered(*numbered(4))
    assert refused(many, truths(3), Allow(missing=True, duplicates=True)) == (
        "p.jsonl against r.jsonl: 1 of 4 predictions have no reference: 'q3'.\n"
        "  Complete the file, or give a flag: --allow-extra leaves them out."
    )
    joined = join(many, truths(3), Allow(extra=True))
    assert [found.id for found in joined.rows] == ["q0", "q1", "q2"]
    assert (joined.missing, joined.extra) == (0, 1)
    assert joined.notes == [BY_ID, "1 predictions have no reference; they are left out, as allowed."]


def test_several_predictions_of_one_question():
    given = answered(*numbered(3), row("q1", "later"), row("q0", "second"), row("q1", "last"))
    assert refused(given, truths(3), Allow(missing=True, extra=True)) == (
        "p.jsonl: 2 of 3 ids appear more than once: 'q1', 'q0'.\n"
        "  Complete the file, or give a flag: --allow-duplicates takes the last of each."
    )
    joined = join(given, truths(3), Allow(duplicates=True))
    assert [found.prediction for found in joined.rows] == ["second", "last", "a2"]
    assert joined.duplicate == 3
    assert joined.notes == ["3 predictions share the id of a later one; the last of each is taken, as allowed.", BY_ID]
    alone = join(given, None, Allow(duplicates=True))
    assert [(found.id, found.prediction) for found in alone.rows] == [("q0", "second"), ("q1", "last"), ("q2", "a2")]


def test_line_numbers_are_no_ids_that_could_stand_twice():
    rows = [row("1", "a0", "t0"), row("1", "a1", "t1")]
    assert list(join(answered(*rows, ids=False), None, Allow()).rows) == rows
    assert join(answered(*rows), truths(2), Allow(), by_order=True).duplicate == 0


def test_what_a_row_has_of_each_side():
    """Truths and groups are the reference's, the answer and its circumstances the prediction's; what one side lacks is the other's."""
    reference = row(
        "q0", None, "t", question="Q?", choices=("x", "y"), category="c", task="vqa", kind="human", lang="en", width=10, height=20,
        groups={"scene": "s", "image": "i"}, extra={"unit": "m", "note": "r"}, images=("r.png",),
    )  # fmt: skip
    answer = row(
        "q0", "p", "u", error="e", finish_reason="length", question="Q? Answer briefly.", choices=("z",), category="d", task="ocr",
        kind="augmented", lang="zh", width=30, height=40, groups={"scene": "other", "episode": "e"}, extra={"note": "p", "mark": "5"},
        images=("p.png",),
    )  # fmt: skip

    def met(one: Row, other: Row) -> Row:
        return join(answered(other), wanted(one), Allow()).rows[0]

    assert met(reference, answer) == row(
        "q0", "p", "t", error="e", finish_reason="length", question="Q?", choices=("x", "y"), category="c", task="vqa", kind="human",
        lang="en", width=30, height=40, groups={"scene": "s", "image": "i", "episode": "e"},
        extra={"unit": "m", "note": "p", "mark": "5"}, images=("r.png",),
    )  # fmt: skip
    assert met(row("q0", None, "t"), answer) == row("q0", "p", "t", **{
        name: getattr(answer, name) for name in Row.__struct_fields__ if name not in ("id", "prediction", "references", "sample")
    })  # fmt: skip
    bare = met(reference, row("q0", "p"))
    assert bare == row("q0", "p", "t", **{
        name: getattr(reference, name) for name in Row.__struct_fields__ if name not in ("id", "prediction", "references", "sample")
    })  # fmt: skip


def test_other_accepted_answers_in_the_predictions_are_said():
    given = answered(row("q0", "a", "t0"), row("q1", "b", "z"), row("q2", "c"), row("q3", "d", "y"))
    joined = join(given, truths(4), Allow())
    assert [found.references for found in joined.rows] == [("t0",), ("t1",), ("t2",), ("t3",)]
    assert joined.notes[1:] == ["2 predictions carry other references than r.jsonl; the latter are used."]


def test_no_id_in_common():
    assert refused(answered(*numbered(2, 7)), truths(2), Allow()) == (
        "p.jsonl against r.jsonl: no id in common: predictions have 'q7', 'q8', references have 'q0', 'q1'.\n"
        "  Give references of the same questions, name the ids with --id-field, or join with --by-order."
    )
    by_order = join(answered(*numbered(2, 7)), truths(2), Allow(), by_order=True)
    assert [(found.id, found.prediction) for found in by_order.rows] == [("q0", "a7"), ("q1", "a8")]


def test_other_ids_with_the_same_labels_in_order_are_one_list():
    given = [row(f"x{n}", f"a{n}", f"t{n}") for n in range(3)]
    assert join(answered(*given), truths(3), Allow()).how == "in order"
    for other in (given[:2], [given[0], given[1], row("x2", "a2")], [given[0], given[1], row("x2", "a2", "z")]):
        assert "no id in common" in refused(answered(*other), truths(3), Allow())


# By order


def lines(*rows: Row, **fields: object) -> Loaded:
    return answered(*rows, ids=False, **fields)


def test_in_order_where_every_label_or_every_question_agrees():
    joined = join(lines(row(1, "a", "t0"), row(2, "b", "t1")), truths(2), Allow())
    assert list(joined.rows) == [row("q0", "a", "t0"), row("q1", "b", "t1")]
    assert (joined.how, joined.missing) == ("in order", 0)
    assert joined.notes == ["Predictions and references are joined in order, and every label agrees."]
    asked = wanted(row("q0", None, "t0", question="How many sofas?"), row("q1", None, "t1", question="What colour is it?"), ids=False)
    given = [row(1, "a", question="How many sofas?"), row(2, "b", question="What colour is it?")]
    assert join(lines(*given), asked, Allow(), by_order=True).notes == [
        "Predictions and references are joined in order, and every question agrees."
    ]
    some = join(lines(given[0], row(2, "b", "t1")), asked, Allow(), by_order=True)
    assert some.notes == ["Predictions and references are joined in order, and every label agrees."]


def test_in_order_without_a_proof_only_where_it_is_asked_for():
    given = lines(row(1, "a", "t0"), row(2, "b"))
    assert refused(given, truths(2), Allow()) == (
        "p.jsonl against r.jsonl: nothing proves that line 2 answers that reference: they share no id, question or answer.\n"
        "  Add an id to each, name it with --id-field, or say that the order is the same: --by-order"
    )
    joined = join(given, truths(2), Allow(), by_order=True)
    assert [found.prediction for found in joined.rows] == ["a", "b"]
    assert joined.notes == ["Predictions and references are joined in order, as asked; nothing proves it."]


def test_in_order_needs_as_many_lines_as_references():
    cure = "\n  Complete the predictions, or add an id to each."
    told, untold = [row(n, f"a{n}", f"t{n}") for n in range(3)], [row(n, f"a{n}") for n in range(3)]
    assert refused(lines(*told), truths(4), Allow(extra=True)) == (
        "p.jsonl against r.jsonl: 3 predictions for 4 references, and no ids to join them by." + cure
    )
    for given, count in ((untold, 4), (told, 2), ([*told[:2], untold[2]], 4)):
        assert "no ids to join them by" in refused(lines(*given), truths(count), Allow(missing=True, extra=True), by_order=True)
    joined = join(lines(*told), truths(4), Allow(missing=True))
    assert [found.error for found in joined.rows] == ["", "", "", "missing"]
    assert (joined.missing, joined.notes[1:]) == (1, ["1 questions have no prediction; they count as wrong."])


def test_in_order_a_pair_that_cannot_be_one_stops_the_run():
    cure = "\n  The order differs: predictions without ids must stand in the references' order."
    long = "What is written on the sign at the far end of the long corridor, left of the lift?"
    other = "How many chairs stand around that round wooden table near the window of the kitchen?"
    asked = wanted(row("q0", None, "t0", question="Is it red?"), row("q1", None, "t1", question=long), ids=False)
    given = lines(row(1, "a", question="Is it red?"), row(2, "b", question=other))
    assert refused(given, asked, Allow(), by_order=True) == (
        f"p.jsonl against r.jsonl: line 2 asks {other[:60]!r}, but reference 2 is {long[:60]!r}." + cure
    )
    label, truth = "z" * 70, "t" * 70
    assert refused(lines(row(1, "a", label)), wanted(row("q", None, truth)), Allow(), by_order=True) == (
        f"p.jsonl against r.jsonl: line 1 has the label {label[:60]!r}, but reference 1 is {truth[:60]!r}." + cure
    )


# Ids that are positions


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("by_order", [False, True])
def test_numbers_are_positions_in_a_list_without_ids(first, by_order):
    listed = wanted(*(row(n + 1, None, f"t{n}") for n in range(4)), ids=False)
    given = answered(*(row(n + first, f"a{n}", *([] if by_order else [f"t{n}"])) for n in (2, 0, 3, 1)))
    joined = join(given, listed, Allow(), by_order=by_order)
    assert [found.prediction for found in joined.rows] == ["a0", "a1", "a2", "a3"]
    assert joined.how == f"by position in r.jsonl, counted from {first}"


@pytest.mark.parametrize("numbers", [(0, 1, 4), (1, 2, 3), ("0", "x", "3"), ("²", "0", "1")])
def test_numbers_that_may_count_from_either_end_are_no_positions(numbers):
    """0 and 4 of four lines, neither of them, or not all numbers."""
    listed = wanted(*(row(n + 1, None, f"t{n}") for n in range(4)), ids=False)
    given = answered(*(row(number, "a") for number in numbers))
    assert "3 predictions for 4 references, and no ids" in refused(given, listed, Allow(missing=True), by_order=True)


def test_positions_whose_answers_disagree_are_none():
    listed = wanted(*(row(n + 1, None, f"t{n}") for n in range(3)), ids=False)
    given = answered(row(0, "a", "t0"), row(1, "b", "t2"), row(2, "c", "t1"))
    assert "line 2 has the label 't2', but reference 2 is 't1'" in refused(given, listed, Allow())


# A field that holds the truth


def copied(count: int, wrong: int = 0, taken: str = "answer", **fields: object) -> Loaded:
    rows = [row(f"q{n}", "other" if n < wrong else f"t{n}") for n in range(count)]
    return answered(*rows, taken=taken, **fields)


def test_answers_that_are_all_the_truth_stop_the_run_where_the_field_may_be_the_truths():
    assert refused(copied(3), truths(3), Allow()) == (
        "p.jsonl: 3 of 3 answers, read from 'answer', are the reference letter for letter: "
        "the field seems to hold the truth, not a model's answers.\n"
        "  Name the field of the answers: --prediction-field NAME (--prediction-field answer if it is this one)."
    )
    assert "10 of 10 answers, read from 'Output'," in refused(copied(10, taken="Output"), truths(10), Allow())
    assert "19 of 20 answers" in refused(copied(20, wrong=1), truths(20), Allow())
    in_order = lines(*(row(n, f"t{n}", f"t{n}") for n in range(3)), taken="answer")
    assert "the field seems to hold the truth" in refused(in_order, truths(3), Allow())


@pytest.mark.parametrize(("count", "taken"), [(2, "answer"), (9, "output"), (1, "answer")])
def test_few_answers_that_are_all_the_truth_are_a_guess(count, taken):
    joined = join(copied(count, taken=taken), truths(count), Allow())
    assert [(guess.text, guess.cure) for guess in joined.guesses] == [
        (
            f"p.jsonl: {count} of {count} answers, read from {taken!r}, are the reference letter for letter; it may hold the truth.",
            f"--prediction-field {taken} says that it does not.",
        )
    ]


def test_answers_that_are_all_right_are_no_question_where_the_field_is_the_models():
    for given in (copied(30, taken="prediction"), copied(30, wrong=2), copied(30, fields_told=True), copied(2, fields_told=True)):
        assert join(given, truths(len(given.rows)), Allow()).guesses == []
    both = replace(copied(30), taken=Taken(id="id", prediction="answer", reference="label"))  # the record has its truth elsewhere
    assert join(both, truths(30), Allow()).guesses == []
    nobody = answered(*(row(f"q{n}", None, error="e") for n in range(4)), taken="answer")
    assert join(nobody, truths(4), Allow()).guesses == []
    half = answered(*(row(f"q{n}", f"t{n}" if n % 2 else None) for n in range(8)), taken="answer")  # only what was answered counts
    assert "4 of 4 answers" in refused(half, truths(8), Allow())


# Names of categories, and marks


def test_categories_of_results_get_the_names_of_the_annotations():
    boxes = json.dumps([{"bbox": [0, 0, 1, 1], "label": "7"}])
    annotated = References(
        "i.json",
        [row("q0", None, json.dumps([{"category_id": "7", "label": "cat"}]), task="detection")],
        True,
        taken=Taken(reference="annotations"),
    )
    given = replace(answered(row("q0", boxes)), format="coco-results")
    joined = join(given, annotated, Allow())
    assert json.loads(joined.rows[0].prediction or "")[0]["label"] == "cat"
    assert joined.notes[0] == "Categories of the results are called by their names in the annotations."
    for other, references in (
        (replace(given, format="plain"), annotated),
        (given, replace(annotated, taken=Taken(reference="references"))),
    ):
        plain = join(other, references, Allow())
        assert json.loads(plain.rows[0].prediction or "")[0]["label"] == "7" and not plain.notes[0].startswith("Categories")


def test_marks_meet_answers_by_the_whole_id_or_its_last_part():
    rows = [row("set/a", "x", extra={"unit": "m"}), row("of/set/b", "y"), row("c", "z")]
    marked = join_marks(rows, {"a": "5", "set/a": "4", "b": "2", "unknown": "1"}, "marks.json")
    assert [found.extra for found in marked] == [{"unit": "m", "mark": "4"}, {"mark": "2"}, {}]
    assert [found.prediction for found in marked] == ["x", "y", "z"]
    for only in ({"of/set/b": "3"}, {"b": "3"}):
        assert [found.extra.get("mark") for found in join_marks(rows, only, "marks.json")] == [None, "3", None]
    with pytest.raises(DataError) as caught:
        join_marks(rows, {"set": "5", "d": "1"}, "marks.json")
    assert str(caught.value) == "marks.json: marks none of these answers.\n  Give the marks of the same questions."
