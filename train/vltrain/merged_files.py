"""What a merged folder holds next to its base's files: Ollama's Modelfile, and the table of special tokens that older loaders read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec

from vldata.files import strictjson
from vldata.files.durable import write_atomic
from vldata.models.families_of import folder_family
from vldata.models.serving import Limits, modelfile

_MANIFEST = "run_manifest.json"
_TOKENS = "special_tokens_map.json"
_NAMES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token", "additional_special_tokens")
_MOST = 1 << 24  # a context that no model has: what a manifest says beyond it is no size


class _Prompts(msgspec.Struct, frozen=True):
    tokens: int
    pictures: int
    least_pixels: int
    most_pixels: int


def write_special_tokens(folder: Path) -> None:
    """Write special_tokens_map.json from tokenizer_config.json, as transformers did before its fifth release; one that is there stays."""
    if (folder / _TOKENS).is_file() or not (folder / "tokenizer_config.json").is_file():
        return
    told = strictjson.read_json(folder / "tokenizer_config.json")
    found = {name: told[name] for name in _NAMES if told.get(name)} if isinstance(told, dict) else {}
    if found:
        write_atomic(folder / _TOKENS, (json.dumps(found, indent=2, ensure_ascii=False) + "\n").encode())


def write_modelfile(folder: Path, adapter: Path, say: Callable[[str], None]) -> None:
    """Write a Modelfile with room for the longest record of the adapter's run, where Ollama serves the family; else say how to get one."""
    family = folder_family(folder)
    if family is None or "ollama" not in family.serving.servers:
        return
    later = "vltrain export DIR --to ollama --data DIR/NAME"
    limits = _limits(adapter)
    if limits is None:
        say(f"No Modelfile: the adapter's folder does not tell what its records cost. {later} writes one.")
        return
    text = modelfile(".", limits, family)
    if not _ollama_reads(folder):
        said = f"config.json lacks rope_theta, which Ollama's converter reads. Before `ollama create`: {later}"
        text = f"# {said}\n{text}"
        say(f"Modelfile written. {said}")
    write_atomic(folder / "Modelfile", text.encode())


def _limits(adapter: Path) -> Limits | None:
    path = adapter / _MANIFEST
    if not path.is_file():
        return None
    manifest = strictjson.read_json(path)
    try:
        found = msgspec.convert(manifest["prompts"] if isinstance(manifest, dict) else None, _Prompts)
    except (KeyError, msgspec.ValidationError):
        return None
    if not (0 < found.tokens < _MOST and 0 <= found.pictures < _MOST and 0 <= found.least_pixels <= found.most_pixels < _MOST * 1_024):
        return None
    sizes = {"min_pixels": found.least_pixels, "max_pixels": found.most_pixels} if found.pictures else {}
    return Limits(prompt_tokens=found.tokens, pictures=max(1, found.pictures), **sizes)


def _ollama_reads(folder: Path) -> bool:
    """Whether config.json is as transformers 4 wrote it."""
    config = strictjson.read_json(folder / "config.json")
    text = config.get("text_config") if isinstance(config, dict) else None
    return isinstance(text, dict) and ("rope_theta" in text or "rope_parameters" not in text)
