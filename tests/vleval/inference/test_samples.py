"""Several answers a question: a seed each, nothing asked twice, one file with a number at each answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import vleval
from fixtures.openeqa import draw_openeqa
from tests.vleval.inference.server import FakeServer, serve
from vldata.api.convert import convert
from vldata.errors import UsageError


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("samples")
    draw_openeqa(root / "source", size=(384, 216))
    convert("openeqa", root / "source", frames=1, out=root / "prepared", workers=1)
    return root / "prepared" / "openeqa"


def ask(data: Path, out: Path, server: FakeServer, samples: int, **sampler: Any) -> Any:
    options = vleval.RunOptions(model="tiny", base_url=server.url, limit=3, sampler=vleval.Sampler(**{"temperature": 0.7, **sampler}))
    return vleval.predict(data, out, options=options, samples=samples)


def test_each_sample_has_its_seed_and_more_samples_ask_for_those_alone(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "preds.jsonl"
    with serve(FakeServer()) as server:
        found = ask(data, out, server, 2, seed=5)
        assert found.ok and found.result.total == found.result.answered == 6
        assert sorted({body["seed"] for body in server.bodies}) == [5, 6]
        asked = len(server.bodies)
        found = ask(data, out, server, 3, seed=5)
        assert found.result.taken_over == 6 and {body["seed"] for body in server.bodies[asked:]} == {7}
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["sample"] for row in rows] == [0, 1, 2] * 3 and len({row["id"] for row in rows}) == 3
    assert vleval.score(out, data, reading=vleval.Reading(allow=vleval.Allow(missing=True))).sampled.samples == 3


@pytest.mark.parametrize(
    "sampler, fault",
    [
        ({"temperature": 0.0}, "greedy answers are all the same"),
        ({"seed": None}, "a seed of its own"),
        ({"omit": "seed"}, "a seed of its own"),
    ],
)
def test_equal_answers_are_not_asked_for(data: Path, tmp_path: Path, sampler: dict[str, Any], fault: str) -> None:
    with serve(FakeServer()) as server, pytest.raises(UsageError, match=fault):
        ask(data, tmp_path / "preds.jsonl", server, 2, **sampler)
    assert not server.bodies
