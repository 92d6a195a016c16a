"""A model folder on disk: which files it must hold, what is missing, and what an adapter says of its base. No torch."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.files.gate import SafePath, UnsafePathError, below
from vldata.files.paths import path_fault
from vldata.files.special import refuse_special

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
_MOST_HEADER = 100_000_000  # bytes; what the safetensors library reads at most
_FOLDERS = ("model", "models", "runs", "saves", "out", "outputs", "checkpoints")  # no owner on the hub: somebody's own folders
_MOST_SETTINGS = 50_000_000  # bytes; a larger file is no configuration
_NEEDED = ("config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json")


def model_file(folder: Path, name: str) -> SafePath:
    """A file of a model or adapter folder, opened by the gate.

    A snapshot of the hub's cache (`models--X/snapshots/REV`) holds links to `models--X/blobs`, which are of the same model.

    Raises:
        UnsafePathError: the name is no plain one.
    """
    root = folder.absolute()
    if root.parent.name == "snapshots" and (root.parent.parent / "blobs").is_dir():
        return below(root.parent.parent, f"snapshots/{root.name}/{name}", str(folder))
    return below(root, name, str(folder))


def give_folder(model: str) -> str:
    """The cure where a folder is asked for and a name of the hub was given, or nothing is there: nothing is downloaded by itself."""
    owner = model.partition("/")[0]
    if re.fullmatch(r"[\w.-]+/[\w.-]+", model) and not owner.startswith(".") and owner not in _FOLDERS and not Path(owner).is_dir():
        return f"Download it, and give its folder: hf download {model} --local-dir models/{model.rpartition('/')[2]}"
    return "Give the folder of a downloaded model: hf download ORG/NAME --local-dir DIR"


def missing_files(folder: Path) -> list[str]:
    """Names of what a complete model folder has and this one lacks; empty files count as missing."""
    missing = [name for name in _NEEDED if not _has(folder, name)]
    if "preprocessor_config.json" in missing and _has(folder, "processor_config.json"):
        missing.remove("preprocessor_config.json")
    if (folder / INDEX).is_file():
        missing += [name for name in weight_files(folder) if not _has(folder, name)]
    elif not _has(folder, WEIGHTS):
        missing.append(WEIGHTS)
    if "tokenizer_config.json" not in missing and read_chat_template(folder) is None:
        missing.append("chat_template.jinja")
    return missing


def _has(folder: Path, name: str) -> bool:
    path = folder / name
    return path.is_file() and path.stat().st_size > 0


def weight_files(folder: Path) -> list[str]:
    """Names of the safetensors files, in order."""
    index = folder / INDEX
    if not index.is_file():
        return [WEIGHTS]
    table = strictjson.read_json(index)
    if not isinstance(table, dict) or not isinstance(table.get("weight_map"), dict):
        raise DataError("holds no weight_map.", where=str(index), cure="Download the model again.")
    for name in table["weight_map"].values():
        if not isinstance(name, str) or "/" in name or path_fault(name) or not name.endswith(".safetensors"):
            cure = "Download the model again: its weights belong in the same folder as this file."
            raise UnsafePathError(f"names the weights {name!r}, which is no safetensors file next to it.", where=str(index), cure=cure)
    return sorted(set(table["weight_map"].values()))


def read_chat_template(folder: Path) -> str | None:
    """The chat template, wherever this generation of folder keeps it."""
    plain = folder / "chat_template.jinja"
    if plain.is_file():
        return strictjson.read_user_text(model_file(folder, plain.name).checked())
    for name in ("chat_template.json", "tokenizer_config.json", "processor_config.json"):
        if (folder / name).is_file():
            table = strictjson.read_json(folder / name)
            value = table.get("chat_template") if isinstance(table, dict) else None
            if isinstance(value, list):
                value = next((row.get("template") for row in value if isinstance(row, dict) and row.get("name") == "default"), None)
            if isinstance(value, str):
                return value
    return None


def check_model_folder(folder: Path) -> None:
    """Hold a model folder to be complete.

    Raises:
        DataError: it is not there, files are missing, or something in it is no file (a pipe); it names them.
    """
    if not folder.is_dir():
        raise DataError("no model folder here.", where=str(folder), cure=give_folder(str(folder)))
    for entry in sorted(folder.iterdir()):
        refuse_special(entry)  # the libraries that load the folder would wait for it
    if _has(folder, ADAPTER_CONFIG) and not _has(folder, "config.json"):
        raise DataError(
            "is not a model folder: it holds an adapter.",
            where=str(folder),
            cure="Give the model that it was trained on, and this as --adapter; or merge them first: vltrain merge.",
        )
    if missing := missing_files(folder):
        them = "it" if len(missing) == 1 else "them"
        raise DataError(
            f"the model folder lacks {', '.join(missing)}.", where=str(folder), cure=f"Copy {them} from where the model was published."
        )
    for name in (*_NEEDED, *weight_files(folder)):
        if _has(folder, name):
            model_file(folder, name).checked()
    for name in weight_files(folder):
        if reason := damage(folder / name):
            raise DataError(f"is damaged: {reason}.", where=str(folder / name), cure="Download the file again; it may have been cut off.")
    config = strictjson.read_json(folder / "config.json")
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise DataError("names no model_type.", where=str(folder / "config.json"), cure="Copy it from where the model was published.")


def refuse_own_code(folder: Path) -> None:
    """Refuse a folder whose configuration names code of its own: another program that is given it may run that without asking.

    Raises:
        DataError: it names the file.
    """
    for file in sorted(folder.glob("*.json")):
        if file.stat().st_size < _MOST_SETTINGS and isinstance(value := strictjson.read_json(file), dict) and "auto_map" in value:
            cure = "Read that code; take out auto_map, or use a model type that is known: nothing of a model folder is run."
            raise DataError("names code of the model's own (auto_map).", where=str(file), cure=cure)


def damage(path: Path) -> str:
    """Say what is wrong with a safetensors file, from its header and size alone, or "".

    The format: eight bytes of length, a JSON header of so many bytes, then the tensors' bytes (safetensors, README).
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        first = handle.read(8)
        if first == b"version ":
            return "it is a Git LFS pointer, not the weights: git lfs pull fetches them"
        length = int.from_bytes(first, "little")
        if length > _MOST_HEADER:
            return f"its header would have {length:,} bytes"
        if length < 2 or length > size - 8:
            return f"its header should have {length:,} bytes, and {max(0, size - 8):,} follow"
        try:
            header = strictjson.loads(handle.read(length))
        except strictjson.StrictJsonError as error:
            return f"its header is {error}"
    try:
        end = max((int(entry["data_offsets"][1]) for name, entry in header.items() if name != "__metadata__"), default=0)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        return "its header lists no tensors"
    return "" if size == 8 + length + end else f"it has {size:,} bytes of {8 + length + end:,}"


