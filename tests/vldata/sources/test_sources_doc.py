"""The samples of docs/sources.md are rows that are really read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from vldata.sources.dialects import find_dialect
from vldata.sources.dialects.names import ROLES, Names
from vldata.sources.pairfields import IMAGE_FIELDS, TEXT_FIELDS

PAGE = (Path(__file__).parents[3] / "docs" / "sources.md").read_text(encoding="utf-8")
SAMPLES = [line for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample[:48] for sample in SAMPLES])
def test_samples_of_conversations_are_read(sample: str) -> None:
    value = json.loads(sample)
    rows: list[dict[str, Any]] = value if isinstance(value, list) else [value]
    for row in rows:
        dialect = find_dialect(row, Names())
        assert dialect is not None
        assert next(role for role, _ in dialect.read(row, Names()).turns) == "user"


def test_every_name_is_told() -> None:
    table = PAGE[PAGE.index("| picture |") : PAGE.index("`--image-field`")]
    assert not [name for name in (*IMAGE_FIELDS, *TEXT_FIELDS) if name not in ("jpg", "png", "webp", "cls") and name not in table]
    roles = PAGE[PAGE.index("| who speaks |") : PAGE.index("LLaVA, InternVL, Qwen (with")]
    assert not [name for name in ROLES if name not in roles]
