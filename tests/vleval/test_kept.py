"""Many rows: what lies in a file gives the very numbers, sentences and refusals that the same rows in memory give."""

from __future__ import annotations

import itertools
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples
from vldata.errors import DataError
from vleval import compare, kept, score, telling
from vleval.kept import KeptRows, changed
from vleval.readers.columns import ColumnsRead
from vleval.rows import Row
from vleval.settings import Allow, Reading, Scoring

TEXTS = st.lists(st.text(st.characters(exclude_categories=()), max_size=3), max_size=30)


@pytest.fixture
def few(monkeypatch):
    """Three rows are many, and a file is read by two."""
    monkeypatch.setattr(kept, "IN_MEMORY", 3)
    monkeypatch.setattr(kept, "_BLOCK", 2)


@given(TEXTS, st.slices(30), st.integers(1, 5), st.integers(1, 9))
@settings(max_examples=examples(60), deadline=None)
def test_a_file_of_values_is_a_list_of_them(texts, part, block, in_memory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "IN_MEMORY", in_memory)
        patch.setattr(kept, "_BLOCK", block)
        rows = [Row(id=text, prediction=text or None, references=(text,), groups={"scene": text}, extra={text: "1"}) for text in texts]
        held = KeptRows(Row)
        held.extend(rows)
        assert list(held) == rows and len(held) == len(rows) and held[part] == rows[part]
        assert [held[place] for place in range(-len(rows), len(rows))] == rows + rows
        again = changed(held, lambda row: row.id)
        assert list(again) == texts and list(again)[part] == again[part]
        with pytest.raises(IndexError):
            held[len(rows)]


@given(TEXTS, TEXTS, st.sampled_from([hash, len]))
@settings(max_examples=examples(60), deadline=None)
def test_ids_are_told_apart_as_dictionaries_do(asked, known, hashing):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(telling, "hash", hashing, raising=False)
        places = {}
        for place, text in enumerate(asked):
            places.setdefault(text, []).append(place)
        twice = sorted((text for text in places if len(places[text]) > 1), key=lambda text: places[text][1])
        assert telling.repeated(asked) == {text: places[text] for text in twice} and list(telling.repeated(asked)) == twice
        known = list(dict.fromkeys(known))
        if hashing is hash or len({len(text) for text in known}) < len(known):  # where it falls back on the texts
            assert telling.places_of(asked, known).tolist() == [known.index(text) if text in known else -1 for text in asked]


def _gathered(records):
    columns = ColumnsRead()
    for record in records:
        columns.add(record)
    return {name: list(values) for name, values in columns.found("answer").items()}


@pytest.mark.parametrize("late", [None, 4, 5, 11, 17], ids=lambda late: f"again at {late}")
def test_fields_that_may_be_an_id_are_the_same_ones(few, monkeypatch, late):
    records = [{"id": n, "name": f"n{n if n != late else 2}", "meta": {"key": f"k{n}"}, "answer": str(n), "same": "s"} for n in range(18)]
    many = _gathered(records)
    monkeypatch.setattr(kept, "IN_MEMORY", 1_000)
    assert many == _gathered(records) and set(many) == {"id", "key"} | ({"name"} if late is None else set())


def _scored(where, predictions, references, **allowed):
    for name, rows in (("p.jsonl", predictions), ("r.jsonl", references)):
        (where / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = []
    try:
        result = score(
            where / "p.jsonl",
            where / "r.jsonl",
            reading=Reading(allow=Allow(**allowed)),
            scoring=Scoring(metrics=("exact_match", "anls", "rouge1", "sacrebleu")),
            tell=told.append,
        )
    except DataError as error:
        return str(error), error.cure, told
    return result.document(), list(result.per_record()), told


COUNT = 14
WANTED = [
    {"id": f"q{n}", "question": f"What is written beside door {n}?", "references": [f"word {n}", "x"], "category": f"c{n % 3}"}
    for n in range(COUNT)
]
GIVEN = [{"id": f"q{n}", "prediction": f"word {n - n % 4}" if n != 6 else "<think>never", "scene": f"s{n % 5}"} for n in range(COUNT)]
OTHER = [{**row, "question": f"How many stairs lead up to floor {n}?"} for n, row in enumerate(GIVEN)]
CASES = {
    "in order": (GIVEN, WANTED, {}),
    "in any order": (random.Random(1).sample(GIVEN, COUNT), WANTED, {}),
    "some missing": (GIVEN[3:], WANTED, {}),
    "some missing, allowed": (GIVEN[3:], WANTED, {"missing": True}),
    "some extra, allowed": (GIVEN, WANTED[2:], {"extra": True}),
    "some twice": ([*GIVEN, GIVEN[2], GIVEN[7]], WANTED, {}),
    "some twice, allowed": ([GIVEN[9], *GIVEN, {**GIVEN[2], "prediction": "x"}], WANTED, {"duplicates": True}),
    "references twice": (GIVEN, [*WANTED, WANTED[4]], {}),
    "no ids": ([{"prediction": row["prediction"], "question": row["question"]} for row, _ in zip(OTHER, WANTED, strict=True)], WANTED, {}),
    "of other questions": (OTHER, WANTED, {}),
    "other ids, same questions": ([{**WANTED[n], **GIVEN[n], "id": f"other{n}"} for n in range(COUNT)], WANTED, {}),
    "another field is the id": ([{"id": n, "key": row["id"], "prediction": row["prediction"]} for n, row in enumerate(GIVEN)], WANTED, {}),
    "all failed": ([{**row, "prediction": None, "error": "timeout"} for row in GIVEN], WANTED, {}),
    "samples": ([{**row, "sample": n} for row, n in itertools.product(GIVEN, range(2))], WANTED, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_score_of_many_rows_is_that_of_few(few, monkeypatch, tmp_path, case):
    predictions, references, allowed = CASES[case]
    many = _scored(tmp_path, predictions, references, **allowed)
    monkeypatch.setattr(kept, "IN_MEMORY", 1_000)
    assert many == _scored(tmp_path, predictions, references, **allowed)


def test_a_comparison_of_many_rows_is_that_of_few(few, monkeypatch, tmp_path):
    for name, rows in (("a.jsonl", GIVEN), ("b.jsonl", GIVEN[::-1]), ("r.jsonl", WANTED)):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    many = compare(files, tmp_path / "r.jsonl").document()
    monkeypatch.setattr(kept, "IN_MEMORY", 1_000)
    assert many == compare(files, tmp_path / "r.jsonl").document()


def test_a_full_disk_is_said(few, monkeypatch, tmp_path):
    class Full:
        def write(self, raw):
            raise OSError(28, "No space left on device")

        writelines = write

        def close(self):
            raise OSError(28, "No space left on device")  # what was held back goes nowhere either

    kept._close(Full())
    monkeypatch.setattr(kept.tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(DataError, match="No space left on device") as caught:
        kept.kept(range(9), int)
    assert "Free disk space" in caught.value.cure
