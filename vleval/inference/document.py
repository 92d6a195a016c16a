"""How predictions were made, written beside them as OUT.run.json: without times or keys, so that equal runs differ in nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

import vldata
from vldata.datasets.dataset import Dataset
from vldata.files.durable import write_atomic
from vldata.models.fingerprint import fingerprint
from vleval.inference.options import RunOptions
from vleval.inference.origin import SUFFIX
from vleval.inference.preflight import Check


def write_run_document(
    out: Path,
    dataset: Dataset,
    options: RunOptions,
    *,
    answered_as: Sequence[str],
    fingerprints: Iterable[str],
    differences: Sequence[Check],
) -> None:
    """Write the document of the predictions file `out`.

    Args:
        out: the predictions file.
        dataset: what was asked.
        options: how it was asked.
        answered_as: the names the model answered under.
        fingerprints: what servers said of themselves.
        differences: in what the dataset, the model and the adapter differ.
    """
    document: dict[str, Any] = {
        "schema": "vlkit.run/1",
        "version": vldata.__version__,
        "backend": options.backend,
        "model": options.model,
        "adapter": options.adapter,
        "digests": {name: fingerprint(Path(name)) for name in (options.model, options.adapter) if name and Path(name).is_dir()},
        "sampler": options.sampler,
        "server_fingerprints": sorted(fingerprints),
        "dataset": dataset.name,
        "dataset_at": os.path.relpath(dataset.paths.out.resolve() / dataset.name, out.parent.resolve()),  # both may move together
        "dataset_files": dataset.contract.files,
        "pixels": dataset.contract.pixels,
        "prompt": dataset.contract.settings.get("prompt"),
        "answered_as": list(answered_as),
        "differences": [check for check in differences if check.good is False],
    }
    write_atomic(out.with_name(f"{out.name}{SUFFIX}"), msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
