"""Which fields are read, how files meet, and what stops a run: kinds of files that once gave a number nobody could trust."""

from __future__ import annotations

import json

import pytest

from vldata.errors import DataError
from vleval import compare, score
from vleval.settings import FieldNames, Reading, Scoring

EXACT = Scoring(metrics=("exact_match",), extras=False)


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif name.endswith(".jsonl"):
            path.write_text("".join(json.dumps(record) + "\n" for record in content))
        else:
            path.write_text(json.dumps(content))
        return path

    return write


def value(path, references=None, **reading):
    return score(path, references, reading=Reading(**reading), scoring=EXACT).metrics["exact_match"].value


NAMES = ("model_answer", "model_response", "generated", "generated_text", "generation", "completion", "predicted_answer", "pred_answer")
NAMES += (
    "hypothesis",
    "outputs",
    "predictions",
    "responses",
    "modelAnswer",
    "llm_answer",
    "Prediction",
    "parsed_pred",
    "decoded",
    "模型回答",
)


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_lies_in_any_field_that_answers_go_by(write, name):
    records = [{"id": str(n), name: f"wrong {n}", "answer": f"right {n}"} for n in range(4)]
    result = score(write("p.jsonl", records), scoring=EXACT)
    assert (result.read.id, result.read.prediction, result.read.reference, result.read.guesses) == ("id", name, "answer", ())
    assert result.metrics["exact_match"].value == 0.0
    assert f"prediction '{name}', reference 'answer'" in result.notes[1]
    gold = write("gold.jsonl", [{"id": str(n), "answer": f"right {n}"} for n in range(4)])
    assert value(write("p.jsonl", records), gold) == 0.0


def test_the_truth_is_never_taken_for_the_answer(write):
    records = [{"id": str(n), "question": "q", "answer": f"right {n}"} for n in range(4)]
    gold, merged = write("gold.jsonl", records), write("m.jsonl", [dict(record, qwen=f"wrong {n}") for n, record in enumerate(records)])
    with pytest.raises(DataError, match="which field holds the model's answers is not clear: it could be 'qwen' or 'answer'"):
        score(merged, gold, scoring=EXACT)
    assert value(merged, gold, fields=FieldNames(prediction="qwen")) == 0.0
    with pytest.raises(DataError, match="4 of 4 answers, read from 'answer', are the reference letter for letter"):
        score(gold, gold, scoring=EXACT)
    assert value(gold, gold, fields=FieldNames(prediction="answer")) == 1.0


def test_two_fields_called_answer_are_not_told_apart_by_case(write):
    records = [{"id": str(n), "Answer": f"wrong {n}", "answer": f"right {n}"} for n in range(4)]
    with pytest.raises(DataError, match="'Answer' or 'answer'"):
        score(write("p.jsonl", records), scoring=EXACT)
    assert value(write("p.jsonl", records), fields=FieldNames(prediction="Answer", reference="answer")) == 0.0


def test_of_several_fields_one_is_read_and_the_others_are_named(write):
    records = [{"id": n, "prediction": "B", "response": "It is B.", "label": "B", "answer": "dog"} for n in range(2)]
    result = score(write("p.jsonl", records), scoring=EXACT)
    assert [guess.split(";")[0] for guess in result.read.guesses] == [
        "The prediction is read from 'prediction'",
        "The reference is read from 'label'",
    ]
    with pytest.raises(DataError, match="'response' could be it too"):
        score(write("p.jsonl", records), reading=Reading(strict=True), scoring=EXACT)


def test_a_path_names_any_field(write):
    records = [{"meta": {"key": f"k{n}"}, "out": [{"text": "a"}], "truth": {"all": ["a", "b"]}} for n in range(3)]
    names = FieldNames(id="meta.key", prediction="out[0].text", reference="truth.all")
    result = score(write("p.jsonl", records), reading=Reading(fields=names), scoring=EXACT)
    assert (result.rows[2].id, result.rows[2].prediction, result.rows[2].references) == ("k2", "a", ("a", "b"))
    with pytest.raises(DataError, match=r"p.jsonl:1: no field 'truth.al': 'al' is not there \(fields: 'all'\)"):
        score(write("p.jsonl", records), reading=Reading(fields=FieldNames(prediction="truth.al")), scoring=EXACT)


