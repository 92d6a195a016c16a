from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vldata.errors import DataError
from vldata.files.gate import SafePath, UnsafePathError, below

CLIMBING = ["../x", "a/../../x", "/etc/passwd", "~/x", "a//b", "./a", "", "a\\..\\b", "http://h/x", "C:x", "a\0b", "a\nb", "\ud800"]


@pytest.mark.parametrize("name", CLIMBING)
def test_a_name_that_is_no_plain_path_below_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnsafePathError, match="names "):
        below(tmp_path, name)


def test_a_safe_path_is_made_no_other_way(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="below"):
        SafePath(tmp_path, "../x", "", object())
    with pytest.raises(AttributeError):
        below(tmp_path, "x").root = tmp_path.parent  # type: ignore[attr-defined]


@given(st.lists(st.sampled_from(["..", ".", "a", "b", ".c", "d.png", "", "é", "~"]), min_size=1, max_size=5))
def test_whatever_passes_stays_below(parts: list[str]) -> None:
    name = "/".join(parts)
    try:
        safe = below(Path("/r/s"), name)
    except UnsafePathError:
        return
    assert os.path.normpath(str(safe)).startswith("/r/s/") and os.path.normpath(str(safe)) == str(safe)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "in").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(folder / "in" / "a.png")
    (folder / "in" / "text.png").write_text("secret")
    (tmp_path / "outside").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "outside" / "b.png")
    (folder / "out").symlink_to(tmp_path / "outside")
    (folder / "near").symlink_to(folder / "in")
    (folder / "out.png").symlink_to(tmp_path / "outside" / "b.png")
    (folder / "near.png").symlink_to("in/a.png")
    (folder / "circle").symlink_to("circle")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.mark.parametrize("name", ["in/a.png", "near/a.png", "near.png"])
def test_files_below_are_read_also_by_links_that_stay(name: str, root: Path) -> None:
    wanted = (root / "in" / "a.png").read_bytes()
    assert below(root, name).read("image") == wanted
    assert pickle.loads(pickle.dumps(below(root, name))).read("image") == wanted
    assert below(root, name).checked("image") == root / name


@pytest.mark.parametrize("name", ["out/b.png", "out.png", "circle", "pipe", "in"])
def test_links_that_lead_out_and_what_is_no_file_are_refused(name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        with pytest.raises(DataError, match="names "):
            below(root, name).read()
        monkeypatch.setattr("vldata.files.gate._opened", lambda descriptor: "")  # a system without /proc


def test_a_picture_is_one_by_its_content(root: Path) -> None:
    with pytest.raises(DataError, match="is no image by its content"):
        below(root, "in/text.png").read("image")
    assert below(root, "in/text.png").read() == b"secret"


def test_a_root_by_a_link_and_a_relative_one(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(root)
    assert below(tmp_path / "link", "in/a.png").read("image")
    monkeypatch.chdir(tmp_path)
    assert below(Path("root"), "near/a.png").read("image")
    monkeypatch.chdir(root)
    assert below(Path(), "in/a.png").read("image")
