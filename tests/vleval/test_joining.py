from __future__ import annotations

import json

import pytest

from vldata.errors import DataError
from vleval import score
from vleval.references import read_references
from vleval.settings import Allow, Reading, Scoring

REFERENCES = [{"id": f"q{n}", "references": [str(n)], "category": "c"} for n in range(4)]


@pytest.fixture
def write(tmp_path):
    def write(name, records):
        path = tmp_path / name
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return path

    return write


def answers(*ids):
    return [{"id": name, "prediction": name.removeprefix("q")} for name in ids]


def exact(predictions, references, allow=None, by_order=False):
    reading = Reading(allow=allow or Allow(), by_order=by_order)
    return score(predictions, references, reading=reading, scoring=Scoring(metrics=("exact_match",), extras=False))


def test_any_order_joins_by_id(write):
    result = exact(write("p.jsonl", answers("q3", "q1", "q0", "q2")), write("r.jsonl", REFERENCES))
    assert (result.metrics["exact_match"].value, [row.id for row in result.rows]) == (1.0, ["q0", "q1", "q2", "q3"])
    assert result.by_category["c"]["exact_match"].n == 4


def test_missing_stops_the_run_or_counts_as_wrong(write):
    predictions, references = write("p.jsonl", answers("q0", "q1", "q2")), write("r.jsonl", REFERENCES)
    with pytest.raises(DataError, match="1 of 4 questions have no prediction: 'q3'") as caught:
        exact(predictions, references)
    assert "--allow-missing" in caught.value.cure
    result = exact(predictions, references, allow=Allow(missing=True))
    found = result.metrics["exact_match"]
    assert (found.value, found.n, found.value_answered, found.n_answered) == (0.75, 4, 1.0, 3)
    assert (result.counts.total, result.counts.scored, result.counts.missing, result.counts.error) == (4, 3, 1, 0)


def test_extra_stops_the_run_or_is_left_out(write):
    predictions, references = write("p.jsonl", answers("q0", "q1", "q2", "q3", "q9")), write("r.jsonl", REFERENCES)
    with pytest.raises(DataError, match="1 of 5 predictions have no reference: 'q9'"):
        exact(predictions, references)
    result = exact(predictions, references, allow=Allow(extra=True))
    assert (result.metrics["exact_match"].n, result.counts.extra) == (4, 1)


def test_duplicates_stop_the_run_or_the_last_is_taken(write):
    again = [*answers("q0", "q1", "q2", "q3"), {"id": "q1", "prediction": "other"}]
    predictions, references = write("p.jsonl", again), write("r.jsonl", REFERENCES)
    with pytest.raises(DataError, match="appear more than once: 'q1'"):
        exact(predictions, references)
    result = exact(predictions, references, allow=Allow(duplicates=True))
    assert (result.metrics["exact_match"].value, result.counts.duplicate) == (0.75, 1)
    assert any("the last of each is taken" in note for note in result.notes)


def test_no_id_in_common_shows_both(write):
    with pytest.raises(DataError, match=r"no id in common: predictions have 'x'.*references have 'q0'"):
        exact(write("p.jsonl", answers("x")), write("r.jsonl", REFERENCES))


def test_bare_ids_meet_those_with_a_source_prefix(write):
    references = [dict(record, id=f"openeqa/{record['id']}") for record in REFERENCES]
    assert exact(write("p.jsonl", answers("q0", "q1", "q2", "q3")), write("r.jsonl", references)).metrics["exact_match"].value == 1.0


@pytest.mark.parametrize("first", [0, 1])
def test_positions_meet_references_without_ids(write, first):
    references = [{"references": record["references"]} for record in REFERENCES]
    predictions = [{"id": number + first, "prediction": str(number)} for number in (2, 0, 3, 1)]
    files = write("p.jsonl", predictions), write("r.jsonl", references)
    with pytest.raises(DataError, match="nothing proves that line 1 answers that reference"):
        exact(*files)
    assert exact(*files, by_order=True).metrics["exact_match"].value == 1.0
    told = [dict(record, question=f"How many in row {record['id']}?") for record in predictions]
    asked = [dict(record, question=f"How many in row {number + first}?") for number, record in enumerate(references)]
    found = exact(write("p.jsonl", told), write("r.jsonl", asked))
    assert (found.metrics["exact_match"].value, found.read.joined[:18]) == (1.0, "by position in " + str(files[1])[:3])


def llamafactory(labels):
    return [{"prompt": "q", "predict": label, "label": label} for label in labels]