IDS = ("ID", "questionId", "question_ID", "pid", "sample_id", "image_id", "uuid", "data_id", "key", "line_idx", "ucsf_document_page")


@pytest.mark.parametrize("name", IDS)
def test_a_unique_field_that_both_sides_share_is_the_id(write, name):
    answers = write("p.json", [{name: n, "answer": f"A{n}".lower()} for n in (2, 0, 1)])
    references = write("r.json", [{name: n, "answers": [f"A{n}"]} for n in range(3)])
    result = score(answers, references, scoring=EXACT)
    assert (result.metrics["exact_match"].value, result.read.joined) == (1.0, f"by {name!r}")


def test_rows_join_in_order_only_where_it_is_proven_or_asked_for(write):
    answers = write("p.jsonl", [{"response": text} for text in "ab"])
    references = write("r.jsonl", [{"label": text} for text in "ab"])
    with pytest.raises(DataError, match="nothing proves that line 1 answers that reference") as caught:
        score(answers, references, scoring=EXACT)
    assert "--by-order" in caught.value.cure
    assert value(answers, references, by_order=True) == 1.0
    asked = write("q.jsonl", [{"response": text, "question": f"Which letter is number {n}?"} for n, text in enumerate("ab")])
    told = write("t.jsonl", [{"label": text, "question": f"<image>Which letter is number {n}?"} for n, text in enumerate("ab")])
    assert value(asked, told) == 1.0


def test_answers_of_another_question_set_are_refused(write):
    answers = write("p.jsonl", [{"id": n, "prediction": "x", "question": f"What stands at place {n} of the shelf?"} for n in range(5)])
    references = write("r.jsonl", [{"id": n, "answer": "x", "question": f"How many birds fly over hill {n}?"} for n in range(5)])
    with pytest.raises(DataError, match="are of another set of questions: they join by 'id', but 5 of 5 questions differ"):
        score(answers, references, scoring=EXACT)


QUESTIONS = [f"How many boats lie in harbour {n}?" for n in range(6)]


def _llamafactory(write):
    prompt = "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>{}<|im_end|>\n<|im_start|>assistant\n"
    return write("lf.jsonl", [{"prompt": prompt.format(q), "predict": str(n), "label": str(n)} for n, q in enumerate(QUESTIONS)])


def _vlmevalkit(write, order=range(6)):
    return write("v.json", [{"index": n, "question": QUESTIONS[n], "answer": str(n), "prediction": "9"} for n in order])


def test_two_tools_files_of_one_question_set_compare(write):
    compared = compare([_llamafactory(write), _vlmevalkit(write, (3, 1, 0, 5, 4, 2))], scoring=EXACT)
    assert [result.metrics["exact_match"].value for result in compared.results] == [1.0, 0.0]
    assert any("are joined by the question" in note for note in compared.results[1].notes)
    dataset = write(
        "d.jsonl", [{"id": f"boats/{q[-2]}", "question": f"{q}\nAnswer with a number.", "references": [q[-2]]} for q in QUESTIONS]
    )
    compared = compare([_llamafactory(write), _vlmevalkit(write, (5, 4, 3, 2, 1, 0))], dataset, scoring=EXACT)
    assert [result.metrics["exact_match"].value for result in compared.results] == [1.0, 0.0]


def test_files_that_nothing_joins_ask_for_it(write):
    one = write("a.jsonl", [{"prediction": "x", "answer": "x"}, {"prediction": "y", "answer": "x"}])
    other = write("b.jsonl", [{"id": "p", "prediction": "x", "answer": "z"}, {"id": "q", "prediction": "y", "answer": "x"}])
    with pytest.raises(DataError, match="row 1 is of another question in each"):
        compare([one, other], scoring=EXACT)


