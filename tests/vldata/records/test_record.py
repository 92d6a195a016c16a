from __future__ import annotations

import json
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vldata.files.strictjson import StrictJsonError
from vldata.records.record import Message, Record, decode_record, encode_record
from vldata.records.schema import explain, load_schema, schema_names

clean = st.text(st.characters(codec="utf-8"))
records = st.builds(
    Record,
    id=clean,
    messages=st.lists(st.builds(Message, role=st.sampled_from(["system", "user", "assistant"]), content=clean), max_size=3).map(tuple),
    images=st.lists(clean, max_size=2).map(tuple),
    references=st.lists(clean, max_size=2).map(tuple),
    meta=st.dictionaries(clean, clean, max_size=3),
    videos=st.just(msgspec.UNSET) | st.lists(clean, max_size=1).map(tuple),
    tools=st.just(msgspec.UNSET) | clean,
)


@given(records)
def test_write_then_read_is_identity(record: Record) -> None:
    line = encode_record(record)
    assert b"\n" not in line
    assert decode_record(line) == record
    assert decode_record(json.dumps(json.loads(line), indent=1).encode()) == record


GOOD: dict[str, Any] = {
    "id": "a",
    "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
    "images": ["x"],
    "references": [],
    "meta": {"k": "v"},
}


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name != key}


STRUCTURAL = [
    GOOD,
    {**GOOD, "videos": [], "tools": "[]"},
    *[without(key) for key in GOOD],
    *[{**GOOD, key: wrong} for key in GOOD for wrong in (None, 1, "text", [], {}, [1], [None], {"k": 1}, {"k": None}, True)],
    *[{**GOOD, "videos": wrong} for wrong in (None, "v", [1], {})],
    *[{**GOOD, "tools": wrong} for wrong in (None, [], 1)],
    {**GOOD, "extra": 1},
    {**GOOD, "messages": [{"role": "user"}]},
    {**GOOD, "messages": [{"content": "x"}]},
    {**GOOD, "messages": [{"role": "human", "content": "x"}]},
    {**GOOD, "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
    {**GOOD, "messages": [{"role": "user", "content": None}]},
    {**GOOD, "messages": [{"role": "user", "content": "x", "loss": True}]},
    {**GOOD, "messages": ["x"]},
    [],
    "text",
    None,
    3,
]


@pytest.mark.parametrize("value", STRUCTURAL, ids=lambda value: json.dumps(value)[:80])
def test_schema_and_decoder_agree(value: Any) -> None:
    valid = jsonschema.Draft202012Validator(load_schema("record")).is_valid(value)
    try:
        decode_record(json.dumps(value).encode())
        decoded = True
    except msgspec.ValidationError:
        decoded = False
    assert decoded == valid
    assert bool(explain("record", value)) == (not valid)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"id":"a","id":"b","messages":[],"images":[],"references":[],"meta":{}}', "duplicate key 'id'"),
        (b'{"id":"a","messages":[],"images":[],"references":[],"meta":{"a":"1","a":"2"}}', "duplicate key 'a'"),
        (b'{"id":"a","messages":[],"images":[],"references":[],"meta":{"a":NaN}}', "NaN"),
        (b'{"id":"\\ud800","messages":[],"images":[],"references":[],"meta":{}}', "surrogate"),
        (b'{"id":"a","messages":[],"images":[],"references":[],"meta":{}', "not JSON"),
        (b'{"id":"\xff"}', "not UTF-8"),
    ],
)
def test_what_typed_decoding_alone_would_miss(line: bytes, reason: str) -> None:
    with pytest.raises(StrictJsonError, match=reason):
        decode_record(line)


def test_explanations_name_the_place() -> None:
    assert explain("record", {**GOOD, "messages": [{"role": "user", "content": 3}]}) == "messages[0].content: 3 is not of type 'string'"


def test_every_schema_is_a_schema() -> None:
    assert {"record", "contract", "media", "reject", "dataset_info"} <= set(schema_names())
    for name in schema_names():
        jsonschema.Draft202012Validator.check_schema(load_schema(name))
