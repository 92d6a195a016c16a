"""The map names every module, and every path it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.docs.architecture import modules

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_every_module_is_in_the_map() -> None:
    rows = dict(re.findall(r"^\| `([\w/]+)/` \| [^|]* \| ([^|]*) \|$", PAGE, re.MULTILINE))
    assert {room: names.split(", ") if names else [] for room, names in rows.items()} == modules(ROOT)


@pytest.mark.parametrize("place", sorted(set(re.findall(r"`((?:vldata|vleval|tests)/[\w/.]+)`", PAGE))))
def test_a_place_that_the_map_names_is_there(place: str) -> None:
    assert (ROOT / place.replace("NAME.py", "")).exists()
