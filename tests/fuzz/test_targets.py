"""The readers on broken forms of good inputs: the short form of `make fuzz`, without its venv."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.targets import TARGETS

ROUNDS = 60
_ODD = (b"NaN", b"\xff\xfe", b"\xed\xa0\x80", b"9" * 5_000, b"[" * 3_000, b'"\\ud800"', b"\xe2\x80\xa8")


def broken(data: bytes, rng: random.Random) -> bytes:
    """Cut, double, overwrite or swap parts of an input."""
    content = bytearray(data or b"\0")
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(content) + 1)
        length = rng.randint(0, 8)
        kind = rng.randrange(5)
        if kind == 0:
            del content[place : place + length]
        elif kind == 1:
            content[place:place] = content[place : place + length] * rng.randint(1, 40)
        elif kind == 2:
            content[place : place + length] = rng.randbytes(length)
        elif kind == 3:
            content[place : place + 1] = bytes([rng.choice(b'{}[]",:\\\n\r\0<>&*-.0e9')])
        else:
            content[place:place] = rng.choice(
                [b"NaN", b"\xff\xfe", b"\xed\xa0\x80", b"9" * 5_000, b"[" * 3_000, b'"\\ud800"', b"\xe2\x80\xa8"]
            )
        content = content or bytearray(b"\0")
    return bytes(content)


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_raises_what_it_promises_and_nothing_else(name: str) -> None:
    if name == "recipe":
        pytest.importorskip("torch")
    target, seeds = TARGETS[name]
    rng = random.Random(name)
    for seed in seeds:
        target(seed)
        for _ in range(ROUNDS):
            target(broken(seed, rng))
    target(b"")
    assert seeds
