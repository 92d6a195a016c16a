"""The quick way for plain rows says what the long one does, of plain rows and of all that look like them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.effort import examples
from vldata.errors import DataError
from vldata.output.join import text_alone
from vldata.output.tokens import text_bytes
from vldata.records.draft import Draft, Reject, TextDraft, Traits
from vldata.records.record import Role, decode_record, encode_record
from vldata.sources import jsonl, plainrows, rows, sharegpt
from vldata.sources.plainrows import PlainRows, PlainTalk
from vldata.sources.rows import find_names

TEXTS = st.sampled_from(
    ["Hi.", "", " ", 'He said "no".', "a\\b", "<image>", "[IMG]", "<think>x</think>y", "é", "\ud83d\ude00", "line\nbreak"]
)
TURNS = st.lists(st.tuples(st.sampled_from(["human", "gpt", "system", "tool", "nobody"]), TEXTS), max_size=4)
ROWS = st.builds(
    lambda turns, more: {"conversations": [{"from": role, "value": text} for role, text in turns], **more},
    TURNS,
    st.sampled_from([{}, {"id": "a"}, {"id": 7}, {"id": True}, {"id": None}, {"id": " "}, {"id": "a", "label": 1}, {"note": "x"}]),
)
FAULTS = st.sampled_from(["", "twice", "inside twice", "cut", "nan", "blank", "bytes", "two on one line", "on two lines", "empty"])


def write(row: dict[str, object], fault: str) -> bytes:
    """A line, with a fault or without."""
    line = json.dumps(row)
    if fault == "twice":
        line = f"{{{json.dumps(next(iter(row)))}: [], " + line[1:]
    elif fault == "inside twice":
        line = line.replace('"value":', '"value": "x", "value":', 1)
    elif fault == "cut":
        line = line[:-2]
    elif fault == "nan":
        line = line[:-1] + ', "weight": NaN}'
    elif fault == "two on one line":
        line = line + line
    elif fault == "on two lines":
        line = line.replace(",", ",\n", 1)
    elif fault == "empty":
        line = ""
    elif fault == "blank":
        line = " \t" + line.replace(":", " : ") + "\r"
    return line.encode() + (b"\xff" if fault == "bytes" else b"")


PAIRS = st.builds(
    lambda question, answer, more: {"question": question, "answer": answer, **more},
    TEXTS,
    st.one_of(TEXTS, st.sampled_from(['{"gt_parse": {"a": "b"}}', "1/2", ["a", "b"], None, 3])),
    st.sampled_from([{}, {"id": "a"}, {"id": 7}, {"id": " "}, {"image": ""}, {"image": None}, {"id": "a", "label": 1}, {"input": "x"}]),
)


def drafts_of(file: Path, way: str = "drafts", **options: Any) -> list[Draft | TextDraft | Reject] | str:
    opener = jsonl if options else sharegpt
    try:
        (source,) = opener.open_source(file, **options)  # type: ignore[attr-defined]
        return list(getattr(source, way)())
    except DataError as error:
        return str(error)


def assert_both_ways_say_the_same(file: Path, **options: Any) -> None:
    """With the quick way and without it the drafts are equal, and so are the records that come of them."""
    quick, texts = drafts_of(file, **options), drafts_of(file, "quick_drafts", **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plainrows, "_reader", lambda *given: lambda lines, first: itertools.repeat(None, len(lines)))
        patch.setattr(PlainTalk, "of_row", lambda *given: None)
        slow = drafts_of(file, **options)
    assert slow == quick or [told(draft) for draft in slow] == [told(draft) for draft in quick]
    for text, draft in zip(texts, slow, strict=True) if isinstance(texts, list) else ():
        if isinstance(text, TextDraft) and isinstance(draft, Draft):
            record = text_alone(draft, Traits())
            assert record is not None and text.line == encode_record(record)
            assert (text.text_bytes, text.turns) == (text_bytes(record), len(record.messages))


def told(draft: Any) -> Any:
    """A draft without what is said twice: references that are the last turn."""
    if isinstance(draft, Draft) and draft.references == draft.turns[-1].parts:
        return msgspec.structs.replace(draft, references=None)
    return draft


@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(ROWS, FAULTS), min_size=1, max_size=4), st.integers(1, 3))
def test_both_ways_say_the_same(tmp_path: Path, rows: list[tuple[dict[str, object], str]], together: int) -> None:
    file = tmp_path / "t.jsonl"
    good = {"conversations": [{"from": "human", "value": "Hi."}, {"from": "gpt", "value": "Ho."}]}
    file.write_bytes(b"".join(write(row, fault) + b"\n" for row, fault in [(good, ""), *rows, (good, "")]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plainrows, "_TOGETHER", together)
        assert_both_ways_say_the_same(file)


@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(PAIRS, FAULTS), min_size=1, max_size=4),
    st.integers(1, 3),
    st.sampled_from(["", "What is it?", "{question} Be short.", "{question}"]),
)
def test_both_ways_say_the_same_of_pairs(tmp_path: Path, rows: list[tuple[dict[str, object], str]], together: int, prompt: str) -> None:
    file = tmp_path / "t.jsonl"
    good = {"image": "", "question": "Hi.", "answer": "Ho."}
    file.write_bytes(b"".join(write(row, fault) + b"\n" for row, fault in [(good, ""), *rows, (good, "")]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plainrows, "_TOGETHER", together)
        assert_both_ways_say_the_same(file, image_field="image", prompt=prompt)


ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}


def plain_talk() -> PlainTalk:
    return PlainTalk(PlainRows("t", {}, Traits()), "messages", "role", "content", ROLES, lambda _: None)


def read_one(line: bytes) -> TextDraft | None:
    """What a fresh reader makes of a line."""
    talk = PlainTalk(
        PlainRows("t", {}, Traits()), "messages", "role", "content", {"user": "user", "assistant": "assistant"}, lambda _: None
    )
    (draft,) = talk.reader("t.jsonl")([line], 3)
    return draft  # type: ignore[no-any-return]


def test_a_plain_line_is_read_and_a_key_that_stands_twice_is_not() -> None:
    line = b'{"id": "a", "messages": [{"role": "user", "content": "Say \\"Hi\\". \\u00e9"}, {"content": "Ho.", "role": "assistant"}]}'
    found = read_one(line)
    assert found is not None and (found.id, found.where, found.turns) == ("t/a", "t.jsonl:3", 2)
    assert decode_record(found.line).messages[0].content == 'Say "Hi". \u00e9'
    assert read_one(line.replace(b'"id": "a"', b'"id": "b", "id": "a"')) is None
    assert read_one(line.replace(b'"id": "a"', b'"id": "a", "label": true')) is None
    assert read_one(line.replace(b"Ho.", b"Ho\\\\")) is None  # a backslash before a quote that ends a text


def test_two_rows_on_one_line_do_not_make_good_for_a_blank_one() -> None:
    good = b'{"messages": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Ho."}]}'
    found = list(plain_talk().reader("t.jsonl")([good, good + good, b"", good], 1))
    assert [draft and draft.where for draft in found] == ["t.jsonl:1", None, None, "t.jsonl:4"]


def test_lines_that_are_never_plain_are_not_tried_for_ever() -> None:
    talk = PlainTalk(
        PlainRows("t", {}, Traits()), "messages", "role", "content", {"user": "user", "assistant": "assistant"}, lambda _: None
    )
    read = talk.reader("t.jsonl")
    good = b'{"messages": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Ho."}]}'
    assert [draft is None for draft in read([b"{}", good], 1)] == [True, False]
    assert set(read([b"{}"] * 500, 1)) == {None}
    assert list(read([good], 1)) == [None]


def test_names_in_quotes_are_found_alike_in_small_and_large_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"split": "x", "k": "tools", "\\"video": 1, "subsets": 2}\n' * 3 + b'{"end":"objects"')
    wanted = ("split", "tools", "video", "subset", "objects", "end", "k", "missing")
    small = find_names(file, wanted)
    monkeypatch.setattr(rows, "_BLOCK_BYTES", 7)
    monkeypatch.setattr(rows, "_is_large", lambda path: True)
    assert find_names(file, wanted) == small == {"split", "tools", "video", "objects", "end", "k"}
