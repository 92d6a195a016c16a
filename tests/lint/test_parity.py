"""Lint is held to what the real trainers did: their outcomes are kept in golden/, made by `make lint-parity`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint.parity import HERE, golden, pairs
from vldata.linting import CONSUMERS

KEPT = sorted(path.stem for path in (HERE / "golden").glob("*.json"))


@pytest.mark.parametrize("consumer", KEPT)
def test_lint_says_what_happens(consumer: str, tmp_path: Path) -> None:
    pytest.importorskip("tokenizers", reason="lengths are compared with a tokenizer of the hf extra")
    kept = golden(consumer)
    assert kept["version"] == CONSUMERS[consumer].version
    found = list(pairs(consumer, kept["outcomes"], tmp_path))
    differ = [pair for pair in found if pair.real != pair.said]
    assert len(differ) <= 0.02 * len(found), differ
    assert not [pair for pair in differ if pair.said == "train"]
