"""Lists of files that somebody else made: what they name outside their folder is said aloud."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vldata.sources.registries import list_registered

_ROW = [{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}]


@pytest.mark.parametrize(
    ("way", "told"), [("mine.json", False), ("../theirs.json", True), ("{root}/theirs.json", True), ("link.json", True)]
)
@pytest.mark.parametrize("key", ["file_name", "annotation"])
def test_a_file_outside_the_folder_is_named(way: str, told: bool, key: str, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    for path in (folder / "mine.json", tmp_path / "theirs.json"):
        path.write_text(json.dumps(_ROW))
    (folder / "link.json").symlink_to(tmp_path / "theirs.json")
    source = folder / "dataset_info.json"
    source.write_text(json.dumps({"d": {key: way.replace("{root}", str(tmp_path))}}))
    (listed,) = list_registered(source, "", None)
    assert any("is outside the folder of dataset_info.json" in line for line in listed.said) is told
