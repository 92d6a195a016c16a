"""The evaluation side: one file of answers as models give them, scored by each harness's own code, by hand, and by `vleval score`.

python in_harness.py runs the harnesses' functions; here stand the answers, and what a person says of each.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

OPTIONS = ("red", "green", "blue", "yellow")


class Given(NamedTuple):
    """An answer, the accepted one, and whether a person takes it for right; `kind` is its line on the page."""

    kind: str
    text: str
    accepted: str
    right: bool


LETTERS = (
    Given("a letter alone", "B", "B", True),
    Given("a letter alone", "(B)", "B", True),
    Given("a letter alone", "b", "B", True),
    Given("a letter alone", "A", "B", False),
    Given("a letter with its text", "B. green", "B", True),
    Given("a letter in a sentence", "The answer is B.", "B", True),
    Given("a letter in a sentence", "Answer: **B**", "B", True),
    Given("a letter in a sentence", "The correct option is B, because the box in A is too dark.", "B", True),
    Given("a letter in a sentence", "A and C are wrong, so it must be B.", "B", True),
    Given("a letter in a sentence", "It is not B. The answer is D.", "B", False),
    Given("a letter in a sentence", "\\boxed{B}", "B", True),
    Given("a letter in a sentence", "答案是B。", "B", True),
    Given("the option's text", "green", "B", True),
    Given("the option's text", "A green box.", "B", True),
    Given("a thought in front", "<think>The box in A is red. Is it C or B?</think>\n\nB", "B", True),
    Given("a thought in front", "<think>It could be B.</think>\n\nThe answer is D.", "B", False),
    Given("no answer", "", "B", False),
    Given("no answer", "None of them.", "B", False),
    Given("no answer", "B or C", "B", False),
    Given("no answer", "Beige, I would say.", "B", False),
    Given("no answer", "I cannot see an image.", "B", False),
    Given("no answer", "Failed to obtain answer via API.", "B", False),
)

NUMBERS = (
    Given("a number alone", "42", "42", True),
    Given("a number alone", "42.0\n", "42", True),
    Given("a number alone", "43", "42", True),  # 5 % are forgiven
    Given("a number alone", "45", "42", False),
    Given("a number alone", "-42", "42", False),
    Given("a number with a unit", "42%", "42%", True),
    Given("a number with a unit", "42 %", "42%", True),
    Given("a number with a unit", "42", "42%", True),
    Given("a number with a unit", "42 units", "42", True),
    Given("a number with a unit", "$42", "42", True),
    Given("a long number", "1,200", "1200", True),
    Given("a long number", "1.2 million", "1200000", True),
    Given("a number in a sentence", "The value is 42.", "42", True),
    Given("a number in a sentence", "42 (in 2010)", "42", True),
    Given("a number in a sentence", "Between 10 and 42.", "42", False),
    Given("a year", "2012", "2010", False),
    Given("a year", "2010", "2010", True),
    Given("a word", "Yes.", "Yes", True),
    Given("a word", "yes", "Yes", True),
    Given("a word", "No", "Yes", False),
    Given("a thought in front", "<think>40 and 2 more.</think>\n\n42", "42", True),
    Given("a thought in front", "<think>Is it 42?</think>\n\n17", "42", False),
    Given("no answer", "", "42", False),
    Given("no answer", "nan", "42", False),
    Given("no answer", "I cannot read the chart.", "42", False),
)

JOBS = {"letters": LETTERS, "numbers": NUMBERS}


def rows(job: str) -> list[dict[str, object]]:
    """The file of a job, a row an answer."""
    more = {"options": list(OPTIONS)} if job == "letters" else {}
    ask = "Which colour is the box?" if job == "letters" else "What is the value?"
    return [
        {"id": str(number), "question": ask, **more, "answer": given.accepted, "prediction": given.text}
        for number, given in enumerate(JOBS[job])
    ]


def write(folder: Path) -> dict[str, Path]:
    """Write the files of both jobs; returns them by job."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for job in JOBS:
        files[job] = folder / f"{job}.jsonl"
        files[job].write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(job)), encoding="utf-8")
    return files
