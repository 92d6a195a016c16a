"""The sides of a split, as their contracts name them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from vldata.output.contract import Contract, read_contract
from vldata.output.dataset_info import read_dataset_info
from vldata.output.folder import DatasetPaths, can_name_files


def parent_digest(contract: Contract) -> str:
    """One digest over the record files of a dataset."""
    return hashlib.sha256("".join(file.sha256 for file in contract.files).encode()).hexdigest()


def iter_sides(out: Path, parent: str) -> Iterator[tuple[str, Contract]]:
    """Yield `(name, contract)` of every registered side of a split of `parent`."""
    for name in read_dataset_info(out):
        if not can_name_files(name):
            continue  # another tool's entry
        paths = DatasetPaths(out, name)
        if paths.contract.is_file():
            contract = read_contract(paths)
            if contract.split and contract.split.parent == parent:
                yield name, contract