def test_ids_that_fit_rows_of_other_questions_give_way_to_the_questions(write):
    asked = [f"How many birds are in picture number {n}?" for n in range(4)]
    answers = write("p.jsonl", [{"index": k, "question": asked[n], "pred": str(n)} for k, n in enumerate((3, 1, 0, 2))])
    references = write("r.jsonl", [{"index": n, "question": question, "gt": str(n)} for n, question in enumerate(asked)])
    result = score(answers, references, scoring=EXACT)
    assert (result.metrics["exact_match"].value, result.read.joined) == (1.0, "by 'question'")


def test_a_question_that_all_rows_ask_proves_no_order(write):
    answers = write("p.jsonl", [{"question": "Is there a dog?", "pred": text} for text in ("yes", "no")])
    references = write("r.jsonl", [{"question": "Is there a dog?", "gt": text} for text in ("yes", "no")])
    with pytest.raises(DataError, match="nothing proves that line 1"):
        score(answers, references, scoring=EXACT)
    lines = write("lf.jsonl", [{"prompt": "Is there a dog?", "predict": "yes", "label": text} for text in ("yes", "no") * 2])
    for order, fits in ((("Yes", "No") * 2, True), (("No", "Yes") * 2, False)):
        other = write("v.json", [{"index": n, "question": "Is there a dog?", "answer": a, "prediction": "no"} for n, a in enumerate(order)])
        if fits:
            assert [r.metrics["exact_match"].value for r in compare([lines, other], scoring=EXACT).results] == [0.5, 0.5]
            continue
        with pytest.raises(DataError, match="row 1 is of another question in each"):
            compare([lines, other], scoring=EXACT)


def test_a_training_file_is_no_file_of_answers(write):
    path = write("train.jsonl", [{"instruction": f"q{n}?", "input": "", "output": f"a{n}"} for n in range(12)])
    with pytest.raises(DataError, match="12 of 12 answers, read from 'output', are the reference letter for letter"):
        score(path, path, scoring=EXACT)
    flags = write("f.jsonl", [{"id": n, "answer": "x", "result": "correct", "mine": f"y{n}"} for n in range(4)])
    with pytest.raises(DataError, match="it could be 'mine' or 'answer'"):
        score(flags, scoring=EXACT)


def test_a_table_that_made_numbers_of_ids_still_joins(write):
    answers = write("p.csv", b"id,prediction\n1.0,b\n0.0,a\n")
    assert value(answers, write("r.jsonl", [{"id": n, "answer": "ab"[n]} for n in range(2)])) == 1.0


def test_nothing_answered_or_nothing_to_judge_by_gives_no_number(write):
    failed = [{"id": n, "prediction": None, "error": f"HTTP 500: {n}", "references": ["a"]} for n in range(3)]
    with pytest.raises(
        DataError, match="all 3 rows failed, so there is nothing to score. The first error: HTTP 500: 0".replace(".", "[.]")
    ):
        score(write("p.jsonl", failed), scoring=EXACT)
    for bare in ("", "None", "nan", "N/A", "-"):
        with pytest.raises(DataError, match="the references of all 2 rows are"):
            score(write("p.jsonl", [{"id": n, "prediction": "cat", "references": [bare]} for n in range(2)]), scoring=EXACT)
    some = score(write("p.jsonl", [{"id": n, "prediction": "cat", "references": ["nan" if n else "cat"]} for n in range(2)]), scoring=EXACT)
    assert (some.metrics["exact_match"].value, any(note.startswith("1 of 2 rows have references") for note in some.notes)) == (0.5, True)


