"""How predictions were made, written next to them as OUT.run.json, without keys: equal runs differ in `timing` alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

import vldata
from vldata.datasets.dataset import Dataset
from vldata.errors import DataError
from vldata.files import strictjson
from vldata.files.durable import write_atomic
from vldata.models.fingerprint import fingerprint
from vldata.secrets import redact_bytes
from vleval.inference.engine_args import read_engine_args
from vleval.inference.options import RunOptions
from vleval.inference.origin import SUFFIX
from vleval.inference.preflight import Check


class Effort(NamedTuple):
    """What a run took.

    Attributes:
        asked: how many questions it asked.
        seconds: what they took, loading and looking at the server included.
        servers: where several shared the questions, their addresses and how many answers each gave.
    """

    asked: int = 0
    seconds: float = 0.0
    servers: Mapping[str, int] = MappingProxyType({})


_NOTHING = Effort()


def write_run_document(
    out: Path,
    dataset: Dataset,
    options: RunOptions,
    *,
    answered_as: Sequence[str],
    fingerprints: Iterable[str],
    differences: Sequence[Check],
    effort: Effort = _NOTHING,
) -> None:
    """Write the document of the predictions file `out`.

    Args:
        out: the predictions file.
        dataset: what was asked.
        options: how it was asked.
        answered_as: the names the model answered under.
        fingerprints: what servers said of themselves.
        differences: in what the dataset, the model and the adapter differ.
        effort: what the run took; where it asked nothing, what an earlier run took stays.
    """
    asked, seconds, servers = effort
    path = out.with_name(f"{out.name}{SUFFIX}")
    document: dict[str, Any] = {
        "schema": "vlkit.run/1",
        "version": vldata.__version__,
        "backend": options.backend,
        "model": options.model,
        "adapter": options.adapter,
        "digests": {name: fingerprint(Path(name)) for name in (options.model, options.adapter) if name and Path(name).is_dir()},
        "sampler": options.sampler,
        "dtype": options.dtype,
        "engine_args": read_engine_args(options.engine_args),
        "server_fingerprints": [],
        "dataset": dataset.name,
        "dataset_at": os.path.relpath(dataset.paths.out.resolve() / dataset.name, out.parent.resolve()),  # both may move together
        "dataset_files": dataset.contract.files,
        "pixels": dataset.contract.pixels,
        "prompt": dataset.contract.settings.get("prompt"),
        "answered_as": [],
        "differences": [check for check in differences if check.good is False],
        "timing": {"asked": asked, "seconds": round(seconds, 3), "answers_per_s": round(asked / seconds, 3) if asked and seconds else 0.0},
    }
    before = _before(path, document)
    document["server_fingerprints"] = sorted({*before.get("server_fingerprints", ()), *fingerprints})
    document["answered_as"] = list(dict.fromkeys((*before.get("answered_as", ()), *answered_as)))
    if named := sorted({*before.get("servers", ()), *(url for url, answers in servers.items() if answers)}):
        document["servers"] = named
    if servers:
        document["timing"]["answers"] = dict(servers)
    if not asked and "timing" in before:
        document["timing"] = before["timing"]
    content = redact_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2)) + b"\n"
    write_atomic(path, content)


def _before(path: Path, document: dict[str, Any]) -> dict[str, Any]:
    """What an earlier run of the same request wrote: what a server told then counts for the answers that are taken from it."""
    try:
        value = strictjson.read_json(path) if path.is_file() else None
    except DataError:  # torn, or not ours: it is written anew
        return {}
    same = ("schema", "backend", "model", "adapter", "sampler", "dtype", "engine_args", "dataset_files")
    now = msgspec.json.decode(msgspec.json.encode(document))  # tuples are lists in the file
    if not isinstance(value, dict) or any(value.get(key, now[key]) != now[key] for key in same):
        return {}
    told = {key: value.get(key) for key in ("server_fingerprints", "answered_as", "servers")}
    known: dict[str, Any] = {
        key: found for key, found in told.items() if isinstance(found, list) and all(isinstance(n, str) for n in found)
    }
    timing = value.get("timing")
    numbers = isinstance(timing, dict) and all(isinstance(timing.get(key), (int, float)) for key in ("asked", "seconds", "answers_per_s"))
    return {**known, "timing": timing} if numbers else known
