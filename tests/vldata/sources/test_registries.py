"""Lists of files that somebody else made: what they name outside their folder is read where the user says so alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import vldata
from vldata.errors import UsageError
from vldata.sources.registries import list_registered

_ROW = [{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}]


@pytest.mark.parametrize(
    ("way", "out"), [("mine.json", False), ("../theirs.json", True), ("{root}/theirs.json", True), ("link.json", True)]
)
@pytest.mark.parametrize("key", ["file_name", "annotation"])
def test_a_file_outside_the_folder_needs_a_wish(way: str, out: bool, key: str, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    for path in (folder / "mine.json", tmp_path / "theirs.json"):
        path.write_text(json.dumps(_ROW))
    (folder / "link.json").symlink_to(tmp_path / "theirs.json")
    source = folder / "dataset_info.json"
    source.write_text(json.dumps({"d": {key: way.replace("{root}", str(tmp_path))}}))
    if not out:
        (listed,) = list_registered(source, "", None)
        assert not any("is outside the folder" in line for line in listed.said)
        return
    for refused in (
        lambda: list_registered(source, "", None),
        lambda: vldata.lint(source, "internvl" if key == "annotation" else "llamafactory", no_files=True),
    ):
        with pytest.raises(UsageError, match=r"(?s)is outside the folder of dataset_info\.json.* add --follow-links"):
            refused()
    (listed,) = list_registered(source, "", None, follow_links=True)
    assert any("is outside the folder of dataset_info.json" in line for line in listed.said)
    (below,) = list_registered(source, "", tmp_path)  # a folder that the user named
    assert not any("is outside the folder" in line for line in below.said)


def test_pictures_of_a_meta_file_lie_in_its_folder_or_are_wanted(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "mine.jsonl").write_text(json.dumps(_ROW[0]) + "\n")
    meta = tmp_path / "theirs" / "meta.json"
    meta.write_text(json.dumps({"d": {"annotation": "mine.jsonl", "root": str(tmp_path)}}))
    with pytest.raises(UsageError, match="is outside the folder of meta"):
        list_registered(meta, "", None)
    (listed,) = list_registered(meta, "", None, follow_links=True)
    assert listed.image_root == tmp_path


def test_a_file_that_the_user_names_is_judged_by_the_list_beside_it(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "far.json").write_text(json.dumps([{"instruction": "a", "output": "b"}]))
    (tmp_path / "theirs" / "link.json").symlink_to(tmp_path / "far.json")
    (tmp_path / "theirs" / "dataset_info.json").write_text(json.dumps({"d": {"file_name": "link.json"}}))
    assert vldata.lint(tmp_path / "theirs" / "link.json").linted.parts[0].rows == 1


@pytest.mark.parametrize("wanted", [False, True])
def test_xray_opens_a_file_outside_where_it_is_wanted(wanted: bool, tmp_path: Path) -> None:
    from vldata.xrays.cases import open_foreign

    (tmp_path / "theirs").mkdir()
    (tmp_path / "far.json").write_text(json.dumps(_ROW))
    (tmp_path / "theirs" / "dataset_info.json").write_text(json.dumps({"d": {"file_name": "../far.json", "formatting": "sharegpt"}}))
    if not wanted:
        with pytest.raises(UsageError, match="is outside the folder"):
            open_foreign(tmp_path / "theirs", (1,), "", tmp_path / "work", lambda *_, **__: [])
        return
    subject = open_foreign(tmp_path / "theirs", (1,), "", tmp_path / "work", lambda *_, **__: [], follow_links=True)
    assert "is outside the folder" in subject.said[0]
