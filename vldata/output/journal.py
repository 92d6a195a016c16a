"""The commit: a dataset is published whole or not at all.

Everything is staged and fsynced; then the journal, itself fsynced, lists the renames with the digest of what is to be renamed; then they
are made, `dataset_info.json` last. A journal is finished by the command that made it and by no other: under the lock of its dataset, when
every name in it belongs to that command's datasets, every staged file has the digest it names, and no part of a path is a link. A command
that only reads names a journal that it finds and touches nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from vldata.causes import write_error
from vldata.errors import DataError
from vldata.files import inside, strictjson
from vldata.files.durable import fsync_dir, write_atomic
from vldata.output.dataset_info import merge_entries
from vldata.output.folder import STATE_DIR, DatasetPaths, can_name_files

JOURNAL = "commit.json"


class Rename(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A staged file or folder and its final name, both relative to the output folder. An existing target is replaced.

    `sha256` is that of the file, or of the names and digests of the files in the folder.
    """

    staged: str
    final: str
    sha256: str = ""


class Journal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left to do of a commit. `made_by` is the command: convert, split, sample, filter, mix, pii, rename, merge."""

    made_by: str
    renames: tuple[Rename, ...]
    remove: tuple[str, ...] = ()
    unregister: tuple[str, ...] = ()
    entries: dict[str, dict[str, str | dict[str, str]]] = {}


def commit(paths: DatasetPaths, journal: Journal, *, owned: Collection[str]) -> None:
    """Publish what is staged. After the journal is on disk the result will be complete, if need be by the same command run again."""
    sealed = tuple(msgspec.structs.replace(rename, sha256=_digest(paths.out, rename.staged)) for rename in journal.renames)
    journal = msgspec.structs.replace(journal, renames=sealed)
    _check(paths, journal, journal.made_by, owned)
    fsync_dir(paths.staging)
    write_atomic(paths.journal, msgspec.json.encode(journal))
    _roll_forward(paths, journal)


def recover(paths: DatasetPaths, made_by: str, *, owned: Collection[str]) -> bool:
    """Finish the commit that this command was interrupted in; True if there was one. The caller holds the dataset's lock.

    Args:
        paths: whose journal.
        made_by: the command that is running.
        owned: the datasets it writes; a journal that names another is none of its.

    Raises:
        DataError: the journal is another command's, is torn, or names what is not this command's to write.
    """
    inside.refuse_links(paths.out, f"{STATE_DIR}/{paths.name}/{JOURNAL}")
    if not paths.journal.is_file():
        return False
    journal = _read(paths)
    _check(paths, journal, made_by, owned)
    for rename in journal.renames:
        if (_digest(paths.out, rename.staged) or _digest(paths.out, rename.final)) != rename.sha256:
            raise _refused(paths, f"stands on {rename.final!r}, which is not what was staged")
    _roll_forward(paths, journal)
    return True


def unfinished(out: Path) -> tuple[str, ...]:
    """Names of the datasets whose commit somebody was interrupted in, or is at work on; nothing is touched."""
    state = out / STATE_DIR
    try:
        return tuple(sorted(path.parent.name for path in state.glob(f"*/{JOURNAL}")))
    except OSError:
        return ()


def refuse_unfinished(paths: DatasetPaths) -> None:
    """Refuse to read a dataset of which a commit was interrupted: parts of it are old and parts are new.

    Raises:
        DataError: it says which command finishes it.
    """
    for name in unfinished(paths.out):
        other = DatasetPaths(paths.out, name)
        try:
            journal = _read(other)
        except DataError:
            touched = {name}
        else:
            touched = {*journal.entries, *journal.unregister}
        if paths.name in touched:
            raise DataError(
                "is half replaced: the command that writes it was interrupted, or is running.",
                where=str(paths.out / paths.name),
                cure=f"Run that command again to finish it. Its journal: {other.journal}",
            )


def _read(paths: DatasetPaths) -> Journal:
    try:
        return msgspec.json.decode(strictjson.read_bytes(paths.journal), type=Journal)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refused(paths, f"is no commit journal: {error}") from None


def _check(paths: DatasetPaths, journal: Journal, made_by: str, owned: Collection[str]) -> None:
    """Hold every name of a journal to be this command's: a journal is read back from disk and must be no way to move foreign files."""
    if journal.made_by != made_by:
        raise _refused(paths, f"was left by an interrupted `{journal.made_by}`, not by this command")
    theirs = [DatasetPaths(paths.out, name) for name in owned]
    staging = f"{STATE_DIR}/{paths.name}/staging/"
    for rename in journal.renames:
        rest = rename.staged.removeprefix(staging)
        if not rename.staged.startswith(staging) or not can_name_files(rest):
            raise _refused(paths, f"names {rename.staged!r}, which is not staged there")
    for name in (*(rename.final for rename in journal.renames), *journal.remove):
        if not any(dataset.owns(name) for dataset in theirs):
            raise _refused(paths, f"names {name!r}, which is no file of {', '.join(sorted(owned))}")
    if foreign := [name for name in (*journal.entries, *journal.unregister) if name not in owned]:
        raise _refused(paths, f"names the dataset {foreign[0]!r}, which is not this command's")


