"""Files that are well-formed and odd as a whole, after reports about evaluation tools: none is scored without a word about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vleval import oddities
from vleval.metrics.multiple_choice import all_numbers, key_of, number_base
from vleval.oddities import odd_notes
from vleval.rows import Row

WORDS = ("red", "blue", "cat", "dog", "seven", "Paris", "tree", "nine", "left", "right")


def rows(count: int = 40, **fields: Any) -> list[Row]:
    """Rows whose fields are functions of their number, or the same for all."""
    made = []
    for number in range(count):
        own = {name: value(number) if callable(value) else value for name, value in fields.items()}
        made.append(Row(**{"id": str(number), "prediction": WORDS[number % 10], "references": (WORDS[number % 10],)} | own))
    return made


ASKED = {"question": lambda number: f"What is thing {number}?"}
ODD = [
    (
        rows(finish_reason=lambda number: ("stop", "tool_calls", "content_filter", "refusal")[number % 4]),
        "30 of 40 replies are no answer, by what the server says of their end: 10 content_filter, 10 refusal, 10 tool_calls.",
    ),
    (rows(references=("9.",)), "All 40 rows have the same reference, '9.'"),  # hiyouga/LlamaFactory#5023
    (rows(references=("Please submit to the server",)), "All 40 rows have the same reference"),  # modelscope/evalscope#761
    (rows(prediction="!" * 256), "All 40 answers are '!!!"),  # modelscope/evalscope#444
    (rows(prediction=lambda number: WORDS[number % 10] + " the wall" * 200), "40 of 40 answers end in a loop"),
    (rows(prediction="The man walks down the", references=("The man walks down the street.",)), "stop within it"),  # LlamaFactory#5465
    (rows(prediction=lambda number: WORDS[(number + 1) % 10]), "39 of 40 answers are a reference of the next row, 0 one of their own"),
    (rows(prediction=lambda number: WORDS[(number - 1) % 10]), "a reference of the previous row"),
    (rows(prediction=lambda number: ("I'm sorry, I can't help with that.", "red")[number % 2]), "20 of 40 answers read as refusals"),
    (rows(prediction=lambda number: ("抱歉，我无法查看图片。", "红")[number % 2]), "20 of 40 answers read as refusals"),
    (rows(references=lambda number: (f"{number}+1=<<{number}+1={number + 1}>>\n#### {number + 1}",)), "--metric solution_match"),
    ([*rows(40, **ASKED), *rows(40, prediction="x", **ASKED)], "The last 40 of 80 rows ask what the first 40 ask"),
    ([*rows(41, **ASKED), *rows(3, **ASKED)], "The last 3 of 44 rows ask what the first 3 ask"),
    ([*rows(41, **ASKED), *rows(1, **ASKED)], "The last of 42 rows asks what the first one asks"),
]


@pytest.mark.parametrize(("made", "said"), ODD, ids=[said for _, said in ODD])
def test_what_is_odd_is_said(made: list[Row], said: str) -> None:
    assert any(said in note for note in odd_notes(made))


PLAIN = {
    "right answers": rows(**ASKED),
    "one question for all": rows(question="What is it?"),
    "yes and no": rows(prediction="yes", references=lambda number: (("yes", "no")[number % 3 == 0],), question="Is it?"),
    "repeated with their images": [*rows(20, images=("a.png",), **ASKED), *rows(20, images=("b.png",), **ASKED)],
    "few rows": rows(5, references=("9.",)),
    "long and not a loop": rows(prediction=lambda number: " ".join(f"{number} {place}" for place in range(300))),
    "sorry as a word": rows(prediction=lambda number: f"Sorry {WORDS[number % 10]} is the right one"),
}


@pytest.mark.parametrize("name", PLAIN)
def test_what_is_not_odd_is_not_said(name: str) -> None:
    assert [note for note in odd_notes(PLAIN[name]) if not (name == "yes and no" and "All 40 answers" in note)] == []


def test_two_systems_with_the_same_answers_are_said(tmp_path: Path, vleval: Any) -> None:
    for name, changed in (("a", ""), ("b", ""), ("c", "x")):
        made = [{"id": number, "prediction": WORDS[number % 10] + changed, "reference": WORDS[number % 10]} for number in range(30)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in made))
    ran = vleval("compare", *(tmp_path / f"{name}.jsonl" for name in "abc"), "--metric", "exact_match")
    assert ran.code == 0
    assert ran.err.count("letter for letter: the same run twice, or an adapter that was not used?") == 1


def test_boxes_under_metrics_of_letters_are_said() -> None:
    made = rows(3, references=("[0.25, 0.25, 0.5, 0.75]",))
    assert "3 of 3 references are boxes, and anls compares their letters" in odd_notes(made, ["anls"])[0]
    assert odd_notes(made, ["detection_f1"]) == odd_notes(rows(3), ["anls"]) == []


def test_numbers_of_options_are_no_texts_of_options() -> None:
    options = ("2", "3", "4", "1")
    made = [Row(id=str(place), prediction="ABCD"[place], references=(str(place),), choices=options) for place in range(4)]
    base = number_base(made)
    assert all_numbers(made, base)
    assert [key_of(str(place), options, base, numbers=True) for place in range(4)] == ["A", "B", "C", "D"]
    texts = [
        Row(id="1", prediction="A", references=("4",), choices=options),
        Row(id="2", prediction="A", references=("2",), choices=options),
    ]
    assert number_base(texts) == -1 and key_of("2", options, -1) == "A"


CHOICES = {"A": "x", "B": "y", "C": "z", "D": "w"}
LISTED = "Which?\nA. cat\nB. dog\nC. cow"


@pytest.mark.parametrize(
    ("fields", "metric"),
    [
        ({"prediction": "AB", "answer": "A、B", **CHOICES}, "multiple_choice"),  # FudanDISC/DISC-LawLLM#45
        ({"prediction": "A, B", "answer": "AB", **CHOICES}, "multiple_choice"),
        ({"prediction": "只有选项B是对的，A不对", "answer": "B", "question": LISTED}, "multiple_choice"),  # open-compass/opencompass#2600
        ({"prediction": "So the answer is (C).", "answer": "(C)", "question": LISTED}, "multiple_choice"),  # lm-evaluation-harness#2905
        (
            {"prediction": "Answer: A\nI need to correct this.\nAnswer: B", "answer": "B", **CHOICES},
            "multiple_choice",
        ),  # frontier-evals#125
        ({"prediction": "B. 4", "answer": "B", "options": ["3", "4", "5"]}, "multiple_choice"),  # lm-evaluation-harness#4187
        ({"prediction": "B", "answer": 1, "options": ["3", "4", "0"]}, "multiple_choice"),  # XMUDeepLIT/AVG-LLaVA#10
    ],
)
def test_answers_by_letter_are_scored_by_letter(fields: dict[str, Any], metric: str, tmp_path: Path, vleval: Any) -> None:
    file = tmp_path / "p.jsonl"
    made = [{"question": f"q{number}", **fields} | {"id": number} for number in range(3)]
    if isinstance(fields["answer"], int):
        made.append({"id": 3, "question": "q", **fields, "answer": 0, "prediction": "A"})
    file.write_text("".join(json.dumps(row) + "\n" for row in made))
    ran = vleval("score", file)
    assert ran.code == 0 and ran.out.startswith(f"{metric} = 1.0000"), ran.err


def test_an_answer_that_is_a_list_of_classes_stops(tmp_path: Path, vleval: Any) -> None:
    file = tmp_path / "p.jsonl"  # modelscope/ms-swift#6916
    file.write_text("".join(json.dumps({"response": [10] if number % 5 else [], "labels": 10}) + "\n" for number in range(30)))
    ran = vleval("score", file)
    assert ran.code == 1 and "response is a list, not text" in ran.err


def test_rows_that_ask_in_circles_say_so(tmp_path: Path, vleval: Any) -> None:
    file = tmp_path / "p.csv"  # open-compass/VLMEvalKit#141, #803
    lines = ["index,question,A,B,C,D,answer,prediction"]
    for number in range(10):
        lines += [f"{number + 1_000_000 * turn},q{number},a,b,c,d,{'ABCD'[turn]},{'ABCA'[turn]}" for turn in range(4)]
    file.write_text("\n".join(lines) + "\n")
    ran = vleval("score", file)
    assert ran.code == 0 and "circular 0.0000" in ran.out and "several orders of their options" in ran.out


def test_of_a_long_file_the_first_rows_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held in memory does not grow with the file, and the sentence says what was seen."""
    rows = [Row(id=str(number), prediction="I cannot help with that.", references=(f"r{number}",)) for number in range(60)]
    monkeypatch.setattr(oddities, "_MOST", 40)
    notes = oddities.odd_notes(rows)
    assert notes and all(note.startswith("Among the first 40 of 60 rows: ") for note in notes)
    assert any("40 of 40 answers read as refusals" in note for note in notes)


def test_labels_in_other_words_are_said() -> None:
    made = [Row(id=str(n), prediction=("yes", "No.")[n % 2], references=(("True", "False")[n % 2],)) for n in range(24)]
    (note,) = odd_notes(made, ("exact_match",))
    assert note.startswith("The answers are 'no', 'yes' and the references 'false', 'true'")
    assert odd_notes(made, ("multiple_choice",)) == []
    assert odd_notes([*made, Row(id="x", prediction="true", references=("True",))], ("exact_match",)) == []
