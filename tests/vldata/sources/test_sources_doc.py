"""The samples of docs/sources.md are rows that are really read, and docs/layouts.md shows what comes of each layout."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fixtures import chartqa, files, jsonl, labelled, official, parts, rows, sharegpt
from vldata.sources import CONVERTERS
from vldata.sources.dialects import DIALECTS, find_dialect
from vldata.sources.dialects.names import ROLES, Names
from vldata.sources.official import LAYOUTS
from vldata.sources.pairfields import IMAGE_FIELDS, TEXT_FIELDS

PAGE = (Path(__file__).parents[3] / "docs" / "sources.md").read_text(encoding="utf-8")
SHOWN = (Path(__file__).parents[3] / "docs" / "layouts.md").read_text(encoding="utf-8")
TITLES = re.findall(r"^## ([a-z-]+): (.+)$", SHOWN, re.MULTILINE)
SAMPLES = [line for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample[:48] for sample in SAMPLES])
def test_samples_of_conversations_are_read(sample: str) -> None:
    value = json.loads(sample)
    found: list[dict[str, Any]] = value if isinstance(value, list) else [value]
    for row in found:
        dialect = find_dialect(row, Names())
        assert dialect is not None
        assert next(role for role, _ in dialect.read(row, Names()).turns) == "user"


def test_every_name_is_told() -> None:
    table = PAGE[PAGE.index("| picture |") : PAGE.index("`--image-field`")]
    assert not [name for name in (*IMAGE_FIELDS, *TEXT_FIELDS) if name not in ("jpg", "png", "webp", "cls") and name not in table]
    roles = PAGE[PAGE.index("| who speaks |") : PAGE.index("LLaVA, InternVL, Qwen (with")]
    assert not [name for name in ROLES if name not in roles]


def test_every_layout_has_an_example() -> None:
    assert {converter for converter, _ in TITLES} == set(CONVERTERS)
    assert not [layout.title for layout in LAYOUTS.values() if f"laid out as {layout.title};" not in SHOWN]
    assert not [dialect.said for dialect in DIALECTS.values() if f": {dialect.said} (" not in SHOWN]


def test_everything_that_a_fixture_draws_is_shown() -> None:
    shown = {title for _, title in TITLES}
    drawn = [*chartqa.LAYOUTS, *jsonl.LAYOUTS, *rows.PAIRS, *files.FILES, *rows.ROWS, *official.DRAWERS]
    drawn += [f"form {name}" for name in sharegpt.VARIANTS] + [f"part {name}" for name in parts.FILES]
    assert not set(drawn) - shown and not set(labelled.FORMATS) - {converter for converter, _ in TITLES}


def test_the_samples_are_those_that_a_fixture_writes() -> None:
    values = [json.loads(sample) for sample in SAMPLES]
    assert [value if isinstance(value, list) else [value] for value in values] == list(rows.ROWS.values())
