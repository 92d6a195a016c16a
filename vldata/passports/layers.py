"""The layers of a result as they are on disk: data, model, adapter, predictions, score. Each names its files and what it was made of."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from vldata.causes import read_error
from vldata.datasets.dataset import Dataset
from vldata.errors import DataError
from vldata.files import strictjson
from vldata.files.gate import below
from vldata.models.fingerprint import fingerprint, weights_digest
from vldata.models.layout import ADAPTER_CONFIG, weight_files
from vldata.output.folder import DATASET_INFO

MANIFEST = "run_manifest.json"
MERGED_FROM = "merged_from.json"
RUN = ".run.json"
KINDS = ("data", "model", "adapter", "merged", "predictions", "score")

OnFile = Callable[[str], None]


class ChainFault(msgspec.Struct, frozen=True):
    """Where something is not what it was: the file or layer, and in one sentence why."""

    where: str
    what: str


class Layer(msgspec.Struct, kw_only=True):
    """One layer: what it is and where, the digest of every file by its path below `at`, what it names of others, and its own faults.

    Attributes:
        kind: one of `KINDS`.
        at: the folder of a model or adapter, or DIR/NAME, or a file.
        digests: SHA-256 of every file, by its name below the layer's root.
        identity: digests that other layers may name it by.
        made_of: what it names of other layers: digests of records files (`records`), of weights (`weights`), of models (`models`).
        faults: what in it is not as it says itself.
        unchecked: what could not be checked, in sentences.
    """

    kind: str
    at: str
    digests: dict[str, str] = {}
    identity: dict[str, Any] = {}
    made_of: dict[str, Any] = {}
    faults: list[ChainFault] = []
    unchecked: list[str] = []


def open_layer(path: Path, on_file: OnFile = lambda name: None) -> Layer:
    """Recognise what is at a path and digest it.

    Raises:
        DataError: there is nothing, or nothing that this knows.
    """
    if path.is_dir():
        if (path / ADAPTER_CONFIG).is_file() or (path / MANIFEST).is_file():
            return _adapter(path, on_file)
        if (path / "config.json").is_file():
            return _model(path, on_file)
        if (path / DATASET_INFO).is_file():
            raise DataError("is a folder of datasets.", where=str(path), cure=f"Give one of them: {path}/NAME.")
    elif path.is_file() and path.with_name(f"{path.name}{RUN}").is_file():
        return _predictions(path, on_file)
    elif path.is_file() and path.suffix in (".json", ".md", ".html", ".txt", ".csv") and not _has_contract(path):
        return _score(path, on_file)
    if _has_contract(path):
        return _data(path, on_file)
    cure = "Give DIR/NAME, a model's or adapter's folder, predictions with their .run.json, or the file of a score."
    raise DataError("is no layer of a result." if path.exists() else "is not there.", where=str(path), cure=cure)


def _has_contract(path: Path) -> bool:
    return path.with_name(f"{path.name.removesuffix('.jsonl')}.contract.json").is_file()


def _data(path: Path, on_file: OnFile) -> Layer:
    dataset = Dataset(path.with_name(path.name.removesuffix(".jsonl")))
    out, found = dataset.paths.out, Layer(kind="data", at=str(dataset.paths.out / dataset.name))
    found.digests, found.faults = {}, []
    records = {file.name: file.sha256 for file in dataset.contract.files}
    for name, known in records.items():
        _hold(found, out, name, known, "the contract says another digest", on_file)
    for own in (dataset.paths.contract, dataset.paths.media):
        if own.is_file():
            found.digests[own.name] = digest_of(own, on_file)
    try:
        for line in dataset.media():
            _hold(found, out, line.path, line.sha256, f"{dataset.paths.media.name} says another digest", on_file)
    except DataError as error:
        found.faults.append(ChainFault(str(dataset.paths.media), error.what))
    found.identity = {"records": records}
    return found


def _hold(layer: Layer, root: Path, name: str, known: str, why: str, on_file: OnFile) -> None:
    try:
        now = layer.digests[name] = digest_of(below(root, name, layer.at).checked(), on_file)
    except DataError as error:
        layer.faults.append(ChainFault(name, error.what))
        return
    if now != known:
        layer.faults.append(ChainFault(name, f"{why}: {known[:12]}, here {now[:12]}."))


def _files_of(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.is_file() and not path.is_symlink() and not path.name.startswith("."))


def _folder(kind: str, folder: Path, on_file: OnFile) -> Layer:
    layer = Layer(kind=kind, at=str(folder), digests={path.name: digest_of(path, on_file) for path in _files_of(folder)})
    layer.identity, layer.made_of, layer.faults, layer.unchecked = {"model": fingerprint(folder)}, {}, [], []
    return layer


def _model(folder: Path, on_file: OnFile) -> Layer:
    origin = folder / MERGED_FROM
    layer = _folder("merged" if origin.is_file() else "model", folder, on_file)
    layer.identity["weights"] = weights_digest(folder)
    if not origin.is_file():
        return layer
    noted = _object(origin)
    layer.made_of = {"weights": noted.get("base"), "adapter": noted.get("adapter")}
    known = _table(noted.get("weights"))
    for name in weight_files(folder):
        if known.get(name) != layer.digests.get(name):
            layer.faults.append(ChainFault(str(folder / name), f"{MERGED_FROM} says another digest."))
    return layer


def _adapter(folder: Path, on_file: OnFile) -> Layer:
    layer = _folder("adapter", folder, on_file)
    if not (folder / MANIFEST).is_file():
        layer.unchecked.append(f"{folder}: no {MANIFEST}: what it was trained on is not known.")
        return layer
    noted = _object(folder / MANIFEST)
    data, model = _listed(noted.get("data")), _table(noted.get("model"))
    layer.made_of = {
        "records": [one.get("files") for one in data if isinstance(one, dict)],
        "weights": model.get("weights"),
        "model_at": model.get("path"),
    }
    return layer


def _predictions(path: Path, on_file: OnFile) -> Layer:
    beside = path.with_name(f"{path.name}{RUN}")
    noted = _object(beside)
    files, digests = _listed(noted.get("dataset_files")), _table(noted.get("digests"))
    layer = Layer(kind="predictions", at=str(path), digests={one.name: digest_of(one, on_file) for one in (path, beside)})
    layer.made_of = {
        "records": [{str(file.get("name")): file.get("sha256") for file in files if isinstance(file, dict)}],
        "models": {str(name): digest for name, digest in digests.items()},
    }
    return layer


def _score(path: Path, on_file: OnFile) -> Layer:
    layer = Layer(kind="score", at=str(path), digests={path.name: digest_of(path, on_file)})
    if path.suffix == ".json":
        try:
            value = strictjson.read_json(path)
        except DataError as error:
            layer.faults = [ChainFault(str(path), error.what)]
            return layer
        read = _table(value.get("read")) if isinstance(value, dict) else {}
        layer.made_of = {"predictions": {str(name): digest for name, digest in _table(read.get("files")).items()}}
    return layer


def _object(path: Path) -> dict[str, Any]:
    value = strictjson.read_json(path)
    if not isinstance(value, dict):
        raise DataError("holds no object.", where=str(path), cure="Restore the file.")
    return value


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def digest_of(path: Path, on_file: OnFile) -> str:
    """Return the SHA-256 of a file.

    Raises:
        DataError: it cannot be read.
    """
    on_file(path.name)
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise read_error(path, error) from None


def in_order(layers: Iterable[Layer]) -> list[Layer]:
    """Return layers from data to score."""
    return sorted(layers, key=lambda layer: KINDS.index(layer.kind))
