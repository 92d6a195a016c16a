"""Looking after an output folder: what is in it, and removing what nobody uses."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from vldata.datasets.derive import NewDataset, publish_parts, read_media
from vldata.datasets.whole import read_whole
from vldata.errors import DataError
from vldata.files import inside
from vldata.files.copying import copy_below
from vldata.files.gate import below
from vldata.files.paths import path_fault
from vldata.output.contract import Contract, read_contract
from vldata.output.dataset_info import Entry as RegistryEntry
from vldata.output.dataset_info import columns_of, make_entry, read_dataset_info
from vldata.output.folder import DATASET_INFO, IMAGES_DIR, STATE_DIR, VIDEOS_DIR, DatasetPaths, can_name_files, check_name
from vldata.output.journal import Journal, Rename, commit, recover
from vldata.output.ownership import hold_datasets
from vldata.output.publish import MediaLine
from vldata.output.sides import iter_sides, parent_digest

_WHICH_FOLDER = "Give the folder that a conversion wrote, for example prepared."
_OUR_PATH = re.compile(rb"(?:images|videos)/[0-9a-f]{2}/[0-9a-f]{64}\.[a-z0-9]{2,4}")


class Entry(msgspec.Struct, frozen=True):
    """One registered dataset: `contract` is None for another tool's or the user's own."""

    name: str
    contract: Contract | None
    note: str = ""


def list_datasets(out: Path) -> list[Entry]:
    """List what a folder registers, with a note where a split's parent has changed.

    Raises:
        DataError: there is no such folder, or it registers nothing.
    """
    if not out.is_dir():
        raise DataError("is not a folder." if out.exists() else "no such folder.", where=str(out), cure=_WHICH_FOLDER)
    if not (out / DATASET_INFO).is_file():
        raise DataError(f"no {DATASET_INFO} here.", where=str(out), cure=_WHICH_FOLDER)
    entries = []
    for name in read_dataset_info(out):
        if not can_name_files(name):
            entries.append(Entry(name, None, "its name is no plain one: no file of it is looked for here"))
            continue
        paths = DatasetPaths(out, name)
        if not paths.contract.is_file():
            entries.append(Entry(name, None))
            continue
        contract = read_contract(paths)
        entries.append(Entry(name, contract, _split_note(out, contract)))
    return entries


def _split_note(out: Path, contract: Contract) -> str:
    if contract.split is None:
        return ""
    parent = DatasetPaths(out, contract.split.parent)
    if not parent.contract.is_file():
        return f"side of {parent.name!r}, which is not here"
    if parent_digest(read_contract(parent)) != contract.split.parent_sha256:
        return f"side of {parent.name!r}, which CHANGED after the split: split again"
    return f"side of {parent.name!r}"


def rename(paths: DatasetPaths, new: str) -> None:
    """Give a dataset another name, in one commit. Sides of a split of it keep pointing to the digest, not the name.

    One that was interrupted goes on when it is called again.

    Raises:
        DataError: the new name is taken, or the dataset has sides that name it.
    """
    target = DatasetPaths(paths.out, check_name(new))
    if new == paths.name:
        raise DataError(f"{new!r} is its name already.", where=str(paths.out), cure="Choose another name.")
    read_dataset_info(paths.out)  # before a lock is laid into a folder that is none of ours
    with hold_datasets([target, paths]):
        if recover(target, "rename", owned=(paths.name, new)):
            return
        _refuse_rename(paths, target)
        contract = read_contract(paths)
        kept = ((paths.rejects, target.rejects), (paths.repairs, target.repairs))
        more = [(final.name, left) for left, final in kept if left.is_file()]
        with read_whole(paths, contract) as whole:
            part = NewDataset(new, whole, contract)
            publish_parts(target, [part], read_media(paths), made_by="rename", unregister=(paths.name,), more=more)


def _refuse_rename(paths: DatasetPaths, target: DatasetPaths) -> None:
    if target.name in read_dataset_info(paths.out) or target.records.exists():
        raise DataError(f"{target.name!r} is there already.", where=str(paths.out), cure="Choose another name.")
    if sides := [name for name, _ in iter_sides(paths.out, paths.name)]:
        raise DataError(
            f"{paths.name!r} was split into {', '.join(sides)}, which name it.", where=str(paths.out), cure="Rename before splitting."
        )


def merge_folder(out: Path, other: Path) -> list[str]:
    """Take over every dataset of another output folder with its pictures, all of them in one commit. Returns their names.

    Nothing is taken that is outside the other folder; a picture whose bytes are not those of its name stops the merge.

    Raises:
        DataError: a name is taken in both, a file leads out of the other folder or is damaged, or there is nothing to take over.
    """
    theirs = {entry.name: entry.contract for entry in list_datasets(other) if entry.contract}
    if not theirs:
        raise DataError("registers no dataset of ours.", where=str(other), cure="Give the folder that a conversion wrote.")
    targets = [DatasetPaths(out, check_name(name)) for name in theirs]
    first = targets[0]
    with hold_datasets(targets):
        if not recover(first, "merge", owned=tuple(theirs)):
            mine = read_dataset_info(out)
            if taken := [name for name in theirs if name in mine]:
                cure = f"Rename in {other} first: vldata info {other} --rename OLD NEW"
                raise DataError(f"both folders have {', '.join(taken)}.", where=str(out), cure=cure)
            registered = read_dataset_info(other)
            journal = _stage_merge(first, other, theirs, registered)
            commit(first, journal, owned=tuple(theirs))
    return list(theirs)


def _stage_merge(first: DatasetPaths, other: Path, theirs: dict[str, Contract], registered: dict[str, RegistryEntry]) -> Journal:
    """Copy the pictures to their place, and everything that names a dataset next to it, for one commit."""
    out, staging = first.out, first.staging.relative_to(first.out).as_posix()
    inside.remove_tree(out, staging)
    renames: list[Rename] = []
    entries = {}
    for name, contract in theirs.items():
        source = DatasetPaths(other, name)
        for line in read_media(source).values():
            _copy_medium(other, out, line)
        for path in (source.media, source.rejects, source.repairs, source.contract):
            if path.is_file() or path == source.contract:
                copy_below(below(other, path.name), out, f"{staging}/{path.name}")
                renames.append(Rename(f"{staging}/{path.name}", path.name))
        for file in contract.files:
            copy_below(below(other, file.name, str(source.contract)), out, f"{staging}/{file.name}", sha256=file.sha256)
        sharded = any("/" in file.name for file in contract.files)
        final = name if sharded else f"{name}.jsonl"
        renames.append(Rename(f"{staging}/{final}", final))
        columns = columns_of(registered[name])
        entries[name] = make_entry(final, videos="videos" in columns, tools="tools" in columns, parts=contract.parts)
    return Journal(made_by="merge", renames=tuple(renames), entries=entries)


def _copy_medium(other: Path, out: Path, line: MediaLine) -> None:
    """Copy a picture or video, unless one with its digest is there already."""
    if not line.path.startswith((f"{IMAGES_DIR}/", f"{VIDEOS_DIR}/")):
        raise DataError(f"names {line.path!r}, which is no medium of ours.", where=str(other), cure="Convert again.")
    copy_below(below(other, line.path), out, line.path, sha256=line.sha256, kind="video" if line.frames else "image")


def prune(out: Path, *, dry_run: bool = False) -> tuple[int, int]:
    """Remove pictures and videos that no dataset of the folder uses. Returns (files, bytes).

    Only files with our names below images/ and videos/ are looked at; nothing is removed while a conversion is running or waiting to
    be resumed.

    Raises:
        DataError: a conversion is unfinished, or an entry cannot be read.
    """
    inside.refuse_links(out, f"{STATE_DIR}/x")
    if (out / STATE_DIR).is_dir() and any((out / STATE_DIR).iterdir()):
        raise DataError(
            "a conversion is running or was interrupted here.", where=str(out), cure="Finish it, or discard it with --fresh, then prune."
        )
    used = _used_pictures(out)
    files = size = 0
    for path in sorted(path for folder in (IMAGES_DIR, VIDEOS_DIR) for path in (out / folder).glob("[0-9a-f][0-9a-f]/*")):
        if len(path.stem) == 64 and path.relative_to(out).as_posix() not in used:
            files += 1
            size += path.stat(follow_symlinks=False).st_size
            if not dry_run:
                inside.remove(out, path.relative_to(out).as_posix())
    return files, size


def _files_of(out: Path, name: str) -> list[Path]:
    named = below(out, name, str(out / DATASET_INFO))
    if (folder := named.folder()) is not None:
        return [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [named.checked()] if named.exists() else []


def _used_pictures(out: Path) -> set[str]:
    """Every path of ours that any registered dataset names, also those of other tools and the user's own."""
    used: set[str] = set()
    for name, entry in read_dataset_info(out).items():
        if can_name_files(name) and (paths := DatasetPaths(out, name)).contract.is_file() and paths.media.is_file():
            used.update(read_media(paths))
            continue
        named = entry.get("file_name")
        if not isinstance(named, str) or path_fault(named.rstrip("/")):
            continue  # on a hub, or elsewhere: its records can name no picture of this folder by a relative path
        for part in _files_of(out, named.rstrip("/")):
            with part.open("rb") as lines:
                used.update(match.decode() for line in lines for match in _OUR_PATH.findall(line))
    return used
