"""What a command needs of a remote place: names come from registries and contracts, and hardly anything is listed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vldata.datasets.derive import read_media
from vldata.errors import DataError
from vldata.files import inside
from vldata.files.urls import Url
from vldata.output.contract import Contract, read_contract
from vldata.output.dataset_info import no_dataset, read_dataset_info
from vldata.output.folder import DATASET_INFO, STATE_DIR, DatasetPaths, can_name_files
from vldata.remote.mirror import Mirror
from vldata.remote.store import StoredObject


def pull_registry(mirror: Mirror, out: Url) -> Path:
    """Fetch the registry of a folder and every contract that it names; nothing else of it. A folder without one has none here either."""
    folder = mirror.path(out)
    registry = out / DATASET_INFO
    if found := mirror.store.find(registry):
        before = set(read_dataset_info(folder)) if (folder / DATASET_INFO).is_file() else set()
        mirror.fetch({registry.key: found}, where=str(registry))
        gone = before - set(read_dataset_info(folder))
    else:
        gone = set(read_dataset_info(folder))
        inside.remove(mirror.tree, registry.key)
    for name in gone:  # what was made here and never sent, or was removed there
        _drop(mirror, out, name)
    names = [name for name in read_dataset_info(folder) if can_name_files(name)]
    _fetch_those_there(mirror, out, [f"{name}.contract.json" for name in names])
    return folder


def pull_dataset(mirror: Mirror, target: Url, *, pictures: bool, family: bool = False) -> Path:
    """Fetch one dataset: records, contract, media lines, with `pictures` what these name, with `family` what it was split from and into.

    Raises:
        DataError: there is no such dataset.
    """
    out, name = target.parent, target.name.removesuffix(".jsonl")
    folder = pull_registry(mirror, out)
    if not (folder / DATASET_INFO).is_file():
        raise DataError(f"no {DATASET_INFO} here.", where=str(out), cure="Give URL/NAME of a dataset that vldata wrote.")
    if name not in read_dataset_info(folder):
        raise no_dataset(folder, name)
    for one in _family(folder, name) if family else (name,):
        _pull_files(mirror, out, one, pictures=pictures)
    return folder / name


def pull_folder(mirror: Mirror, out: Url, *, pictures: bool) -> Path:
    """Fetch every dataset of a folder; a URL of one dataset fetches that alone."""
    if mirror.store.find(out / DATASET_INFO) is None and out.key and mirror.store.find(out.parent / DATASET_INFO):
        return pull_dataset(mirror, out, pictures=pictures)
    folder = pull_registry(mirror, out)
    for name in read_dataset_info(folder):
        if can_name_files(name) and DatasetPaths(folder, name).contract.is_file():
            _pull_files(mirror, out, name, pictures=pictures)
    return folder


def pull_tree(mirror: Mirror, url: Url) -> Path:
    """Fetch a file, or everything below a folder.

    Raises:
        DataError: there is nothing.
    """
    if url.key and (found := mirror.store.find(url)):
        mirror.fetch({url.key: found}, where=str(url))
        return mirror.path(url)
    listed = mirror.store.list(url)
    if not listed:
        raise DataError("no such object, and nothing below it.", where=str(url), cure="Check the address: keys are case-sensitive.")
    mirror.fetch(listed, where=str(url))
    _drop_unlisted(mirror, url, listed)
    return mirror.path(url)


def pull_answers(mirror: Mirror, url: Url) -> Path:
    """Fetch a file of references, or the dataset that holds them."""
    if mirror.store.find(url) is None and url.key and mirror.store.find(url.parent / DATASET_INFO):
        return pull_dataset(mirror, url, pictures=False)
    return pull_tree(mirror, url)


def _pull_files(mirror: Mirror, out: Url, name: str, *, pictures: bool) -> None:
    paths = DatasetPaths(mirror.path(out), name)
    if not paths.contract.is_file():
        raise DataError("no contract here: the dataset was not made by vldata.", where=str(out / name), cure="Convert it.")
    contract = read_contract(paths)
    _fetch_those_there(mirror, out, [file.name for file in contract.files], needed=True)
    _fetch_those_there(mirror, out, [path.name for path in (paths.media, paths.rejects, paths.repairs)])
    if pictures and paths.media.is_file():
        key = f"{out.key}/" if out.key else ""
        media: dict[str, StoredObject | None] = {f"{key}{path}": None for path in read_media(paths)}
        mirror.fetch(media, where=str(out / name))


def _fetch_those_there(mirror: Mirror, out: Url, names: Iterable[str], *, needed: bool = False) -> None:
    found = {}
    for name in names:
        told = mirror.store.find(out / name)
        if told is not None:
            found[(out / name).key] = told
        elif needed:
            raise DataError("no such object.", where=str(out / name), cure="Its contract names it: was everything uploaded?")
        else:
            inside.remove(mirror.tree, (out / name).key)
    mirror.fetch(found, where=str(out))


def _family(folder: Path, name: str) -> list[str]:
    """The dataset, what it was split from where that is registered, and all sides of that split."""
    contracts: dict[str, Contract] = {}
    for other in read_dataset_info(folder):
        if can_name_files(other) and (paths := DatasetPaths(folder, other)).contract.is_file():
            contracts[other] = read_contract(paths)
    split = contracts[name].split if name in contracts else None
    parent = split.parent if split else name
    sides = {other for other, contract in contracts.items() if contract.split and contract.split.parent == parent}
    return [other for other in contracts if other in (name, parent) or other in sides]


def _drop(mirror: Mirror, out: Url, name: str) -> None:
    if not can_name_files(name):
        return
    folder, paths = mirror.path(out), DatasetPaths(mirror.path(out), name)
    for path in (paths.records, paths.contract, paths.media, paths.rejects, paths.repairs):
        inside.remove(folder, path.name)
    if inside.is_folder(folder, name):
        inside.remove_tree(folder, name)


def _drop_unlisted(mirror: Mirror, url: Url, listed: dict[str, StoredObject]) -> None:
    """Remove what the store no longer has: a source is read as it is there now."""
    root = mirror.path(url)
    for path in list(root.rglob("*")) if root.is_dir() else ():
        key = path.relative_to(mirror.tree).as_posix()
        if not path.is_dir() and key not in listed and STATE_DIR not in path.parts and not path.name.endswith(".part"):
            inside.remove(mirror.tree, key)
