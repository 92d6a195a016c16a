from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vldata.files import strictjson
from vleval.readers import jsonfast


class Pairs(list):
    """An object whose keys may repeat."""


TEXT = st.text(alphabet=st.one_of(st.sampled_from('":\\,{}[] \t\u2028ab'), st.characters(exclude_categories=["Cs"])), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(TEXT, inner), max_size=4).map(Pairs),
    max_leaves=12,
)


def write(value: object, blank: str, ascii_only: bool) -> str:
    if isinstance(value, Pairs):
        return (
            "{"
            + ",".join(f"{json.dumps(key, ensure_ascii=ascii_only)}{blank}:{write(item, blank, ascii_only)}" for key, item in value)
            + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(write(item, blank, ascii_only) for item in value) + "]"
    return json.dumps(value, ensure_ascii=ascii_only)


def outcome(load, raw: bytes) -> object:
    try:
        return load(raw)
    except strictjson.StrictJsonError:
        return "refused"


@given(VALUES, st.sampled_from(["", " ", "\t", " \n"]), st.booleans())
def test_fast_and_strict_agree_on_every_document(value, blank, ascii_only):
    raw = write(value, blank, ascii_only).encode()
    assert outcome(jsonfast.loads, raw) == outcome(strictjson.loads, raw)


@given(st.binary(max_size=30))
def test_fast_and_strict_agree_on_noise(raw):
    assert outcome(jsonfast.loads, raw) == outcome(strictjson.loads, raw)


@pytest.mark.parametrize("raw", [b'{"a":1,"a":2}', b'{"a":1,"b":{"c":1,"c":1}}', b'[{"a":1},{"b":1,"\\u0062":2}]', b'{"a" :1,"a":":"}'])
def test_duplicate_keys_never_pass(raw):
    with pytest.raises(strictjson.StrictJsonError, match="duplicate key"):
        jsonfast.loads(raw)