def _refused(paths: DatasetPaths, fault: str) -> DataError:
    return DataError(
        f"{fault}; nothing of it was done.",
        where=str(paths.journal),
        cure=f"Run the command again that was interrupted, or remove {paths.state} and what it staged.",
    )


def _digest(out: Path, name: str) -> str:
    """Digest of a staged file, or of the files of a staged folder by name; "" for nothing there."""
    path = out / name
    if path.is_symlink():
        raise inside.LinkError("is a link, and nothing is published through one.", where=str(path))
    if path.is_dir():
        parts = sorted(path.iterdir())
        return hashlib.sha256("".join(f"{part.name} {_digest(out, f'{name}/{part.name}')}\n" for part in parts).encode()).hexdigest()
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise write_error(path, error) from None


def _roll_forward(paths: DatasetPaths, journal: Journal) -> None:
    out = paths.out
    try:
        for rename in journal.renames:
            if inside.is_folder(out, rename.staged) and inside.is_folder(out, rename.final):
                _swap_dirs(out, rename.staged, rename.final)
            else:
                inside.move(out, rename.staged, rename.final)  # where nothing is staged, it was made before the interruption
        for name in journal.remove:
            if inside.remove(out, name) and "/" in name:
                inside.remove_empty_folder(out, name.rpartition("/")[0])
    except OSError as error:
        raise write_error(out, error) from None
    fsync_dir(out)
    if journal.entries or journal.unregister:
        merge_entries(out, dict(journal.entries), remove=journal.unregister)
    inside.remove(out, f"{STATE_DIR}/{paths.name}/{JOURNAL}")
    fsync_dir(paths.state)


def _swap_dirs(out: Path, staged: str, final: str) -> None:
    """Replace one folder by another; a folder cannot be renamed onto a full one, so the old steps aside inside the state folder."""
    inside.remove_tree(out, f"{staged}.old")
    inside.move(out, final, f"{staged}.old")
    inside.move(out, staged, final)
    inside.remove_tree(out, f"{staged}.old")


def discard_state(paths: DatasetPaths, keep: Sequence[str] = ("lock",)) -> None:
    """Remove staging and journal of a dataset. The lock stays for whoever holds it to remove."""
    name = f"{STATE_DIR}/{paths.name}"
    if not inside.is_folder(paths.out, name):
        return
    for entry in sorted(paths.state.iterdir()):
        if entry.name in keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            inside.remove_tree(paths.out, f"{name}/{entry.name}")
        else:
            inside.remove(paths.out, f"{name}/{entry.name}")
