"""Looking after an output folder: what is in it, and removing what nobody uses."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import msgspec

from vldata.causes import write_error
from vldata.datasets.derive import Part, publish_parts, read_media, read_whole
from vldata.errors import DataError
from vldata.files.durable import fsync_files
from vldata.files.lock import hold
from vldata.output.contract import Contract, read_contract
from vldata.output.dataset_info import make_entry, merge_entries, read_dataset_info
from vldata.output.folder import DATASET_INFO, IMAGES_DIR, STATE_DIR, VIDEOS_DIR, DatasetPaths, check_name
from vldata.output.journal import discard_state, recover_all
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

    Raises:
        DataError: the new name is taken, or the dataset has sides that name it.
    """
    target = DatasetPaths(paths.out, check_name(new))
    if new in read_dataset_info(paths.out) or target.records.exists():
        raise DataError(f"{new!r} is there already.", where=str(paths.out), cure="Choose another name.")
    if sides := [name for name, _ in iter_sides(paths.out, paths.name)]:
        raise DataError(
            f"{paths.name!r} was split into {', '.join(sides)}, which name it.", where=str(paths.out), cure="Rename before splitting."
        )
    contract = read_contract(paths)
    lines, records = read_whole(paths, contract)
    with hold(target.lock, f"dataset {new!r}"):
        try:
            publish_parts(target, [Part(new, lines, records, contract)], read_media(paths), unregister=(paths.name,))
        finally:
            discard_state(target)
    for left, kept in ((paths.rejects, target.rejects), (paths.repairs, target.repairs)):
        if left.exists():
            left.replace(kept)


def merge_folder(out: Path, other: Path) -> list[str]:
    """Take over every dataset of another output folder with its pictures. Returns their names.

    Raises:
        DataError: a name is taken in both, or there is nothing to take over.
    """
    theirs = [entry for entry in list_datasets(other) if entry.contract]
    if not theirs:
        raise DataError("registers no dataset of ours.", where=str(other), cure="Give the folder that a conversion wrote.")
    registered, mine = read_dataset_info(other), read_dataset_info(out)
    if taken := [entry.name for entry in theirs if entry.name in mine]:
        raise DataError(
            f"both folders have {', '.join(taken)}.", where=str(out), cure=f"Rename in {other} first: vldata info {other} --rename OLD NEW"
        )
    names = []
    for entry in theirs:
        source = DatasetPaths(other, entry.name)
        media = read_media(source)
        _copy_pictures(other, out, media)
        for old in (source.records, source.media, source.rejects, source.repairs, source.contract):
            if old.is_file():
                _copy(old, out / old.name)
        for file in entry.contract.files if entry.contract else ():
            _copy(other / file.name, out / file.name)
        sharded = entry.contract is not None and any("/" in file.name for file in entry.contract.files)
        columns = registered[entry.name].get("columns", {})
        file_name = entry.name if sharded else f"{entry.name}.jsonl"
        merge_entries(out, {entry.name: make_entry(file_name, videos="videos" in columns, tools="tools" in columns)})
        names.append(entry.name)
    return names


def _copy_pictures(other: Path, out: Path, media: dict[str, MediaLine]) -> None:
    for path in media:
        if not (out / path).is_file():
            _copy(other / path, out / path)


def _copy(source: Path, target: Path) -> None:
    """Copy one file in one step, by the block: a video may be larger than memory."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        shutil.copyfile(source, beside)
        fsync_files([beside])
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise write_error(target, error) from None


def prune(out: Path, *, dry_run: bool = False) -> tuple[int, int]:
    """Remove pictures and videos that no dataset of the folder uses. Returns (files, bytes).

    Only files with our names below images/ and videos/ are looked at; nothing is removed while a conversion is running or waiting to
    be resumed.

    Raises:
        DataError: a conversion is unfinished, or an entry cannot be read.
    """
    recover_all(out)
    if (out / STATE_DIR).is_dir() and any((out / STATE_DIR).iterdir()):
        raise DataError(
            "a conversion is running or was interrupted here.", where=str(out), cure="Finish it, or discard it with --fresh, then prune."
        )
    used = _used_pictures(out)
    files = size = 0
    for path in sorted(path for folder in (IMAGES_DIR, VIDEOS_DIR) for path in (out / folder).glob("[0-9a-f][0-9a-f]/*")):
        if len(path.stem) == 64 and path.relative_to(out).as_posix() not in used:
            files += 1
            size += path.stat().st_size
            if not dry_run:
                path.unlink()
    return files, size


def _used_pictures(out: Path) -> set[str]:
    """Every path of ours that any registered dataset names, also those of other tools and the user's own."""
    used: set[str] = set()
    for name, entry in read_dataset_info(out).items():
        paths = DatasetPaths(out, name)
        if paths.contract.is_file() and paths.media.is_file():
            used.update(read_media(paths))
            continue
        file = out / str(entry.get("file_name", ""))
        for part in sorted(file.rglob("*")) if file.is_dir() else [file]:
            if part.is_file():
                used.update(match.decode() for match in _OUR_PATH.findall(part.read_bytes()))
    return used
