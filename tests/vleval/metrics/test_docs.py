from __future__ import annotations

from pathlib import Path

from vleval.profiles import PROFILES, table

PAGE = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")


def documented():
    section = PAGE.split("## Who defines what")[1].split("\n## ")[0]
    found = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 2 or cells[0] in ("metric", "---"):
            continue
        base = ""
        for name in cells[0].split(", "):
            base = name.split(":")[0] or base
            found[base + name if name.startswith(":") else name] = set(cells[1].split(", "))
    return found


def test_the_page_lists_what_every_profile_defines():
    assert documented() == {name: set(profiles) for name, profiles in table()}


def test_the_page_speaks_of_every_profile():
    assert [profile for profile in PROFILES if f"{profile}" not in PAGE] == []
