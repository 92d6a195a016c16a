"""The quick way for plain rows says what the long one does, of plain rows and of all that look like them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.effort import examples
from vldata.errors import DataError
from vldata.records.draft import Draft, Reject
from vldata.sources import sharegpt, talkdrafts
from vldata.sources.plainrows import plain_reader

TEXTS = st.sampled_from(
    ["Hi.", "", " ", 'He said "no".', "a\\b", "<image>", "[IMG]", "<think>x</think>y", "é", "\ud83d\ude00", "line\nbreak"]
)
TURNS = st.lists(st.tuples(st.sampled_from(["human", "gpt", "system", "tool", "nobody"]), TEXTS), max_size=4)
ROWS = st.builds(
    lambda turns, more: {"conversations": [{"from": role, "value": text} for role, text in turns], **more},
    TURNS,
    st.sampled_from([{}, {"id": "a"}, {"id": 7}, {"id": True}, {"id": None}, {"id": " "}, {"id": "a", "label": 1}, {"note": "x"}]),
)
FAULTS = st.sampled_from(["", "twice", "inside twice", "cut", "nan", "blank", "bytes"])


def write(row: dict[str, object], fault: str) -> bytes:
    """A line, with a fault or without."""
    line = json.dumps(row)
    if fault == "twice":
        line = '{"conversations": [], ' + line[1:]
    elif fault == "inside twice":
        line = line.replace('"value":', '"value": "x", "value":', 1)
    elif fault == "cut":
        line = line[:-2]
    elif fault == "nan":
        line = line[:-1] + ', "weight": NaN}'
    elif fault == "blank":
        line = " \t" + line.replace(":", " : ") + "\r"
    return line.encode() + (b"\xff" if fault == "bytes" else b"")


def drafts_of(file: Path) -> list[Draft | Reject] | str:
    try:
        (source,) = sharegpt.open_source(file)
        return list(source.drafts())
    except DataError as error:
        return str(error)


@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(ROWS, FAULTS), min_size=1, max_size=4))
def test_both_ways_say_the_same(tmp_path: Path, rows: list[tuple[dict[str, object], str]]) -> None:
    file = tmp_path / "t.jsonl"
    good = {"conversations": [{"from": "human", "value": "Hi."}, {"from": "gpt", "value": "Ho."}]}
    file.write_bytes(b"".join(write(row, fault) + b"\n" for row, fault in [(good, ""), *rows, (good, "")]))
    quick = drafts_of(file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(talkdrafts, "plain_reader", lambda *keys: lambda line: None)
        assert drafts_of(file) == quick


def test_a_plain_line_is_read_and_a_key_that_stands_twice_is_not() -> None:
    read = plain_reader("messages", "role", "content")
    line = b'{"id": "a", "messages": [{"role": "user", "content": "Hi. \\u00e9"}, {"content": "Ho.", "role": "assistant"}]}'
    found = read(line)
    assert [turn.role for turn in found.turns] == ["user", "assistant"] and found.id == "a"
    assert read(line.replace(b'"id": "a"', b'"id": "b", "id": "a"')) is None
    assert read(line.replace(b'"id": "a"', b'"id": "a", "label": true')) is None


def test_lines_that_are_never_plain_are_not_tried_for_ever() -> None:
    read = plain_reader("messages", "role", "content")
    for _ in range(300):
        read(b"{}")
    assert read(b'{"messages": []}') is None
