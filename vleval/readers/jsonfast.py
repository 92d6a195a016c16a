"""Strict JSON at the speed of msgspec: what the fast parser cannot vouch for goes to the exact one.

`msgspec` refuses NaN, lone surrogates and bytes that are not UTF-8, but takes the last of two equal keys. Every key ends in `":`, and a
quote inside a string is escaped, so when the text holds as many `":` as the result holds keys there can be no duplicate. All else (more of
them, a blank before a colon, any refusal) is decided by `vldata.files.strictjson`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from vldata.files import strictjson

_decode = msgspec.json.Decoder().decode


def loads(raw: bytes) -> Any:
    """Parse one strict JSON document.

    Raises:
        strictjson.StrictJsonError: with a sentence that names the fault.
    """
    if b" :" in raw or b"\t:" in raw or b"\n:" in raw or b"\r:" in raw:
        return strictjson.loads(raw)
    try:
        value = _decode(raw)
        keys = _count_keys(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return strictjson.loads(raw)
    if raw.count(b'":') != keys:
        return strictjson.loads(raw)
    return value


def _count_keys(value: Any) -> int:
    if isinstance(value, dict):
        count = len(value)
        for item in value.values():
            if isinstance(item, (dict, list)):
                count += _count_keys(item)
        return count
    if isinstance(value, list):
        return sum(_count_keys(item) for item in value if isinstance(item, (dict, list)))
    return 0
