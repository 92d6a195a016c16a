"""Optional parts of records from every form people write them in: pairs, wanted answers, solutions, thoughts, `loss`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from tests.effort import examples
from vldata.conversion import convert
from vldata.datasets.dataset import Dataset
from vldata.errors import UsageError
from vldata.output.join import Joined, join
from vldata.output.options import ConvertOptions
from vldata.records.draft import Draft, Reject
from vldata.records.parts import parts_of
from vldata.records.record import Record
from vldata.records.tool_calls import BETWEEN_ANSWERS
from vldata.sources import jsonl
from vldata.sources.census import MEANING
from vldata.sources.dialects.notes import LEARNED_KEYS, MASKED_KEYS, THOUGHT_KEYS
from vldata.sources.sharegpt import open_source
from vldata.validation import validate

USER, GOOD, BAD = ({"role": role, "content": text} for role, text in (("user", "What?"), ("assistant", "A cat."), ("assistant", "A dog.")))
HUMAN, GPT, WRONG = ({"from": who, "value": text} for who, text in (("human", "What?"), ("gpt", "A cat."), ("gpt", "A dog.")))


def parts(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text}]


def read(tmp_path: Path, *rows: Any, file: str = "rows.jsonl", **options: Any) -> list[Record | Reject]:
    """Read rows of text into records, or their rejects."""
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (source,) = open_source(tmp_path / file, **options)
    found: list[Record | Reject] = []
    for draft in source.drafts():
        made = join(draft, {}, repair=False, traits=source.traits) if isinstance(draft, Draft) else draft
        found.append(made.record if isinstance(made, Joined) else made)
    return found


PAIRS: dict[str, Any] = {
    "llamafactory sharegpt": {"conversations": [HUMAN], "chosen": GPT, "rejected": WRONG},
    "llamafactory alpaca": {"instruction": "What?", "input": "", "chosen": "A cat.", "rejected": "A dog."},
    "trl plain": {"prompt": "What?", "chosen": "A cat.", "rejected": "A dog."},
    "trl conversational": {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]},
    "trl with parts": {
        "prompt": [{"role": "user", "content": parts("What?")}],
        "chosen": [{"role": "assistant", "content": parts("A cat.")}],
        "rejected": [{"role": "assistant", "content": parts("A dog.")}],
    },
    "trl with the prompt inside": {"chosen": [USER, GOOD], "rejected": [USER, BAD]},
    "ultrafeedback": {"prompt": "What?", "chosen": [USER, GOOD], "rejected": [USER, BAD], "messages": [USER, GOOD]},
    "rlaif": {"question": "What?", "chosen": "A cat.", "rejected": "A dog."},
    "swift": {"messages": [USER, GOOD], "rejected_response": "A dog."},
    "swift turns": {"messages": [USER, GOOD], "rejected_response": [BAD]},
    "swift messages": {"messages": [USER, GOOD], "rejected_messages": [USER, BAD]},
    "swift query": {"query": "What?", "response": "A cat.", "rejected_response": "A dog."},
    "swift conversation": {"conversation": [{"human": "What?", "assistant": "A cat."}], "rejected_response": "A dog."},
    "one in a list": {"messages": [USER, GOOD], "rejected_response": ["A dog."]},
}


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_of_every_form_are_one_record(name: str, tmp_path: Path) -> None:
    (record,) = read(tmp_path, PAIRS[name])
    assert isinstance(record, Record), record
    assert [(m.role, m.content) for m in record.messages] == [("user", "What?"), ("assistant", "A cat.")]
    assert record.rejected is not UNSET and (record.rejected.role, record.rejected.content) == ("assistant", "A dog.")
    assert record.references == ("A cat.",) and parts_of(record) == ("rejected",)


KTO: dict[str, Any] = {
    "swift": {"messages": [USER, GOOD], "label": False},
    "llamafactory": {"conversations": [HUMAN, GPT], "kto_tag": False},
    "alpaca": {"instruction": "What?", "output": "A cat.", "kto_tag": False},
    "trl": {"prompt": "What?", "completion": "A cat.", "label": False},
    "trl conversational": {"prompt": [USER], "completion": [GOOD], "label": False},
}


@pytest.mark.parametrize("name", KTO)
def test_an_unwanted_answer_is_no_reference(name: str, tmp_path: Path) -> None:
    key = "label" if "label" in KTO[name] else "kto_tag"
    bad, good = read(tmp_path, KTO[name], {**KTO[name], key: True})
    assert isinstance(bad, Record) and isinstance(good, Record)
    assert (bad.wanted, bad.references, good.wanted, good.references) == (False, (), True, ("A cat.",))
    assert bad.messages == good.messages and bad.messages[-1].content == "A cat."


PROMPTS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "swift": ({"messages": [USER], "solution": "7"}, ("7",)),
    "trl": ({"prompt": "What?", "solution": "<answer> 7 </answer>"}, ("7",)),
    "trl conversational": ({"prompt": [USER], "solution": "So \\boxed{\\frac{1}{2}}."}, ("\\frac{1}{2}",)),
    "r1": ({"problem": "What?", "solution": "1 + 6 = 7\n#### 7"}, ("7",)),
    "r1 with the answer": ({"problem": "What?", "solution": "as one sees", "answer": "7"}, ("7",)),
    "a number": ({"question": "What?", "solution": 7}, ("7",)),
    "parts": ({"prompt": parts("What?"), "solution": "7"}, ("7",)),
    "verl": ({"prompt": [USER], "reward_model": {"style": "rule", "ground_truth": "7"}, "data_source": "x"}, ("7",)),
}


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_with_a_solution_has_no_answer_to_learn(name: str, tmp_path: Path) -> None:
    row, references = PROMPTS[name]
    (record,) = read(tmp_path, row)
    assert isinstance(record, Record), record
    assert [(m.role, m.content) for m in record.messages] == [("user", "What?")] and record.references == references
    told = row["reward_model"]["ground_truth"] if "reward_model" in row else row["solution"]
    assert record.solution == str(told) and record.meta["task"] == "solution"


THOUGHTS: dict[str, Any] = {
    "text": {"role": "assistant", "content": "<think>\nI see fur.\n</think>\n\nA cat."},
    "text of another tag": {"role": "assistant", "content": "<thinking>I see fur.</thinking>A cat."},
    "opened by the prompt": {"role": "assistant", "content": "I see fur.\n</think>\nA cat."},
    "magistral": {"role": "assistant", "content": "[THINK]I see fur.[/THINK]A cat."},
    "vllm": {"role": "assistant", "content": "A cat.", "reasoning_content": "I see fur."},
    "openrouter": {"role": "assistant", "content": "A cat.", "reasoning": "I see fur."},
    "ollama": {"role": "assistant", "content": "A cat.", "thinking": "I see fur."},
    "both alike": {"role": "assistant", "content": "<think>I see fur.</think>A cat.", "reasoning_content": "I see fur."},
    "anthropic": {"role": "assistant", "content": [{"type": "thinking", "thinking": "I see fur."}, {"type": "text", "text": "A cat."}]},
}


@pytest.mark.parametrize("name", THOUGHTS)
def test_thoughts_of_every_spelling_stand_apart(name: str, tmp_path: Path) -> None:
    (record,) = read(tmp_path, {"messages": [USER, THOUGHTS[name]]})
    assert isinstance(record, Record), record
    assert (record.messages[1].content, record.messages[1].thought, record.references) == ("A cat.", "I see fur.", ("A cat.",))
    for option, part in (("drop", UNSET), ("empty", "")):
        (record,) = read(tmp_path, {"messages": [USER, THOUGHTS[name]]}, thinking=option)
        assert isinstance(record, Record) and (record.messages[1].content, record.messages[1].reasoning) == ("A cat.", part)


def test_thoughts_that_are_not_one_in_front_stay_in_the_text(tmp_path: Path) -> None:
    texts = ["A <think>b</think> c", "<think>a</think>b<think>c</think>d", "<think>never closed"]
    for record, text in zip(
        read(tmp_path, *({"messages": [USER, {"role": "assistant", "content": text}]} for text in texts)), texts, strict=True
    ):
        assert isinstance(record, Record) and record.messages[1].content == text


def test_a_thought_of_each_kind_of_answer(tmp_path: Path) -> None:
    thought = "<think>Hm.</think>"
    (pair,) = read(tmp_path, {"messages": [USER, GOOD], "rejected_response": f"{thought}A dog."})
    assert isinstance(pair, Record) and pair.rejected is not UNSET and (pair.rejected.content, pair.rejected.thought) == ("A dog.", "Hm.")
    (row,) = read(tmp_path, {"instruction": "What?", "output": "A cat.", "reasoning": "Hm."})
    assert isinstance(row, Record) and row.messages[1].thought == "Hm."


LOSSES: list[tuple[dict[str, Any], bool]] = [
    ({"loss": False}, False),
    ({"loss": True}, True),
    ({"train": False}, False),
    ({"weight": 0}, False),
    ({"weight": 1.0}, True),
    ({"loss_scale": 0.0}, False),
    ({"masked": True}, False),
    ({"training": False, "weight": 0}, False),
]


@pytest.mark.parametrize(("keys", "learned"), LOSSES, ids=[json.dumps(keys) for keys, _ in LOSSES])
def test_turns_that_are_not_learned_are_told_from_those_that_are(keys: dict[str, Any], learned: bool, tmp_path: Path) -> None:
    (record,) = read(tmp_path, {"messages": [USER, GOOD | keys, USER, GOOD]})
    assert isinstance(record, Record)
    assert [message.learned for message in record.messages] == [False, learned, False, True]
    assert parts_of(record) == (() if learned else ("loss",))


FAULTS: list[tuple[Any, str, str]] = [
    ({"messages": [USER, GOOD | {"weight": 0.5}]}, "VL215", "weighs none"),
    ({"messages": [USER | {"train": True}, GOOD]}, "VL215", "a turn of user is to be learned"),
    ({"messages": [USER, GOOD | {"train": True, "weight": 0}]}, "VL216", "they differ"),
    ({"messages": [USER, GOOD | {"loss": False}]}, "VL014", "nothing of it is learned"),
    ({"messages": [USER, GOOD], "rejected_response": "A cat."}, "VL016", "is the chosen one"),
    ({"messages": [USER], "rejected_response": "A dog."}, "VL219", "none that is preferred"),
    ({"messages": [USER, GOOD], "rejected_response": ["A dog.", "A cow."]}, "VL219", "2 rejected answers"),
    ({"chosen": [USER, GOOD, USER, GOOD], "rejected": [USER, BAD, USER, BAD]}, "VL219", "part before their last answer"),
    ({"prompt": "Else?", "chosen": [USER, GOOD], "rejected": [USER, BAD]}, "VL216", "the prompt is not how"),
    ({"messages": [USER, BAD], "chosen": "A cat.", "rejected": "A dog."}, "VL216", "differ"),
    ({"messages": [USER, GOOD], "rejected": "A dog.", "rejected_response": "A cow."}, "VL216", "which is meant?"),
    ({"messages": [USER, THOUGHTS["vllm"] | {"content": "<think>Else.</think>A cat."}]}, "VL216", "a thought in its text and another"),
    ({"messages": [USER | {"reasoning_content": "x"}, GOOD]}, "VL215", "reasoning_content"),
    ({"messages": [USER, GOOD], "solution": "7"}, "VL215", "solution"),
    ({"messages": [USER, GOOD], "label": 0}, "VL215", "label"),
    (
        {"messages": [USER, GOOD | {"content": "<think>x <image></think>A."}]},
        "VL008",
        "the thought of messages[1] (assistant) holds '<image>'",
    ),
]


@pytest.mark.parametrize(("row", "code", "reason"), FAULTS, ids=[reason for *_, reason in FAULTS])
def test_what_no_record_can_hold_is_refused_by_name(row: Any, code: str, reason: str, tmp_path: Path) -> None:
    (reject,) = read(tmp_path, row)
    assert isinstance(reject, Reject) and reject.code == code and reason in reject.reason, reject


def test_rows_without_the_part_of_the_others_are_named(tmp_path: Path) -> None:
    _, reject = read(tmp_path, PAIRS["swift"], {"messages": [USER, GOOD]})
    assert isinstance(reject, Reject) and "the row has no 'rejected', and other rows of the file have" in reject.reason
    with pytest.raises(UsageError, match=r"1 rows? for DPO .* and 1 rows? for KTO") as caught:
        read(tmp_path, PAIRS["swift"], KTO["swift"])
    assert "--ignore rejected or --ignore label" in str(caught.value)
    first, second = read(tmp_path, PAIRS["swift"], KTO["swift"], ignore=("label", "rejected_response"))
    assert isinstance(first, Record) and isinstance(second, Record) and parts_of(first) == parts_of(second) == ()


def test_a_few_rows_with_a_part_do_not_cost_the_many_without(tmp_path: Path) -> None:
    plain = {"messages": [USER, GOOD]}
    *kept, reject = read(tmp_path, plain, plain, plain, PAIRS["swift"])
    assert all(isinstance(record, Record) and parts_of(record) == () for record in kept)
    assert isinstance(reject, Reject) and "a rejected answer" in reject.reason and "the dataset is of rows without" in reject.reason


def test_tools_in_every_form(tmp_path: Path) -> None:
    call = {"name": "look", "arguments": {"at": 1}}
    openai = [{"id": "1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}]
    forms = [
        [
            USER,
            {"role": "assistant", "content": "I look.", "tool_calls": openai * 2},
            {"role": "tool", "content": "a"},
            {"role": "tool", "content": "b"},
            GOOD,
        ],
        [
            USER,
            {"role": "assistant", "content": "I look."},
            *[{"role": "tool_call", "content": json.dumps(call)}] * 2,
            *({"role": "tool_response", "content": text} for text in "ab"),
            GOOD,
        ],
        [
            USER,
            {"role": "assistant", "content": "I look.\n" + f"<tool_call>\n{json.dumps(call)}\n</tool_call>\n" * 2},
            {"role": "user", "content": "<tool_response>\na\n</tool_response>\n<tool_response>\nb\n</tool_response>"},
            GOOD,
        ],
    ]
    records = read(tmp_path, *({"messages": form} for form in forms))
    for record in records:
        assert isinstance(record, Record), record
        assert [(m.role, m.content) for m in record.messages] == [
            ("user", "What?"),
            ("function_call", f"I look.\n{json.dumps([call, call])}"),
            ("observation", f"a{BETWEEN_ANSWERS}b"),
            ("assistant", "A cat."),
        ]


def test_entries_of_dataset_info_name_the_parts(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps({"q": "What?", "good": "A cat.", "bad": "A dog.", "extra": 1}) + "\n")
    entry = {"file_name": "rows.jsonl", "ranking": True, "columns": {"prompt": "q", "chosen": "good", "rejected": "bad"}}
    (tmp_path / "dataset_info.json").write_text(json.dumps({"a": entry}))
    (source,) = open_source(tmp_path / "dataset_info.json")
    (draft,) = source.drafts()
    assert isinstance(draft, Draft) and draft.rejected is not None and draft.rejected.parts == ("A dog.",)
    for changed, message in (
        ({**entry, "ranking": False}, 'passes over without "ranking": true'),
        ({**entry, "columns": {"prompt": "q", "chosen": "good"}}, "its columns name chosen alone"),
    ):
        (tmp_path / "dataset_info.json").write_text(json.dumps({"a": changed}))
        with pytest.raises(UsageError, match=message):
            open_source(tmp_path / "dataset_info.json")
    kto = {"file_name": "rows.jsonl", "formatting": "sharegpt", "columns": {"messages": "chat", "kto_tag": "good"}}
    (tmp_path / "dataset_info.json").write_text(json.dumps({"a": kto}))
    (record,) = read(tmp_path, {"chat": [HUMAN, GPT], "good": False}, file="dataset_info.json")
    assert isinstance(record, Record) and record.wanted is False


def test_boxes_in_thoughts_and_rejected_answers_move_with_the_image(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (1920, 1080)).save(tmp_path / "a.png")
    box = '{"bbox_2d": [960, 540, 1920, 1080]}'
    row = {
        "messages": [
            {"role": "user", "content": "<image>Where?"},
            {"role": "assistant", "content": box, "reasoning_content": f"At {box}."},
        ],
        "rejected_response": box.replace("960, 540", "0, 0"),
        "images": ["a.png"],
    }
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    (source,) = open_source(tmp_path / "rows.jsonl", text_boxes="pixels")
    convert(source, ConvertOptions(out=tmp_path / "out", workers=1))
    (record,) = Dataset(tmp_path / "out" / "rows")
    assert (
        record.messages[1].content == '{"bbox_2d": [500, 500, 1000, 1000]}'
        and record.messages[1].thought == f"At {record.messages[1].content}."
    )
    assert record.rejected is not UNSET and record.rejected.content == '{"bbox_2d": [0, 0, 1000, 1000]}'
    assert validate(tmp_path / "out", workers=1).findings.total == 0


def test_thoughts_of_pictures_with_a_text(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"image": "a.png", "question": "What?", "answer": "A cat.", "reasoning": "I see fur."},
        {"image": "a.png", "question": "What?", "answer": ["<think>I see fur.</think>A cat.", "Cat."]},
        {"image": "a.png", "question": "What?", "answer": "A cow."},
    ]
    (tmp_path / "a.png").write_bytes(b"")  # nobody opens it here
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for thinking, thoughts in (("keep", [("I see fur.",)] * 2 + [("",)]), ("drop", [None] * 3), ("empty", [("",)] * 3)):
        (source,) = jsonl.open_source(tmp_path / "rows.jsonl", thinking=thinking)
        drafts = [draft for draft in source.drafts() if isinstance(draft, Draft)]
        assert [draft.turns[1].reasoning for draft in drafts] == thoughts
        assert [draft.turns[1].parts for draft in drafts] == [("A cat.",), ("A cat.",), ("A cow.",)]
        assert source.traits.parts == (() if thinking == "drop" else ("reasoning",))
    for beside in ({"chosen": "a", "rejected": "b"}, {"solution": "7"}):
        (tmp_path / "rows.jsonl").write_text(json.dumps({"image": "a.png", "question": "What?", **beside}) + "\n")
        with pytest.raises(UsageError, match="Run: vldata convert sharegpt"):
            jsonl.open_source(tmp_path / "rows.jsonl")


FIELDS = sorted({*MEANING, *THOUGHT_KEYS, *LEARNED_KEYS, *MASKED_KEYS, "kto_tag", "ground_truth"})
VALUES = st.sampled_from(
    [None, "", [], {}, True, False, 0, 1, 0.5, "x", "A dog.", ["A dog."], ["x", "y"], {"role": "assistant", "content": "x"}, [BAD]]
)
PLACES = ("row", "question", "answer")


def neutral(field: str, value: Any, place: str) -> bool:
    """Whether a value says what happens anyway."""
    if value in (None, "", [], {}) and value is not False and value != 0:
        return True
    asks = place == "question"
    if type(value) not in (bool, int, float):
        return False
    return ((field in LEARNED_KEYS or field == "sample_weight") and value == (not asks)) or (
        field in (*MASKED_KEYS, "loss_mask") and value == asks
    )


@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field=st.sampled_from(FIELDS), value=VALUES, place=st.sampled_from(PLACES))
def test_a_field_that_changes_meaning_is_used_or_told(field: str, value: Any, place: str, tmp_path: Path) -> None:
    def drafts(with_field: bool) -> list[Draft | Reject]:
        rows: list[dict[str, Any]] = [{"messages": [dict(USER), dict(GOOD), dict(USER), dict(GOOD)]} for _ in range(2)]
        if with_field:
            target = rows[0] if place == "row" else rows[0]["messages"][2 if place == "question" else 3]
            target[field] = value
        (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (source,) = open_source(tmp_path / "rows.jsonl")
        return list(source.drafts())

    plain, found = drafts(with_field=False)[0], drafts(with_field=True)[0]
    told = isinstance(found, Reject) or any(field in name for name, _ in found.unused)
    assert told or found != plain or neutral(field, value, place), (field, value, place)
