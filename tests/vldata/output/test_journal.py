"""The commit: what is published, what an interruption leaves, and what is refused, word for word."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from vldata.errors import DataError, VlkitError
from vldata.files import inside
from vldata.output import journal as module
from vldata.output.folder import DatasetPaths
from vldata.output.journal import Journal, Rename, commit, discard_state, recover, refuse_unfinished, unfinished

OWNED = ("d", "d_text")
STAGING = ".vldata/d/staging"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def paths(tmp_path: Path) -> DatasetPaths:
    """A folder with an older dataset of shards, and a newer one of records and shards that is staged."""
    out = tmp_path / "out"
    for number in range(3):
        write(out / f"d/part-0000{number}.jsonl", f"old {number}")
    write(out / "d.contract.json", "old")
    write(out / "d.rejects.jsonl", "old")
    write(out / "d_text.jsonl", "old")
    write(out / "dataset_info.json", json.dumps({"d_text": {"file_name": "d_text.jsonl"}, "theirs": {"file_name": "x.json"}}))
    for number in range(2):
        write(out / f"{STAGING}/d/part-0000{number}.jsonl", f"new {number}")
    write(out / f"{STAGING}/d.contract.json", "new")
    write(out / f"{STAGING}/d.media.jsonl", "new")
    return DatasetPaths(out, "d")


def plan(**changes: object) -> Journal:
    names = ("d", "d.contract.json", "d.media.jsonl")
    whole = Journal(
        made_by="convert",
        renames=tuple(Rename(f"{STAGING}/{name}", name) for name in names),
        remove=("d.rejects.jsonl", "d_text.jsonl"),
        unregister=("d_text",),
        entries={"d": {"file_name": "d"}},
    )
    return msgspec.structs.replace(whole, **changes)


def files(out: Path) -> dict[str, str]:
    return {str(path.relative_to(out)): path.read_text(errors="replace") for path in sorted(out.rglob("*")) if path.is_file()}


def published(out: Path) -> dict[str, str]:
    return {name: text for name, text in files(out).items() if not name.startswith(".vldata")}


NEW = {
    "d/part-00000.jsonl": "new 0",
    "d/part-00001.jsonl": "new 1",
    "d.contract.json": "new",
    "d.media.jsonl": "new",
}


def test_what_is_staged_replaces_what_was_there(paths: DatasetPaths) -> None:
    commit(paths, plan(), owned=OWNED)
    found = published(paths.out)
    registry = json.loads(found.pop("dataset_info.json"))
    assert found == NEW
    assert registry == {"theirs": {"file_name": "x.json"}, "d": {"file_name": "d"}}
    assert [name for name in files(paths.out) if name.startswith(".vldata/d/")] == []
    assert recover(paths, "convert", owned=OWNED) is False


def test_shards_that_go_take_their_empty_folder_along(paths: DatasetPaths) -> None:
    write(paths.staging / "d.jsonl", "new")
    gone = tuple(f"d/part-0000{number}.jsonl" for number in range(3))
    renames = tuple(Rename(f"{STAGING}/{name}", name) for name in ("d.jsonl", "d.contract.json", "d.media.jsonl"))
    commit(paths, plan(renames=renames, remove=gone, unregister=(), entries={}), owned=OWNED)
    assert not (paths.out / "d").exists() and (paths.out / "d.jsonl").read_text() == "new"
    assert json.loads((paths.out / "dataset_info.json").read_text()).keys() == {"d_text", "theirs"}, "nothing was to be registered"


class StopError(Exception):
    """The machine goes down."""


STEPS = ("move", "remove", "remove_tree", "remove_empty_folder")


def interrupted(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Let the world end before step `at` of those that change a folder."""
    taken = 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def step(*args: object, **kwargs: object) -> object:
            nonlocal taken
            taken += 1
            if taken == at:
                raise StopError
            return real(*args, **kwargs)

        return step

    steps = {name: counted(getattr(inside, name)) for name in STEPS}
    monkeypatch.setattr(module, "inside", SimpleNamespace(**{**vars(inside), **steps}))
    for name in ("merge_entries", "write_atomic", "fsync_dir"):
        monkeypatch.setattr(module, name, counted(getattr(module, name)))


