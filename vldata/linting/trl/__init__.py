"""TRL 1.16.0: any file that `load_dataset` reads, trained by SFTTrainer with a vision-language model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vldata.files.parquet import features_of
from vldata.linting.consumer import Consumer, Options, RowSet, WholeFinding, no_rows
from vldata.linting.outcomes import RowFinding
from vldata.linting.tables import first_rows, no_rows_in, rows_of
from vldata.linting.trl.behaviours import TABLE
from vldata.linting.trl.judge import DEFAULT_CUTOFF, TrlJudge

_KINDS = {"json": "json", "jsonl": "json", "csv": "csv", "txt": "text", "parquet": "parquet", "arrow": "arrow"}
_SAMPLE = 1_000


def open_path(path: Path, options: Options) -> list[RowSet]:
    """Open one file, or each file of rows in a folder.

    Raises:
        DataError: there is nothing to read.
    """
    if not path.is_dir():
        return [_part(path, options)]
    files = [file for file in sorted(path.iterdir()) if file.is_file() and file.suffix[1:] in _KINDS and file.suffix != ".txt"]
    files = [file for file in files if file.name not in ("dataset_info.json", "dataset_infos.json", "state.json")]
    if not files:
        raise no_rows(path, tuple(f".{kind}" for kind in _KINDS), f"`load_dataset` reads {', '.join(_KINDS)}.")
    return [_part(file, options) for file in files]


def _part(file: Path, options: Options) -> RowSet:
    kind = _KINDS.get(file.suffix[1:], "json")
    rows = rows_of(file, kind)
    taken = first_rows(rows, _SAMPLE)
    sample = [row for row in taken if isinstance(row, dict)]
    columns = list(dict.fromkeys(key for row in sample for key in row))
    decoded = (
        frozenset(name for name in ("image", "images") if _is_image(features_of(file).get(name))) if kind == "parquet" else frozenset()
    )
    talk = sample[0].get("conversations") if sample else None
    talks = isinstance(talk, list) and bool(talk) and isinstance(talk[0], dict) and {"from", "value"} <= talk[0].keys()
    said = []
    if {"image", "images"} & set(columns) and options.media_root is None:
        said.append(f"{file.name}: image paths are looked up from its folder and the working folder; TRL looks from where it is started.")
    judge = TrlJudge(file, options, columns=columns, talks=talks, decoded=decoded)
    if other := no_rows_in(file, _KINDS, taken):
        return RowSet(file.stem, [], judge, ((file, ""),), first=[WholeFinding(str(file), RowFinding("TR01", other))])
    return RowSet(file.stem, [(file, rows)], judge, ((file, ""),), said)


def _is_image(feature: Any) -> bool:
    if isinstance(feature, list):
        return bool(feature) and _is_image(feature[0])
    return isinstance(feature, dict) and (feature.get("_type") == "Image" or _is_image(feature.get("feature")))


CONSUMER = Consumer(
    title="TRL (SFTTrainer)",
    version="1.16.0",
    source="https://github.com/huggingface/trl, trl",
    table=TABLE,
    open=open_path,
    default_cutoff=DEFAULT_CUTOFF,
    export="trl",
    limit="max_length",
    settings=frozenset({"assistant_only_loss", "completion_only_loss"}),
)
