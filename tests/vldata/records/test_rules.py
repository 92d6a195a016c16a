from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples
from vldata.files import strictjson
from vldata.files.paths import path_fault
from vldata.records.control_tokens import escape_control_tokens, find_control_token
from vldata.records.record import Message, Record, decode_record, encode_record
from vldata.records.rules import faults, surely_clean

PATH = "images/3f/" + "3f" * 32 + ".jpg"


def record(*turns: tuple[str, str], images: tuple[str, ...] = (PATH,), **fields: object) -> Record:
    messages = tuple(Message(role=role, content=content) for role, content in turns)  # type: ignore[arg-type]
    return Record(id=str(fields.pop("id", "a/1")), messages=messages, images=images, references=("x",), meta={}, **fields)  # type: ignore[arg-type]


def called(content: str) -> tuple[tuple[str, str], ...]:
    return (("user", "Look."), ("function_call", content), ("observation", "A sofa"), ("assistant", "A sofa."))


GOOD = (("user", "<image>What is it?"), ("assistant", "A sofa"))


@pytest.mark.parametrize(
    ("broken", "code", "message"),
    [
        (record(*GOOD, id=" "), "VL003", "the id is empty."),
        (record(images=()), "VL004", "there are no messages."),
        (record(("assistant", "Hi"), images=()), "VL004", "messages[0] has role 'assistant' where the user must speak."),
        (record(("user", "<image>a"), ("user", "b")), "VL004", "messages[1] has role 'user' where the assistant must speak."),
        (record(("user", "<image>a")), "VL004", "the last turn is not the assistant's."),
        (record(("system", "Be brief."), images=()), "VL004", "the last turn is not the assistant's."),
        (
            record(("user", "<image>a"), ("system", "b"), ("assistant", "c")),
            "VL004",
            "messages[1] has role 'system' where the assistant must speak.",
        ),
        (record(("user", "<image>a"), ("assistant", " \n")), "VL005", "messages[1] (assistant) is empty."),
        (
            record(("user", "<image><image>a"), ("assistant", "b")),
            "VL006",
            "the user turns have 2 <image> tags, but the record has 1 image.",
        ),
        (record(("user", "a"), ("assistant", "b")), "VL006", "the user turns have 0 <image> tags, but the record has 1 image."),
        (
            record(("user", "<image><video>a"), ("assistant", "b")),
            "VL006",
            "the user turns have 1 <video> tag, but the record has 0 videos.",
        ),
        (record(("user", "<image>a"), ("assistant", "<image>")), "VL007", "messages[1] (assistant) holds <image>."),
        (record(("user", "<image>a"), ("assistant", "<|im_end|>")), "VL008", "messages[1] (assistant) holds '<|im_end|>'."),
        (record(("user", "<image><audio>"), ("assistant", "b")), "VL008", "messages[0] (user) holds '<audio>'."),
        (record(*GOOD, images=("/etc/passwd",)), "VL009", "'/etc/passwd' is not relative."),
        (record(*GOOD, tools="{"), "VL013", "`tools` is not JSON: Expecting property name enclosed in double quotes at column 2."),
        (record(*GOOD, tools="{}"), "VL013", "`tools` holds no list."),
        (record(*GOOD, *called("look(1)")), "VL028", "messages[3] (function_call) is not JSON: Expecting value at column 1."),
        (record(*GOOD, *called('{"name": "look"}')), "VL028", "messages[3] (function_call) is no object with a name and arguments."),
        (record(*GOOD, *called("[]")), "VL028", "messages[3] (function_call) holds no call."),
    ],
)
def test_each_rule_names_what_is_wrong(broken: Record, code: str, message: str) -> None:
    assert [(fault.code, fault.message) for fault in faults(broken)] == [(code, message)]
    line = encode_record(broken)
    assert not surely_clean(decode_record(line), line)


