from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.files.strictjson import LongLine, StrictJsonError, iter_lines

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_reads_what_any_writer_writes(value: object) -> None:
    try:
        encoded = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        encoded = json.dumps(value, ensure_ascii=True).encode()
        with pytest.raises(StrictJsonError, match="surrogate"):
            strictjson.loads(encoded)
        return
    assert strictjson.loads(encoded) == value


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a": 1, "a": 2}', "duplicate key 'a'"),
        (b'[{"b": {"c": 1, "c": 1}}]', "duplicate key 'c'"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b"[Infinity]", "Infinity is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"[1e999]", "1e999 is too large a number"),
        (b'{"a": "\\ud800"}', "lone surrogate"),
        (b'{"\\uDFFF": 1}', "lone surrogate"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        (b'{"a": 1', "not JSON"),
        (b"", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 5000, "digits"),
    ],
)
def test_refuses_by_name(raw: bytes, reason: str) -> None:
    with pytest.raises(StrictJsonError, match=reason):
        strictjson.loads(raw)


def test_a_surrogate_pair_is_text() -> None:
    assert strictjson.loads(b'"\\ud83d\\ude00"') == "😀"


def test_lines_end_at_newlines_alone(tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_bytes('\ufeff{"a": "x\u2028y\x85z"}\r\n\n  \n[2]'.encode())
    assert [(number, strictjson.loads(line)) for number, line in strictjson.iter_lines(path)] == [(1, {"a": "x\u2028y\x85z"}), (4, [2])]


def test_a_long_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    path.write_bytes(b"{}\n" + b" " * 100 + b"{}\n")
    with pytest.raises(DataError, match=r"long\.jsonl:2: line longer than 50 bytes"):
        list(strictjson.iter_lines(path, max_line_bytes=50))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.json: cannot be read: No such file"):
        strictjson.read_json(tmp_path / "nowhere.json")
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        list(strictjson.iter_lines(tmp_path))


@pytest.mark.parametrize("end", [b"", b"\n", b"\nlast"])
def test_long_lines_are_told_and_the_others_read(end: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\n" + b"x" * 3_000_000 + b"\n\n" + b"y" * 40 + b"\r\nfour\n" + b"z" * 2_000_000 + end)
    lines = iter_lines(path, max_line_bytes=30, tell_long=True)
    found = [(number, line.size if isinstance(line, LongLine) else line) for number, line in lines]
    wanted = [(1, b"one"), (2, 3_000_000), (4, 40), (5, b"four"), (6, 2_000_000)]
    assert found == wanted + ([(7, b"last")] if end.endswith(b"last") else [])
    with pytest.raises(DataError, match=r"a\.jsonl:2: line longer than 30 bytes"):
        list(iter_lines(path, max_line_bytes=30))
