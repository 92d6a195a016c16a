"""Datasets as a recipe names them: records, sizes of their pictures, contract and digests; and the cut into train and validation.

A dataset made by `vldata` has its contract next to it. One registered in a `dataset_info.json` without a contract is read as well, as long
as its rows are `messages` and `images`; its pictures are then measured one by one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import msgspec
import numpy as np

from vldata.errors import DataError, UsageError
from vldata.files import strictjson
from vldata.files.gate import SafePath, below, refuse_unsafe
from vldata.files.urls import find_url
from vldata.media.pixels import Size
from vldata.output.contract import Contract, read_contract
from vldata.output.dataset_info import Entry, columns_of, no_dataset, read_dataset_info
from vldata.output.folder import DATASET_INFO, DatasetPaths, can_name_files
from vldata.output.journal import refuse_unfinished
from vldata.records.parts import PARTS, TASKS, is_our_formatting, parts_of, said_of
from vldata.records.record import Message, Record, iter_records


class Example(msgspec.Struct, frozen=True):
    """A record and where its pictures are, with their sizes; `store` is the URL of their folder where they are in an object store."""

    record: Record
    folder: Path
    sizes: tuple[Size, ...]
    store: str = ""


class Openable(Protocol):
    """An image as a file, wherever it is; as text its name for messages."""

    def open(self) -> BinaryIO:
        """Open it for reading."""


def open_images(example: Example) -> Sequence[Openable]:
    """The images of an example: files of this machine, or read from their store now and held to their digests.

    Raises:
        DataError: one leads out of the folder, or the store has none such or does not answer.
    """
    if example.store:
        from vldata.remote.images import read_images

        return read_images(example.store, example.record.images)
    return [below(example.folder, image, example.record.id) for image in example.record.images]


class DataFile(msgspec.Struct, frozen=True):
    """A records file of a run, for the manifest."""

    name: str
    sha256: str


class LoadedSet(msgspec.Struct, frozen=True):
    """One dataset, whole."""

    target: str
    examples: tuple[Example, ...]
    contract: Contract | None
    files: tuple[DataFile, ...]


class _MediaSize(msgspec.Struct, frozen=True):
    path: str
    width: int
    height: int


def load_set(target: str, *, limit: int | None = None) -> LoadedSet:
    """Load `DIR/NAME` or `s3://bucket/DIR/NAME`: its first `limit` records. Of a store the text is fetched, and no picture.

    Raises:
        DataError: it is not there, holds videos, or holds a record without an answer.
        UsageError: `target` is not a dataset's name.
    """
    asked, store = _place(target)
    folder, name = asked.out, asked.name
    files, contract_name = _files(folder, name)
    paths = DatasetPaths(folder, contract_name) if can_name_files(contract_name) else DatasetPaths(folder, name)
    refuse_unfinished(paths)
    contract = read_contract(paths) if paths.contract.is_file() else None
    if contract is not None:
        _refuse_other_shards(folder, files, contract)
    sizes = _read_sizes(paths.media) if paths.media.is_file() else {}
    examples: list[Example] = []
    for file in files:
        for number, record in _iter_any(file, ours=contract is not None):
            if limit is not None and len(examples) >= limit:
                break
            _refuse_unusable(record, f"{file}:{number}")
            examples.append(Example(record, folder, tuple(_size(folder, image, sizes, store) for image in record.images), store))
    if not examples:
        raise DataError("holds no records.", where=target, cure="Convert again; the rejects file says why records were left out.")
    digests = tuple(DataFile(file.relative_to(folder).as_posix(), _sha256(file)) for file in files)
    return LoadedSet(target, tuple(examples), contract, digests)


def _place(target: str) -> tuple[DatasetPaths, str]:
    """Where a dataset is on this machine, and the URL of its folder where its pictures are elsewhere."""
    url = find_url(target)
    if url is None:
        return DatasetPaths.at(target), ""
    from vldata.remote.mirror import Mirror
    from vldata.remote.pulling import pull_dataset

    fetched = pull_dataset(Mirror(url, "read", lambda _: None), url, pictures=False)
    return DatasetPaths.at(str(fetched)), str(url.parent)


def _files(folder: Path, name: str) -> tuple[list[Path], str]:
    """The record files of a dataset, and the name its contract goes by."""
    entries = read_dataset_info(folder)
    if name not in entries:
        if not (folder / DATASET_INFO).is_file():
            cure = f"Convert into this folder (vldata convert ... --out {folder}), or name DIR/NAME."
            raise DataError(f"no {DATASET_INFO} here, so no dataset {name!r}.", where=str(folder), cure=cure)
        raise no_dataset(folder, name)
    entry = entries[name]
    file_name = entry.get("file_name")
    if not isinstance(file_name, str) or not _is_ours(entry):
        raise DataError(
            f"{name!r} is not a sharegpt dataset on disk.",
            where=str(folder / DATASET_INFO),
            cure="Convert it: vldata convert sharegpt FILE",
        )
    info = str(folder / DATASET_INFO)
    file_name = file_name.rstrip("/")
    named = below(folder, file_name, info)
    if not named.exists():
        raise DataError("is not there.", where=str(named), cure="Convert again, or repair dataset_info.json.")
    inside = named.folder()
    parts = [f"{file_name}/{part.name}" for part in sorted(inside.glob("*.jsonl"))] if inside is not None else [file_name]
    if not parts:
        raise DataError("holds no .jsonl file.", where=str(named), cure="Convert again, or repair dataset_info.json.")
    return [below(folder, part, info).checked() for part in parts], file_name.removesuffix(".jsonl")


def _refuse_other_shards(folder: Path, files: Sequence[Path], contract: Contract) -> None:
    """Hold the files of a dataset to those of its contract, by name: a missing shard would be trained without, one too many with.

    Raises:
        DataError: one is missing, or one too many.
    """
    there, known = {file.relative_to(folder).as_posix() for file in files}, {file.name for file in contract.files}
    for name in sorted(known - there):
        raise DataError("is not there, and the contract names it.", where=str(folder / name), cure="Restore the shard, or convert again.")
    for name in sorted(there - known):
        raise DataError(
            "is not named by the contract.", where=str(folder / name), cure="Remove it if it is of another run, or convert again."
        )


def _is_ours(entry: Entry) -> bool:
    """Whether an entry registers turns of roles; preference data of another tool would be learned as answers.

    Raises:
        DataError: it is such.
    """
    if is_our_formatting(entry.get("formatting")):
        return True
    if entry.get("ranking") or (columns_of(entry).get("kto_tag") not in (None, "wanted")):
        raise DataError(
            f"{entry.get('file_name')!r} is preference data: vltrain sft learns answers.",
            cure="Convert it (vldata convert sharegpt dataset_info.json --dataset NAME), then: vldata export DIR/NAME --to trl",
        )
    return entry.get("formatting") == "sharegpt"


def _iter_any(file: Path, *, ours: bool) -> Iterator[tuple[int, Record]]:
    if ours:
        yield from iter_records(file)
        return
    if file.suffix == ".json":
        rows: Iterator[tuple[int, Any]] = enumerate(strictjson.read_json(file), start=1)
    else:
        rows = ((number, strictjson.loads(line)) for number, line in strictjson.iter_lines(file))
    for number, row in rows:
        record = _plain_record(row, f"{file}:{number}")
        refuse_unsafe(file.parent, record.media, f"{file}:{number}")
        yield number, record


_BESIDE = frozenset({"chosen", "rejected", "rejected_response", "rejected_messages", "kto_tag", "label", "wanted", "solution"})


def _plain_record(row: Any, where: str) -> Record:
    """Read a row of messages and images that is not a whole record of ours."""
    try:
        messages = msgspec.convert(row["messages"], tuple[Message, ...])
        images = msgspec.convert(row.get("images") or [], tuple[str, ...])
        videos = tuple(row["videos"]) if row.get("videos") else msgspec.UNSET
    except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
        raise DataError(
            f"is not a row of messages and images: {error}.", where=where, cure="Convert it: vldata convert sharegpt FILE"
        ) from None
    if beside := sorted(_BESIDE & row.keys()):
        raise DataError(
            f"has {', '.join(map(repr, beside))}, which would be passed over.", where=where, cure="Convert it: vldata convert sharegpt FILE"
        )
    identity = str(row.get("id") or where)
    return Record(id=identity, messages=messages, images=images, references=(), meta={}, videos=videos)


def _refuse_unusable(record: Record, where: str) -> None:
    if record.videos is not msgspec.UNSET and record.videos:
        raise DataError(
            "holds videos, which are not trained on as such.", where=where, cure="Convert with frames: vldata convert ... --frames 8"
        )
    if tasks := [name for name in parts_of(record) if name in TASKS]:
        raise DataError(
            f"holds {said_of(tasks)}: data for {PARTS[tasks[0]].training}, and vltrain sft learns answers.",
            where=where,
            cure="TRL trains on it: vldata export DIR/NAME --to trl --out EXPORT, then python EXPORT/NAME.trl.py",
        )
    if not record.messages or record.messages[-1].role not in ("assistant", "function_call") or not record.messages[-1].content.strip():
        raise DataError(
            f"record {record.id!r} has no answer to learn.", where=where, cure="Take a dataset with answers, or leave such records out."
        )


def _read_sizes(path: Path) -> dict[str, Size]:
    decoder = msgspec.json.Decoder(_MediaSize)
    try:
        return {line.path: (line.width, line.height) for line in (decoder.decode(raw) for _, raw in strictjson.iter_lines(path))}
    except msgspec.DecodeError as error:
        raise DataError(f"not a media line: {error}.", where=str(path), cure="Convert again.") from None


def _size(folder: Path, image: str, sizes: dict[str, Size], store: str) -> Size:
    if image not in sizes:
        if store:
            raise DataError(f"has no line for {image}.", where=f"{store}: the media file", cure="Convert again.")
        from PIL import Image, UnidentifiedImageError

        try:
            with below(folder, image).open() as file, Image.open(file) as picture:
                sizes[image] = picture.size
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise DataError(f"no picture: {error}.", where=str(folder / image), cure="Run: vldata validate") from None
    return sizes[image]


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def missing_pictures(loaded: Sequence[LoadedSet]) -> tuple[int, str]:
    """Count the different pictures of the records that are not on disk, and name the first.

    Raises:
        DataError: one leads out of the dataset's folder, or is no picture by its content.
    """
    missing: dict[SafePath, bool] = {}
    remote: dict[str, dict[str, None]] = {}
    for one in loaded:
        for example in one.examples:
            if example.store:
                remote.setdefault(example.store, {}).update(dict.fromkeys(example.record.images))
                continue
            for image in example.record.images:
                path = below(example.folder, image, example.record.id)
                if path not in missing:
                    missing[path] = not path.exists()
                    if not missing[path]:
                        path.checked("image")
    lost: list[str] = [str(path) for path, gone in missing.items() if gone]
    for store, images in remote.items():
        from vldata.remote.images import missing_images

        lost += [f"{store}/{name}" for name in missing_images(store, images)]
    return len(lost), lost[0] if lost else ""


def cut(count: int, val_size: float, seed: int) -> tuple[list[int], list[int]]:
    """Cut rows into (train, validation) exactly as LLaMA-Factory does, which is as `datasets.train_test_split` does with a seed.

    Raises:
        UsageError: nothing would be left to train on.
    """
    if not val_size:
        return list(range(count)), []
    wanted = int(val_size) if val_size > 1 else int(np.ceil(val_size * count))
    keep = count - wanted if val_size > 1 else int(np.floor((1 - val_size) * count))
    if wanted >= count or keep < 1:
        raise UsageError(f"val_size: {val_size:g} leaves nothing of {count:,} records to train on.")
    order = np.random.default_rng(seed).permutation(count)
    return order[wanted : wanted + keep].tolist(), order[:wanted].tolist()


def crossing_groups(loaded: Sequence[LoadedSet], train: Sequence[Example], validation: Sequence[Example]) -> tuple[str, float]:
    """Return the contract's group and the share of validation records whose group is also trained on."""
    key = next((loaded_set.contract.split.group_by for loaded_set in loaded if loaded_set.contract and loaded_set.contract.split), "")
    columns = validation[0].record.meta if validation else {}
    for candidate in (key, "scene", "episode", "image"):
        if columns.get(candidate):
            seen = {example.record.meta.get(candidate) for example in train}
            shared = sum(example.record.meta.get(candidate) in seen for example in validation)
            return candidate, shared / len(validation)
    seen_images = {image for example in train for image in example.record.images}
    shared = sum(any(image in seen_images for image in example.record.images) for example in validation)
    return "picture", shared / max(1, len(validation))