def test_an_interruption_before_any_step_leaves_the_old_or_what_the_command_finishes(paths: DatasetPaths, tmp_path: Path) -> None:
    shutil.copytree(paths.out, tmp_path / "kept")
    old = published(paths.out)
    for at in itertools.count(1):
        shutil.rmtree(paths.out)
        shutil.copytree(tmp_path / "kept", paths.out)
        with pytest.MonkeyPatch.context() as patch:
            interrupted(patch, at)
            try:
                commit(paths, plan(), owned=OWNED)
            except StopError:
                pass
            else:
                break
        if recover(paths, "convert", owned=OWNED):
            assert {name: text for name, text in published(paths.out).items() if name != "dataset_info.json"} == NEW
            assert json.loads((paths.out / "dataset_info.json").read_text()).keys() == {"theirs", "d"}
            assert unfinished(paths.out) == () and recover(paths, "convert", owned=OWNED) is False
        else:
            assert published(paths.out) in (old, {**NEW, "dataset_info.json": (paths.out / "dataset_info.json").read_text()})
    assert at > 12


def test_the_disk_has_each_step_before_the_next(paths: DatasetPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Staged files before the journal, the journal before the first rename, the renames before it goes, and its going at last."""
    told: list[tuple[str, str]] = []

    def watch(owner: object, name: str, place: Callable[..., str]) -> None:
        real = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *args, **kwargs: (told.append((name, place(*args))), real(*args, **kwargs))[1])

    watch(module, "fsync_dir", lambda path: str(path.relative_to(paths.out)))
    watch(module, "write_atomic", lambda path, _: str(path.relative_to(paths.out)))
    monkeypatch.setattr(module, "merge_entries", lambda *_, **__: told.append(("merge_entries", "")))
    watch(inside, "move", lambda _, name, final: final)
    watch(inside, "remove", lambda _, name: name)
    commit(paths, plan(), owned=OWNED)
    assert told == [
        ("fsync_dir", ".vldata/d/staging"),
        ("write_atomic", ".vldata/d/commit.json"),
        ("move", f"{STAGING}/d.old"),
        ("move", "d"),
        ("move", "d.contract.json"),
        ("move", "d.media.jsonl"),
        ("remove", "d.rejects.jsonl"),
        ("remove", "d_text.jsonl"),
        ("fsync_dir", "."),
        ("merge_entries", ""),
        ("remove", ".vldata/d/commit.json"),
        ("fsync_dir", ".vldata/d"),
    ]


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def left(paths: DatasetPaths, journal: Journal | bytes | None = None) -> None:
    """Leave a journal as an interrupted command does."""
    shards = "".join(f"part-0000{number}.jsonl {sha(f'new {number}')}\n" for number in range(2))
    sums = {"d": sha(shards), "d.contract.json": sha("new"), "d.media.jsonl": sha("new")}
    found = journal or plan(renames=tuple(Rename(f"{STAGING}/{name}", name, sums[name]) for name in sums))
    paths.journal.write_bytes(found if isinstance(found, bytes) else msgspec.json.encode(found))


def test_a_journal_names_the_digests_of_what_is_staged(paths: DatasetPaths) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_roll_forward", lambda *_: None)
        commit(paths, plan(), owned=OWNED)
    written = paths.journal.read_bytes()
    left(paths)
    assert paths.journal.read_bytes() == written
    assert recover(paths, "convert", owned=OWNED) is True
    assert (paths.out / "d.contract.json").read_text() == "new"


CURE = "\n  Run the command again that was interrupted, or remove {out}/.vldata/d and what it staged."


@pytest.mark.parametrize(
    ("journal", "fault"),
    [
        (plan(made_by="split"), "was left by an interrupted `split`, not by this command"),
        (plan(renames=(Rename("d.contract.json", "d.jsonl"),)), "names 'd.contract.json', which is not staged there"),
        (plan(renames=(Rename(f"{STAGING}/../d.jsonl", "d.jsonl"),)), f"names '{STAGING}/../d.jsonl', which is not staged there"),
        (plan(renames=(Rename(f"{STAGING}/d/part-00000.jsonl", "d.jsonl"),)), "which is not staged there"),
        (plan(renames=(Rename(".vldata/e/staging/d.jsonl", "d.jsonl"),)), "names '.vldata/e/staging/d.jsonl', which is not staged there"),
        (plan(renames=(Rename(f"{STAGING}/d.jsonl", "e.jsonl"),)), "names 'e.jsonl', which is no file of d, d_text"),
        (plan(remove=("theirs.txt",)), "names 'theirs.txt', which is no file of d, d_text"),
        (plan(unregister=("theirs",)), "names the dataset 'theirs', which is not this command's"),
        (plan(entries={"e": {}, "f": {}}), "names the dataset 'e', which is not this command's"),
        (plan(renames=(Rename(f"{STAGING}/d.media.jsonl", "d.media.jsonl", "0"),)), "on 'd.media.jsonl', which is not what was staged"),
        (plan(renames=(Rename(f"{STAGING}/d.jsonl", "d.jsonl", sha("x")),)), "stands on 'd.jsonl', which is not what was staged"),
        (b"{", "is no commit journal: Input data was truncated"),
        (b'{"made_by": "convert"}', "is no commit journal: Object missing required field `renames`"),
        (b'{"made_by": "convert", "renames": [], "more": 1}', "is no commit journal: Object contains unknown field `more`"),
        (b"\xff", "is no commit journal: "),
    ],
)  # fmt: skip
def test_a_journal_that_is_not_this_commands_is_refused(paths: DatasetPaths, journal: Journal | bytes, fault: str) -> None:
    left(paths, journal)
    before = files(paths.out)
    with pytest.raises(DataError) as caught:
        recover(paths, "convert", owned=OWNED)
    said = str(caught.value)
    assert said.startswith(f"{paths.journal}: ") and fault in said
    assert said.endswith("; nothing of it was done." + CURE.format(out=paths.out))
    assert files(paths.out) == before


def test_what_was_made_before_the_interruption_must_be_what_was_staged(paths: DatasetPaths) -> None:
    left(paths)
    (paths.staging / "d.media.jsonl").rename(paths.media)
    assert recover(paths, "convert", owned=OWNED) is True
    assert {name: text for name, text in published(paths.out).items() if name != "dataset_info.json"} == NEW


def test_nothing_is_published_through_a_link(paths: DatasetPaths, tmp_path: Path) -> None:
    (paths.staging / "d.media.jsonl").rename(tmp_path / "elsewhere")
    (paths.staging / "d.media.jsonl").symlink_to(tmp_path / "elsewhere")
    before = published(paths.out)
    with pytest.raises(inside.LinkError) as caught:
        commit(paths, plan(), owned=OWNED)
    assert str(caught.value) == f"{paths.out}/{STAGING}/d.media.jsonl: is a link, and nothing is published through one."
    assert published(paths.out) == before and not paths.journal.exists()
    paths.journal.symlink_to(tmp_path / "journal")
    with pytest.raises(inside.LinkError, match=r"commit\.json: is a link"):
        recover(paths, "convert", owned=OWNED)


def test_what_the_disk_refuses_is_said_with_its_place(paths: DatasetPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(inside, "move", full)
    with pytest.raises(VlkitError, match="No space left") as caught:
        commit(paths, plan(), owned=OWNED)
    assert str(paths.out) in str(caught.value) and paths.journal.is_file()


def test_an_unfinished_commit_is_named_and_touched_by_nobody_who_reads(paths: DatasetPaths) -> None:
    other, third = DatasetPaths(paths.out, "e"), DatasetPaths(paths.out, "theirs")
    assert unfinished(paths.out) == () and unfinished(paths.out / "nowhere") == ()
    left(paths)
    write(other.journal, "{")
    assert unfinished(paths.out) == ("d", "e")
    for half in (paths, other, DatasetPaths(paths.out, "d_text")):
        with pytest.raises(DataError) as caught:
            refuse_unfinished(half)
        journal = other.journal if half is other else paths.journal
        assert str(caught.value) == (
            f"{paths.out / half.name}: is half replaced: the command that writes it was interrupted, or is running.\n"
            f"  Run that command again to finish it. Its journal: {journal}"
        )
    refuse_unfinished(third)
    assert paths.journal.is_file() and other.journal.is_file()


def test_what_is_left_of_a_dataset_goes_but_for_the_lock(paths: DatasetPaths, tmp_path: Path) -> None:
    discard_state(DatasetPaths(paths.out, "nobody"))
    left(paths)
    write(paths.lock, "me")
    write(tmp_path / "kept/file", "kept")
    (paths.state / "link").symlink_to(tmp_path / "kept")
    before = published(paths.out)
    discard_state(paths)
    assert [path.name for path in paths.state.iterdir()] == ["lock"]
    assert (tmp_path / "kept/file").is_file() and published(paths.out) == before
    left(paths)
    discard_state(paths, keep=())
    assert list(paths.state.iterdir()) == []