def is_quantized(folder: Path) -> bool:
    """Whether the weights in the folder are quantised."""
    config = strictjson.read_json(folder / "config.json")
    return isinstance(config, dict) and bool(config.get("quantization_config"))


def read_adapter_config(folder: Path) -> dict[str, Any]:
    """Read adapter_config.json of an adapter folder.

    Raises:
        DataError: the folder holds no adapter.
    """
    for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
        if not _has(folder, name):
            hint = (
                "It holds adapter_model.bin of an old peft: save it again as safetensors."
                if (folder / "adapter_model.bin").exists()
                else ""
            )
            raise DataError(
                f"no adapter here: {name} is missing.", where=str(folder), cure=hint or "Give the output folder of a training run."
            )
    for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
        model_file(folder, name).checked()
    config = strictjson.read_json(folder / ADAPTER_CONFIG)
    if not isinstance(config, dict):
        raise DataError("is not an adapter's configuration.", where=str(folder / ADAPTER_CONFIG))
    return config


def adapter_tensors(folder: Path) -> list[str]:
    """Names of an adapter's tensors, from the header of its file.

    Raises:
        DataError: the file is damaged.
    """
    path = model_file(folder, ADAPTER_WEIGHTS).checked()
    if reason := damage(path):
        raise DataError(f"is damaged: {reason}.", where=str(path), cure="Copy it again; it may have been cut off.")
    with path.open("rb") as handle:
        header = strictjson.loads(handle.read(int.from_bytes(handle.read(8), "little")))
    return [name for name in header if name != "__metadata__"]
