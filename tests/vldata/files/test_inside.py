from __future__ import annotations

import threading
from pathlib import Path

import pytest

from vldata.errors import DataError
from vldata.files import inside, lock
from vldata.files.copying import copy_below
from vldata.files.durable import fsync_files
from vldata.files.gate import below
from vldata.files.inside import LinkError
from vldata.files.lock import hold_below


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_text("mine")
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "root" / "a" / "file").write_text("x")
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside")
    return tmp_path / "root"


def test_nothing_goes_through_a_link(root: Path) -> None:
    for act in (
        lambda: inside.move(root, "a/file", "link/file"),
        lambda: inside.move(root, "link/kept", "a/kept"),
        lambda: inside.remove(root, "link/kept"),
        lambda: inside.remove_tree(root, "link"),
        lambda: inside.make_folder(root, "link/new"),
        lambda: copy_below(below(root, "a/file"), root, "link/copy"),
    ):
        with pytest.raises(LinkError, match="is a link"):
            act()
    assert [path.name for path in (root.parent / "outside").iterdir()] == ["kept"]
    assert (root / "a" / "file").read_text() == "x"


@pytest.mark.parametrize("name", ["../outside/kept", "/etc/x", "a/../../outside/kept", "a\0", ""])
def test_names_that_climb_are_refused(name: str, root: Path) -> None:
    with pytest.raises(DataError):
        inside.remove(root, name)


def test_a_tree_goes_with_its_links_and_not_what_they_lead_to(root: Path) -> None:
    (root / "a" / "inner").symlink_to(root.parent / "outside")
    inside.remove_tree(root, "a")
    assert not (root / "a").exists() and (root.parent / "outside" / "kept").read_text() == "mine"


def test_a_copy_that_is_cut_is_made_again_and_one_that_is_right_is_kept(root: Path) -> None:
    (root / "b").mkdir()
    copy_below(below(root, "a/file"), root, "b/file")
    (root / "b" / "file").write_text("")
    copy_below(below(root, "a/file"), root, "b/file")
    before = (root / "b" / "file").stat()
    copy_below(below(root, "a/file"), root, "b/file")
    assert (root / "b" / "file").read_text() == "x" and (root / "b" / "file").stat().st_ino == before.st_ino
    with pytest.raises(DataError, match="it was changed or cut"):
        copy_below(below(root, "a/file"), root, "b/other", sha256="0" * 64)
    assert [path.name for path in (root / "b").iterdir()] == ["file"]


def test_a_file_that_is_gone_is_not_made_durable_in_silence(root: Path) -> None:
    with pytest.raises(DataError, match="cannot be written"):
        fsync_files([root / "gone"])


def test_a_lock_that_another_holds_now_is_not_removed(tmp_path: Path) -> None:
    """The first holder's file was taken away; a second made a new one and holds it when the first ends."""
    first, second = hold_below(tmp_path, "s/lock", "it"), hold_below(tmp_path, "s/lock", "it")
    first.__enter__()
    (tmp_path / "s" / "lock").unlink()
    second.__enter__()
    first.__exit__(None, None, None)
    with pytest.raises(DataError, match="in use by process"), hold_below(tmp_path, "s/lock", "it"):
        raise AssertionError("two hold it")
    second.__exit__(None, None, None)
    assert list(tmp_path.iterdir()) == []


def test_no_two_hold_a_lock_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a pause forced between the removal of the file and the end of the lock."""
    held, most = 0, 0
    guard = threading.Lock()
    removed = inside.remove

    def slow(root: Path, name: str) -> bool:
        done = removed(root, name)
        threading.Event().wait(0.001)
        return done

    monkeypatch.setattr(lock.inside, "remove", slow)

    def work() -> None:
        nonlocal held, most
        for _ in range(20):
            with hold_below(tmp_path, "a/b/lock", "it", wait=True):
                with guard:
                    held += 1
                    most = max(most, held)
                with guard:
                    held -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1 and not list(tmp_path.iterdir())