@pytest.mark.parametrize(
    "good",
    [
        record(*GOOD),
        record(*GOOD, *called('[{"name": "look", "arguments": {}}, {"name": "look", "arguments": "{}"}]')),
        record(("system", "Be brief."), *GOOD),
        record(*GOOD, ("user", "And this?<image>"), ("assistant", "A rug"), images=(PATH, PATH)),
        record(("user", "Hi"), ("assistant", "Hello"), images=()),
        record(
            ("user", "<image>"),
            ("function_call", '{"name": "count", "arguments": {}}'),
            ("observation", "3"),
            ("assistant", "Three"),
            tools="[]",
        ),
    ],
)
def test_good_records_have_no_faults(good: Record) -> None:
    assert list(faults(good)) == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "is empty"),
        ("/a.jpg", "is not relative"),
        ("~/a.jpg", "is not relative"),
        ("a/../b.jpg", "climbs"),
        ("./a.jpg", "climbs"),
        ("a//b.jpg", "climbs"),
        ("a\\b.jpg", "holds a backslash"),
        ("a\x00.jpg", "holds a control character"),
        ("http://host/a.jpg", "has a scheme"),
        ("C:/a.jpg", "has a scheme"),
        ("file:a.jpg", "has a scheme"),
        ("images/图 1.jpg", ""),
        (PATH, ""),
    ],
)
def test_media_paths(path: str, reason: str) -> None:
    assert path_fault(path).startswith(reason) and bool(path_fault(path)) == bool(reason)


text = st.lists(
    st.sampled_from(["<image>", "<video>", "<audio>", "<|im_end|>", "<|x", "<", "a", " ", "\n", "é", "\\u003cimage>", '"', "|>"]),
    max_size=5,
).map("".join)
roles = st.sampled_from(["user", "assistant", "system", "observation", "function_call"])
records = st.builds(
    Record,
    id=st.sampled_from(["", " ", "a/1"]),
    messages=st.lists(st.builds(Message, role=roles, content=text), max_size=4).map(tuple)
    | st.tuples(st.builds(Message, role=st.just("user"), content=text), st.builds(Message, role=st.just("assistant"), content=text)),
    images=st.lists(st.sampled_from([PATH, "images/a.jpg", "../x", "<image>"]), max_size=3).map(tuple),
    references=st.just(()),
    meta=st.just({"a": "<image>"}) | st.just({}),
    videos=st.just(msgspec.UNSET) | st.just(()) | st.just(("v.mp4",)),
    tools=st.just(msgspec.UNSET) | st.sampled_from(["", "[]", "{"]),
)


@settings(max_examples=examples(600))
@given(records)
def test_the_shortcut_never_passes_a_broken_record(any_record: Record) -> None:
    line = encode_record(any_record)
    if surely_clean(decode_record(line), line):
        assert list(faults(any_record)) == []


def test_the_shortcut_passes_the_common_record() -> None:
    line = encode_record(record(*GOOD))
    assert surely_clean(decode_record(line), line)


FOREIGN: list[Callable[[dict[str, Any]], str]] = [
    lambda row: json.dumps(row, ensure_ascii=False),
    lambda row: json.dumps(row, separators=(" , ", "\t : ")),
    lambda row: json.dumps(dict(reversed(row.items())), separators=(",", ":")),
    lambda row: json.dumps({**row, "references": ["\u00e9"]}),
]


@pytest.mark.parametrize("write", FOREIGN)
def test_the_shortcut_passes_the_common_record_in_foreign_bytes(write: Callable[[dict[str, Any]], str]) -> None:
    line = write(json.loads(encode_record(record(*GOOD)))).encode()
    assert surely_clean(decode_record(line), line)


@settings(max_examples=examples(200))
@given(records, st.sampled_from(FOREIGN), st.integers(0, 30), st.booleans())
def test_the_shortcut_never_passes_foreign_bytes_that_are_broken(
    any_record: Record, write: Callable[[dict[str, Any]], str], place: int, hidden: bool
) -> None:
    row = json.loads(encode_record(any_record))
    line = write(row)
    keys = [match.start() for match in re.finditer(r'"(?:id|role|content|images|meta|a)"\s*:', line)]
    if place < len(keys):  # the key twice, with its value
        start = keys[place]
        value, _ = json.JSONDecoder().raw_decode(line[line.index(":", start) + 1 :].lstrip())
        line = line[:start] + line[start : line.index(":", start) + 1] + json.dumps(value) + "," + line[start:]
    raw = (line.replace("<", "\\u003c") if hidden else line).encode()
    decoded = msgspec.json.decode(raw, type=Record)
    if surely_clean(decoded, raw):
        strictjson.loads(raw)
        assert list(faults(decoded)) == []


@given(st.text() | text)
def test_escaping_leaves_no_token_and_text_without_one_alone(any_text: str) -> None:
    escaped = escape_control_tokens(any_text)
    assert find_control_token(escaped) is None
    if find_control_token(any_text) is None:
        assert escaped == any_text
