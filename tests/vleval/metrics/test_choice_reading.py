"""Which option an answer names, over the labelled corpus."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vldata.errors import DataError
from vleval.metrics.choice_reading import read_options
from vleval.metrics.multiple_choice import choices_in
from vleval.profiles import resolve
from vleval.rows import Row

sys.path.insert(0, str(Path(__file__).parent))
from choice_corpus import ANIMALS, corpus

CORPUS = corpus()


def test_the_corpus_is_read_and_nothing_as_another_letter():
    read = [(text, wanted, read_options(text, options)) for text, options, wanted in CORPUS]
    other = [(text, wanted, found) for text, wanted, found in read if found and found != wanted]
    missed = [(text, wanted) for text, wanted, found in read if not found and wanted]
    assert other == []
    assert len(missed) <= len(CORPUS) / 100, missed
    assert len(CORPUS) >= 600
    assert sum(any("\u4e00" <= mark <= "\u9fff" for mark in text) for text, _, _ in CORPUS) >= 150


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ABCD abcd().,:answerisptio\n答案是选不*{}\\", max_size=60))
def test_whatever_is_written_only_options_are_read(text):
    found = read_options(text, ANIMALS)
    assert set(found) <= set("ABCD")
    assert list(found) == sorted(set(found))


def scored(*rows):
    return resolve("vlkit", "multiple_choice").score([Row(id=str(n), **row) for n, row in enumerate(rows)])


def test_several_letters_are_right_when_all_are_named():
    rows = [
        {"prediction": text, "references": (key,), "choices": ANIMALS} for text, key in (("A, B, D", "ABD"), ("AB", "A,B,D"), ("B", "AB"))
    ]
    assert scored(*rows).values.tolist() == [1, 0, 0]


def test_numbers_of_options_count_from_where_the_file_shows():
    rows = [{"prediction": "B", "references": (key,), "choices": ANIMALS} for key in ("1", "0", "3")]
    found = scored(*rows)
    assert (found.values.tolist(), found.notes[-1]) == ([1, 0, 0], "References are numbers of options, counted from 0.")
    with pytest.raises(DataError, match="whether they count from 0 or from 1"):
        scored(rows[0])
    assert scored({"prediction": "2", "references": ("2",), "choices": ("1", "2")}).values.tolist() == [1]


def test_options_may_stand_in_the_question():
    asked = "What is shown?\nA. cat\nB. dog\nAnswer with the option's letter."
    assert choices_in(asked) == ("cat", "dog")
    assert scored({"prediction": "It is a dog.", "references": ("B",), "question": asked}).values.tolist() == [1]
    assert choices_in("A. Einstein was born in 1879.") == ()


def test_circular_passes_are_right_together():
    rows = [
        {"prediction": text, "references": ("A",), "choices": ANIMALS, "groups": {"circle": name}}
        for name, text in ("1A", "1B", "2A", "2A")
    ]
    assert (scored(*rows).values.mean(), scored(*rows).parts) == (0.75, {"circular": 0.5})


@pytest.mark.parametrize(
    ("texts", "right", "said"),
    [
        (("0", "1", "2"), [1, 1, 1], "counted from 0"),
        (("1", "2", "3"), [1, 1, 1], "read as counted from 1: nothing proves it"),
        (("0", "2", "4"), [0, 1, 0], "read as counted from 1: some are 0"),
    ],
)
def test_answers_that_are_numbers_count_from_where_they_show(texts, right, said):
    found = scored(*({"prediction": text, "references": (key,), "choices": ANIMALS} for text, key in zip(texts, "ABC", strict=True)))
    assert found.values.tolist() == right
    assert said in found.notes[-1]
