"""The commit: a dataset is published whole or not at all.

Everything is staged and fsynced; then the journal, itself fsynced, lists the renames; then they are made, `dataset_info.json` last. A
command that finds a journal rolls it forward, which may be done any number of times.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from vldata.causes import write_error
from vldata.errors import DataError
from vldata.files import strictjson
from vldata.files.durable import fsync_dir, write_atomic
from vldata.files.lock import hold
from vldata.output.dataset_info import merge_entries
from vldata.output.folder import STATE_DIR, DatasetPaths


class Rename(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A staged file or folder and its final name, both relative to the output folder. An existing target is replaced."""

    staged: str
    final: str


class Journal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left to do of a commit."""

    renames: tuple[Rename, ...]
    remove: tuple[str, ...] = ()
    unregister: tuple[str, ...] = ()
    entries: dict[str, dict[str, str | dict[str, str]]] = {}


def commit(paths: DatasetPaths, journal: Journal) -> None:
    """Publish what is staged. After the journal is on disk the result will be complete, if need be by the next command."""
    fsync_dir(paths.staging)
    write_atomic(paths.journal, msgspec.json.encode(journal))
    _roll_forward(paths, journal)


def recover(paths: DatasetPaths) -> bool:
    """Roll a journal forward if one is found; True if so. The caller holds the dataset's lock."""
    if not paths.journal.is_file():
        return False
    try:
        journal = msgspec.json.decode(strictjson.read_bytes(paths.journal), type=Journal)
    except msgspec.DecodeError as error:
        raise DataError(f"unreadable commit journal: {error}.", where=str(paths.journal), cure="Convert again with --fresh.") from None
    _roll_forward(paths, journal)
    return True


def recover_all(out: Path) -> tuple[str, ...]:
    """Finish every interrupted commit in a folder that nobody is working on; returns the datasets' names."""
    state = out / STATE_DIR
    if not state.is_dir():
        return ()
    done = []
    for journal in sorted(state.glob("*/commit.json")):
        paths = DatasetPaths(out, journal.parent.name)
        try:
            with hold(paths.lock, f"dataset {paths.name!r}"):
                if recover(paths):
                    done.append(paths.name)
        except DataError:
            continue  # somebody is at work on it: it is theirs to finish
        discard_state(paths)
    return tuple(done)


def _roll_forward(paths: DatasetPaths, journal: Journal) -> None:
    out = paths.out
    _check_names([name for rename in journal.renames for name in (rename.staged, rename.final)] + list(journal.remove))
    touched: set[Path] = set()
    try:
        for rename in journal.renames:
            staged, final = out / rename.staged, out / rename.final
            if staged.exists():  # else this rename was made before the interruption
                if staged.is_dir() and final.is_dir():
                    _swap_dirs(staged, final)
                else:
                    staged.replace(final)
                touched.add(final.parent)
        for name in journal.remove:
            _remove(out, name)
    except OSError as error:
        raise write_error(out, error) from None
    for folder in touched:
        fsync_dir(folder)
    if journal.entries or journal.unregister:
        merge_entries(out, dict(journal.entries), remove=journal.unregister)
    paths.journal.unlink(missing_ok=True)
    fsync_dir(paths.state)


def _swap_dirs(staged: Path, final: Path) -> None:
    """Replace one folder by another; a folder cannot be renamed onto a full one, so the old steps aside inside the state folder."""
    aside = staged.with_name(staged.name + ".old")
    if aside.exists():
        shutil.rmtree(aside)
    final.rename(aside)
    staged.rename(final)
    shutil.rmtree(aside)


def _remove(out: Path, name: str) -> None:
    """Remove a file of a dataset's former self, and its folder when that was the last in it."""
    path = out / name
    path.unlink(missing_ok=True)
    if path.parent != out:
        with contextlib.suppress(OSError):
            path.parent.rmdir()


def discard_state(paths: DatasetPaths) -> None:
    """Remove staging, journal and lock of a dataset, and the state folder when nothing else is in it."""
    shutil.rmtree(paths.state, ignore_errors=True)
    try:
        paths.state.parent.rmdir()
    except OSError:
        return  # other datasets have state here


def _check_names(names: Sequence[str]) -> None:
    """Refuse names that leave the folder: a journal is read back from disk and must not be a way to move foreign files."""
    for name in names:
        if name.startswith("/") or ".." in Path(name).parts:
            raise DataError(f"the commit journal names {name!r}, outside the folder.")
