from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from vldata.errors import VlkitError
from vleval import score
from vleval.readers import read_predictions
from vleval.references import read_references
from vleval.settings import Scoring

ODD = (
    None,
    True,
    -1.5,
    1e308,
    "",
    [],
    {},
    ["a"],
    [1, None],
    {"a": 1},
    [[]],
    [{"role": "user", "content": None}],
    {"body": []},
    "\x00",
    10**30,
)
PIECES = (b'"', b"{", b"}", b"\n", b",", b"\xff", b"\x00", b"[", b"NaN", b"\t")


def damage(data: bytes, generator: random.Random) -> bytes:
    """Change bytes, cut, insert, or put odd values into the JSON."""
    if generator.random() < 0.5:
        try:
            lines = [json.loads(line) for line in data.decode().split("\n") if line]
        except ValueError:
            lines = []
        for line in lines:
            spoil(line, generator)
        if lines:
            return "\n".join(map(json.dumps, lines)).encode()
    broken = bytearray(data)
    for _ in range(generator.randint(1, 5)):
        place = generator.randrange(len(broken))
        match generator.randrange(4):
            case 0:
                broken[place] = generator.randrange(256)
            case 1:
                del broken[place : place + generator.randint(1, 30)]
            case 2:
                broken[place:place] = generator.choice(PIECES)
            case _:
                del broken[place + 1 :]
        broken = broken or bytearray(b"x")
    return bytes(broken)


def spoil(value: object, generator: random.Random) -> None:
    pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    for key, item in pairs:
        if generator.random() < 0.06:
            value[key] = generator.choice(ODD)  # type: ignore[index]
        else:
            spoil(item, generator)


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_file_is_read_or_refused_in_a_sentence(quiz: dict[str, Path], tmp_path: Path, seed: int) -> None:
    generator = random.Random(seed)
    files = [path for name, path in sorted(quiz.items()) if name not in ("base", "tuned", "boxes")]
    refused = 0
    for number in range(40):
        path = tmp_path / f"{number}"
        path.write_bytes(damage(generator.choice(files).read_bytes(), generator))
        for attempt in (lambda p: score(p, scoring=Scoring(metrics=("exact_match",), extras=False)), read_predictions, read_references):
            try:
                attempt(path)
            except VlkitError as fault:
                refused += 1
                assert len(fault.what) > 10
                assert "\n" not in fault.what
    assert refused > 20