def test_messages_of_errors_and_empty_cells_in_the_place_of_answers_are_told(write):
    def rows(*texts, reference="a cat"):
        return write("p.jsonl", [{"id": n, "prediction": text, "references": [reference]} for n, text in enumerate(texts)])

    for text in (
        "ERROR: CUDA out of memory",
        "[ERROR] timeout",
        "Request failed: 429",
        "Error code: 429 - {'error': ..}",
        "RuntimeError: x",
    ):
        with pytest.raises(DataError, match="begin as an error message does"):
            score(rows(text, text), scoring=EXACT)
        note = score(rows(text, "a cat", "Errors are red"), scoring=EXACT).notes
        assert any("1 of 3 answers begin as an error message does" in line for line in note)
    with pytest.raises(DataError, match="are what a missing cell becomes, as 'nan'"):
        score(rows("nan", "None"), scoring=EXACT)
    assert any("1 of 2 answers are what a missing cell becomes" in line for line in score(rows("nan", "a cat"), scoring=EXACT).notes)
    assert score(rows("Error: no paper", reference="Error: no paper"), scoring=EXACT).metrics["exact_match"].value == 1.0


def test_one_row_has_no_interval_and_says_so(write, vleval):
    path = write("p.jsonl", [{"id": 1, "prediction": "cat", "references": ["cat"]}])
    out = vleval("score", path, "--metric", "bleu-4", "--profile", "llamafactory").out
    assert "note: One row allows no interval." in out and "(no interval)" in out


def test_a_number_below_its_floor_says_so_beside_itself(write, vleval):
    path = write("p.jsonl", [{"id": n, "prediction": "cat", "references": ["dog" if n else "cat"]} for n in range(4)])
    assert ", BELOW ITS FLOOR 0.7500, TOO FEW ROWS |" in vleval("score", path, "--metric", "exact_match").out.splitlines()[0]


