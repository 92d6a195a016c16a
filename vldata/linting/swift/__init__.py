"""ms-swift 4.6.0: any file of rows, its columns found by their names."""

from __future__ import annotations

from pathlib import Path

from vldata.linting.consumer import Consumer, Options, RowSet, WholeFinding, no_rows
from vldata.linting.outcomes import RowFinding
from vldata.linting.reading import open_json
from vldata.linting.swift.behaviours import TABLE
from vldata.linting.swift.judge import SwiftJudge
from vldata.linting.tables import first_rows, rows_of

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
        raise no_rows(path, tuple(f".{kind}" for kind in _KINDS), f"ms-swift reads {', '.join(_KINDS)}.")
    return [_part(file, options) for file in files]


def _part(file: Path, options: Options) -> RowSet:
    kind = _KINDS.get(file.suffix[1:], "")
    first = [] if kind else [WholeFinding(str(file), RowFinding("SW07", file.suffix))]
    form = "lines"
    if kind == "json" and file.is_file():
        opened = open_json(file)
        form = opened.form
        if opened.bom and form == "list":
            first.append(WholeFinding(str(file), RowFinding("SW03")))
    rows = rows_of(file, kind or "json", nulls=False)
    sample = [row for row in first_rows(rows, _SAMPLE) if isinstance(row, dict)]
    columns = list(dict.fromkeys(key for row in sample for key in row))
    stage = options.stage or "sft"
    if not options.stage and {"rejected_response", "rejected_messages"} & set(columns):
        stage = "rm"
    elif not options.stage and any(isinstance(row.get("label"), bool) for row in sample):
        stage = "kto"
    said = (
        []
        if options.stage or stage == "sft"
        else [f"{file.name}: judged for `swift rlhf` ({stage}), as its columns say; --stage sft judges `swift sft`."]
    )
    if any(key in MEDIA_KEYS for key in columns) and options.media_root is None:
        said.append(
            f"{file.name}: media paths are looked up from its folder and the working folder; "
            "ms-swift looks from where it is started, or ROOT_IMAGE_DIR."
        )
    judge = SwiftJudge(file, options, stage=stage, columns=columns, form=form)
    return RowSet(file.stem, [(file, rows)] if kind else [], judge, ((file, ""),), said, first)


MEDIA_KEYS = frozenset({"image", "images", "video", "videos"})

CONSUMER = Consumer(
    title="ms-swift",
    version="4.6.0",
    source="https://github.com/modelscope/ms-swift, swift",
    table=TABLE,
    open=open_path,
    export="swift",
    limit="max_length",
    settings=frozenset({"truncation_strategy"}),
)
