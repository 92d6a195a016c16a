"""From a predictions file back to the dataset that was asked, by the document that is next to it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from vldata.datasets.dataset import Dataset
from vldata.errors import VlkitError
from vldata.files import strictjson

SUFFIX = ".run.json"


def find_dataset(predictions: Path) -> Dataset | None:
    """The dataset a predictions file was asked of, by the document next to it: None unless it is still there, with the same records."""
    beside = predictions.with_name(f"{predictions.name}{SUFFIX}")
    try:
        document = strictjson.read_json(beside) if beside.is_file() else None
        if not isinstance(document, dict) or not isinstance(document.get("dataset_at"), str):
            return None
        if document["dataset_at"].startswith(("/", "~")) or not document.get("dataset_files"):  # it is written relative, and of files
            return None
        dataset = Dataset(predictions.parent / document["dataset_at"])
    except (VlkitError, OSError, ValueError):
        return None
    return dataset if [msgspec.to_builtins(file) for file in dataset.contract.files] == document.get("dataset_files") else None