LAYOUTS = {
    "by number": {"0": {"prediction": "a", "gold": "a"}, "1": {"prediction": "b", "gold": "c"}},
    "by id": {"x1": {"response": "a", "answer": "a"}, "x2": {"response": "b", "answer": "c"}},
    "an envelope": {"dataset_name": "d", "data": [{"id": 1, "response": "a", "answer": "a"}, {"id": 2, "response": "b", "answer": "c"}]},
    "columns": {"id": {"0": 1, "1": 2}, "response": {"0": "a", "1": "b"}, "answer": {"0": "a", "1": "c"}},
    "split": {"columns": ["id", "response", "answer"], "index": [0, 1], "data": [[1, "a", "a"], [2, "b", "c"]]},
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_records_lie_in_many_ways(write, name):
    assert value(write("p.json", LAYOUTS[name])) == 0.5
    assert value(write("p.json", json.dumps(LAYOUTS[name], indent=2).encode())) == 0.5


def test_answers_by_id_meet_references_by_id(write):
    answers, references = (
        write("p.json", {"v_1": "B", "v_2": "24"}),
        write("r.json", {"v_1": {"ground_truth": "B"}, "v_2": {"ground_truth": "2"}}),
    )
    assert value(answers, references) == 0.5


TABLES = {
    "semicolons": b"id;prediction;answer\n1;a;a\n",
    "utf-16": "id\tprediction\tanswer\n1\t猫\t猫\n".encode("utf-16"),
    "gbk": "id,prediction,answer\n1,一只黑色的猫,一只黑色的猫\n".encode("gbk"),
    "chinese header": "编号,模型回答,标准答案\n1,猫,猫\n".encode(),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_read_as_excel_writes_them(write, name):
    result = score(write("p.csv", TABLES[name]), scoring=EXACT)
    assert result.metrics["exact_match"].value == 1.0
    assert bool(result.read.guesses) == (name == "gbk")
    assert any("UTF-16" in note for note in result.notes) == (name == "utf-16")


def test_a_few_bytes_that_two_encodings_read_are_a_guess(write):
    cells = (("猫", "gbk"), ("è", "utf-8"), ("café", "utf-8"), ("25°", "utf-8"), ("猫", "utf-8"))
    for said, (cell, encoding) in zip((True, True, False, False, False), cells, strict=True):
        result = score(write("p.csv", f"id,prediction,answer\n1,{cell},x\n".encode(encoding)), scoring=EXACT)
        assert any("read as UTF-8" in guess for guess in result.read.guesses) == said, cell


def test_what_is_no_table_of_ours_is_refused_by_name(write):
    for content, fault in (
        (b"\x80\x04\x95", "is a pickle"),
        (b"PAR1xxxx", "is a parquet file"),
        ("id,answer\n1,caf\xe9\n".encode("cp1252"), "not UTF-8"),
    ):
        with pytest.raises(DataError, match=fault):
            score(write("p.csv", content), scoring=EXACT)


def test_a_missing_cell_of_a_json_list_is_none(write):
    content = b'[{"index": 1, "question": "NaN, or not?", "A": "x", "B": "y", "C": NaN, "answer": "B", "prediction": "B"}]'
    (row,) = score(write("m.json", content), scoring=EXACT).rows
    assert (row.question, row.choices) == ("NaN, or not?", ("x", "y"))


def test_a_list_that_is_one_answer_stays_one(write):
    lines = [("[2014, 2016]", "2014"), ('["red", "green"]', "red"), ("['a', 'b']", "b"), ("[Yes, No]", "Yes")]
    samples = [{"doc_id": n, "target": target, "filtered_resps": answer} for n, (target, answer) in enumerate(lines)]
    result = score(write("s.jsonl", samples), scoring=EXACT)
    assert [record["exact_match"] for record in result.per_record()] == [0.0, 0.0, 1.0, 0.0]
    table = write("v.json", [{"index": 1, "question": "q", "answer": "[2014, 2016]", "prediction": "2014"}])
    by_profile = [
        score(table, scoring=Scoring(profile=name, metrics=("relaxed_accuracy",), extras=False)) for name in ("vlkit", "vlmevalkit")
    ]
    assert [result.metrics["relaxed_accuracy"].value for result in by_profile] == [0.0, 1.0]


def test_thoughts_leave_both_sides_in_vlkit_and_are_told_elsewhere(write):
    thought = b"<think>\\n\\n</think>\\n\\n".decode("unicode_escape")
    lines = [{"prompt": "q", "predict": f"{thought}answer {n}", "label": f"{thought}answer {n}"} for n in range(3)]
    both = write("lf.jsonl", lines)
    assert value(both) == 1.0
    bare = write("bare.jsonl", [dict(line, predict=line["predict"].removeprefix(thought)) for line in lines])
    raw = [score(path, scoring=Scoring(profile="llamafactory", extras=False)) for path in (both, bare)]
    assert all(
        any(note.startswith("3 of 3 references hold a thought, and profile 'llamafactory'") for note in result.notes) for result in raw
    )
    cut = score(
        write("cut.jsonl", [{"id": 1, "prediction": "<think>no end", "answer": "a"}, {"id": 2, "prediction": "a", "answer": "a"}]),
        scoring=EXACT,
    )
    assert "1 of 2 answers end within the thought: they count as empty." in cut.notes


def test_batches_of_the_responses_api(write):
    message = {"type": "message", "content": [{"type": "output_text", "text": "c"}, {"type": "output_text", "text": "at"}]}
    bodies = [
        {"status": "completed", "output": [{"type": "reasoning", "summary": []}, message]},
        {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": [{"type": "reasoning"}]},
        {"status": "completed", "output": [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}]},
    ]
    lines = [{"custom_id": f"q{n}", "response": {"status_code": 200, "body": body}, "error": None} for n, body in enumerate(bodies)]
    result = score(write("b.jsonl", lines), write("r.jsonl", [{"id": f"q{n}", "answer": "cat"} for n in range(3)]), scoring=EXACT)
    assert [row.prediction for row in result.rows] == ["cat", None, "No."]
    assert (result.rows[1].error, result.counts.refused) == ("a response without a message (max_output_tokens)", 1)


def test_a_workbook_is_read_as_it_is_shown_and_its_other_sheets_are_named(tmp_path):
    import datetime

    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    cells = ((0.45, "45%"), (datetime.date(2021, 3, 4), "2021-03-04"), (1000000.0, "1000000"), (0.125, "12.5%"))
    sheet.append(["index", "question", "answer", "prediction"])
    for number, (truth, text) in enumerate(cells):
        sheet.append([number, f"q{number}", truth, text])
    sheet["C2"].number_format, sheet["C5"].number_format = "0%", "0.0%"
    book.create_sheet("empty")
    book.create_sheet("second run").append(["index", "prediction"])
    book.save(tmp_path / "x.xlsx")
    result = score(tmp_path / "x.xlsx", scoring=EXACT)
    assert result.metrics["exact_match"].value == 1.0
    with pytest.raises(DataError, match="the sheet 'Sheet' is read; 'second run' of the same workbook is not"):
        score(tmp_path / "x.xlsx", reading=Reading(strict=True), scoring=EXACT)


def test_what_a_program_did_to_the_texts_is_told(write):
    spoilt = {"a &amp; b": "a & b", "c\\u00e9": "cé", "Ã©tÃ©": "été", '["a", "b"]': "a"}
    records = [{"id": n, "prediction": text, "references": [truth]} for n, (text, truth) in enumerate(spoilt.items())]
    notes = score(write("p.jsonl", records), scoring=EXACT).metrics["exact_match"].notes
    assert [note.split(" once ")[1][:12] for note in notes if " once " in note] == ["entities of ", "UTF-8 that w", "escapes like"]
    lists = [{"id": n, "prediction": "a", "answers": '["a", "b"]'} for n in range(2)]
    assert any("2 of 2 references are a list written as text" in note for note in score(write("p.jsonl", lists), scoring=EXACT).notes)


FRAMES = (
    "<answer>cat</answer>",
    "<think>x</think>\n<answer> cat </answer>",
    "cat<|im_end|>\n",
    "cat</s>",
    "<|begin_of_box|>cat<|end_of_box|>",
)
FRAMES += ("<cot>x</cot>cat", "<rationale>x</rationale>cat", "<|think_start|>x<|think_end|>cat", "<answer>cat</answer><|endoftext|>")


@pytest.mark.parametrize("text", FRAMES)
def test_frames_and_tokens_of_the_end_are_no_part_of_an_answer_in_vlkit(write, text):
    for answer, truth in ((text, "cat"), ("cat", text)):
        assert value(write("p.jsonl", [{"id": "1", "prediction": answer, "references": [truth]}])) == 1.0
    assert value(write("p.jsonl", [{"id": "1", "prediction": "a <answer> b", "references": ["a <answer> b"]}])) == 1.0


def test_a_token_of_the_end_on_one_side_is_told_where_the_text_is_scored_as_it_is(write):
    records = [{"prompt": "p", "predict": f"cat{n}", "label": f"cat{n}<|im_end|>\n"} for n in range(3)]
    notes = score(write("g.jsonl", records), scoring=Scoring(profile="llamafactory", extras=False)).notes
    assert any("in 3 of 3 rows either the answer or the reference ends in a token like <|im_end|>" in note for note in notes)


def test_references_of_several_parts_and_whole_numbers_with_a_point_are_told(write):
    records = [{"id": n, "prediction": "cat", "references": [f"cat{mark}kitty"]} for n, mark in enumerate(("||", ";", " / ", "\n"))]
    notes = score(write("p.jsonl", records), scoring=EXACT).metrics["exact_match"].notes
    assert any(note.startswith("4 of 4 wrong answers are one part of a reference") for note in notes)
    numbers = write("p.csv", b"id,prediction,answer\n1,5.0,5\n2,7.0,7\n")
    assert any(
        "2 of 2 wrong answers are the reference once .0 is off" in note
        for note in score(numbers, scoring=EXACT).metrics["exact_match"].notes
    )