def test_without_ids_the_order_is_proved_by_the_labels(write):
    references = write("r.jsonl", REFERENCES)
    result = exact(write("p.jsonl", llamafactory("0123")), references)
    assert [row.id for row in result.rows] == ["q0", "q1", "q2", "q3"]
    assert any("every label agrees" in note for note in result.notes)
    with pytest.raises(DataError, match="line 2 has the label '2', but reference 2 is '1'"):
        exact(write("p.jsonl", llamafactory("0213")), references)


def test_without_ids_a_short_file_is_refused_unless_the_labels_prove_it(write):
    references = write("r.jsonl", REFERENCES)
    short = write("p.jsonl", llamafactory("012"))
    with pytest.raises(DataError, match="3 predictions for 4 references, and no ids to join them by"):
        exact(short, references)
    assert exact(short, references, allow=Allow(missing=True)).counts.missing == 1
    blind = write("b.jsonl", [{"prediction": "0"}, {"prediction": "1"}, {"prediction": "2"}])
    with pytest.raises(DataError, match="no ids to join them by"):
        exact(blind, references, allow=Allow(missing=True))


def test_rows_without_references_are_named(write):
    with pytest.raises(DataError, match=r"2 of 2 rows have no references: 'q0', 'q1'\."):
        exact(write("p.jsonl", answers("q0", "q1")), None)


def test_other_references_in_the_predictions_are_told(write):
    predictions = [
        dict(answer, references=["z"] if number == 2 else [str(number)]) for number, answer in enumerate(answers("q0", "q1", "q2", "q3"))
    ]
    result = exact(write("p.jsonl", predictions), write("r.jsonl", REFERENCES))
    assert result.metrics["exact_match"].value == 1.0
    assert any(note.startswith("1 predictions carry other references than ") for note in result.notes)


def test_two_references_with_one_id_are_refused(write):
    with pytest.raises(DataError, match="two entries have the id 'q1'"):
        read_references(write("r.jsonl", [*REFERENCES, REFERENCES[1]]))


def test_a_dataset_of_vldata(tmp_path):
    from vldata.records.record import Message, Record, encode_record

    record = Record(
        id="d/1",
        messages=(Message("user", "<image>Which colour?"), Message("assistant", "red")),
        images=("images/ab/ab.png",),
        references=("red", "dark red"),
        meta={"task": "vqa", "category": "colour", "scene": "s1", "kind": ""},
    )
    (tmp_path / "d.jsonl").write_bytes(encode_record(record) + b"\n")
    (tmp_path / "d").mkdir()
    for spec in (tmp_path / "d", tmp_path / "d.jsonl"):
        found = read_references(spec)
        row = found.rows[0]
        assert (row.id, row.references, row.question, row.category, row.task) == (
            "d/1",
            ("red", "dark red"),
            "Which colour?",
            "colour",
            "vqa",
        )
        assert row.groups == {"scene": "s1", "image": "images/ab/ab.png"}
        assert found.root == tmp_path


def test_chartqa_and_openeqa_files_are_references(tmp_path):
    (tmp_path / "test_human.json").write_text(json.dumps([{"imgname": "a.png", "query": "How many?", "label": "3"}]))
    row = read_references(tmp_path / "test_human.json").rows[0]
    assert (row.references, row.question, row.kind, row.groups) == (("3",), "How many?", "human", {"image": "a.png"})
    (tmp_path / "open-eqa.json").write_text(
        json.dumps(
            [{"question_id": "u", "question": "?", "answer": "a", "extra_answers": ["b"], "episode_history": "hm3d-v0/000-hm3d-XYZ"}]
        )
    )
    row = read_references(tmp_path / "open-eqa.json").rows[0]
    assert (row.id, row.references, row.groups["scene"]) == ("u", ("a", "b"), "XYZ")


@pytest.mark.parametrize(
    "record",
    [
        {"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "a"}], "images": ["x.png"]},
        {"messages": [{"role": "user", "content": []}, {"role": "assistant", "content": [{"type": "text", "value": "a"}]}]},
        {"conversations": [{"from": "human", "value": "?"}, {"from": "gpt", "value": "a"}]},
        {"instruction": "?", "input": "", "output": "a"},
    ],
)
def test_a_training_file_is_a_list_of_references(tmp_path, record):
    path = tmp_path / "data.json"
    path.write_text(json.dumps([record]))
    assert read_references(path).rows[0].references == ("a",)
