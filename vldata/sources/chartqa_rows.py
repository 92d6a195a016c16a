"""The rows of ChartQA in each layout it is found in: detection by content, then one reader a layout."""

from __future__ import annotations

import base64
import binascii
import csv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.files.parquet import iter_parquet_rows, parquet_columns

_SPLIT_NAMES = {"train": "train", "val": "val", "validation": "val", "valid": "val", "dev": "val", "test": "test"}
_KINDS = ("human", "augmented")
_MAX_CELL_BYTES = 64 * 1024 * 1024


class ChartRow(msgspec.Struct, frozen=True, kw_only=True):
    """One question. The chart is a file `chart` below `folder`, or `data`."""

    question: str
    labels: tuple[str, ...]
    kind: str
    chart: str
    source: str
    folder: Path
    data: bytes | None = None
    follow_links: bool = False
    extra: dict[str, Any] = {}


class ChartFile(NamedTuple):
    """A file with questions: its layout, how many of each split it holds, and how to read them."""

    path: Path
    layout: str
    splits: dict[str, int]
    read: Callable[[str], Iterator[tuple[str, ChartRow | str]]]

    def rows(self, split: str) -> Iterator[tuple[str, ChartRow | str]]:
        """Yield `(where, row or the reason why there is none)` of one split, in file order."""
        return self.read(split)


def find_row_files(root: Path, *, follow_links: bool) -> list[ChartFile]:
    """Find the question files below a folder, or open the one that was named."""
    if root.is_file():
        return [file for file in (_open_file(root, root.parent, follow_links),) if file]
    for folder in (root, root / "data", root / "ChartQA Dataset", root / "ChartQA"):
        if found := _search(folder, follow_links):
            return found
    return []


def _search(folder: Path, follow_links: bool) -> list[ChartFile]:
    if not folder.is_dir():
        return []
    names = [f"{split}_{kind}{suffix}" for split in _SPLIT_NAMES for kind in _KINDS for suffix in (".json", ".jsonl")]
    original = [folder / split / name for split in _SPLIT_NAMES for name in names if name.startswith(split)]
    flat = [folder / name for name in names]
    for candidates in (original, flat):
        files = [_open_file(path, folder, follow_links) for path in candidates if path.is_file()]
        if found := [file for file in files if file]:
            return found
    for pattern in ("*.parquet", "data/*.parquet", "*/*.parquet", "*.tsv", "*.jsonl", "*.json"):
        files = [_open_file(path, folder, follow_links) for path in sorted(folder.glob(pattern))]
        if found := [file for file in files if file]:
            return found
    return []


def _open_file(path: Path, folder: Path, follow_links: bool) -> ChartFile | None:
    if path.suffix == ".parquet":
        return _open_parquet(path)
    if path.suffix == ".tsv":
        return _open_tsv(path)
    if path.suffix in (".json", ".jsonl"):
        return _open_json(path, folder, follow_links)
    return None


def _split_of(path: Path) -> str:
    """Take the split from a file's name, else from its folder's; test when neither says."""
    for text in (path.name, path.parent.name):
        for name, split in _SPLIT_NAMES.items():
            if text.lower().startswith((f"{name}-", f"{name}_", f"{name}.")) or text.lower() == name:
                return split
    return "test"


# --- parquet -------------------------------------------------------------------------------------------------------------------------


def _open_parquet(path: Path) -> ChartFile | None:
    columns = parquet_columns(path)
    if "image" not in columns or not {"query", "question"} & columns.keys() or not {"label", "answer"} & columns.keys():
        return None
    split = _split_of(path)
    layout = "parquet with image paths" if "imgname" in columns else "parquet with embedded charts"

    def read(_split: str) -> Iterator[tuple[str, ChartRow | str]]:
        for number, cells in iter_parquet_rows(path):
            where = f"{path.name}[{number}]"
            yield where, _parquet_row(cells, where, path)

    return ChartFile(path, layout, {split: columns.rows}, read)


def _parquet_row(cells: dict[str, Any], where: str, path: Path) -> ChartRow | str:
    image = cells["image"]
    data = image.get("bytes") if isinstance(image, dict) else image
    if not isinstance(data, bytes) or not data:
        return "the image cell holds no bytes."
    name = cells.get("imgname") or (image.get("path") if isinstance(image, dict) else None) or ""
    kind = cells.get("human_or_machine", cells.get("type", ""))
    known = {"image", "imgname", "human_or_machine" if "human_or_machine" in cells else "type"}
    known |= {"query" if "query" in cells else "question", "label" if "label" in cells else "answer"}
    return _make_row(
        cells.get("query", cells.get("question")),
        cells.get("label", cells.get("answer")),
        _kind_of(kind),
        chart=str(name),
        source=f"{where}#image",
        folder=path.parent,
        data=data,
        extra={key: value for key, value in cells.items() if key not in known},
    )


def _kind_of(value: Any) -> str:
    """0 and "human_test" are human; 1, "machine" and "augmented_test" are augmented; anything else says nothing."""
    if value in (0, "0"):
        return "human"
    if value in (1, "1"):
        return "augmented"
    text = str(value).lower()
    return "human" if text.startswith("human") else "augmented" if text.startswith(("augmented", "machine")) else ""


def _make_row(question: Any, label: Any, kind: str, **fields: Any) -> ChartRow | str:
    labels = [label] if isinstance(label, str | int | float) else label
    if not isinstance(question, str) or not question.strip():
        return f"the question is {question!r:.80}; a text is needed."
    if not isinstance(labels, list) or not labels or not all(isinstance(item, str | int | float) for item in labels):
        return f"the label is {label!r:.80}; a text or a list of texts is needed."
    texts = tuple(str(item) for item in labels)
    if not texts[0].strip():
        return "the label is empty."
    return ChartRow(question=question, labels=texts, kind=kind, **fields)


# --- TSV -----------------------------------------------------------------------------------------------------------------------------


_TSV_COLUMNS = frozenset({"index", "image", "image_path", "question", "answer", "split"})


def _open_tsv(path: Path) -> ChartFile | None:
    with path.open(encoding="utf-8", errors="strict", newline="") as handle:
        header = handle.readline().rstrip("\r\n").split("\t")
    if not {"image", "question", "answer"} <= set(header):
        return None
    counts: Counter[str] = Counter(_tsv_split(row, path)[0] for _, row in _iter_tsv(path))

    def read(wanted: str) -> Iterator[tuple[str, ChartRow | str]]:
        pictures: dict[str, str] = {}
        for line, row in _iter_tsv(path):
            split, kind = _tsv_split(row, path)
            image = row.get("image") or ""
            # VLMEvalKit writes a repeated picture as the index of the row that has it.
            image = pictures.get(image, image) if len(image) <= 64 else pictures.setdefault(row.get("index") or str(line), image)
            if split == wanted:
                yield f"{path.name}:{line}", _tsv_row(row, image, kind, f"{path.name}:{line}", path)

    return ChartFile(path, "TSV with base64 charts", dict(counts), read)


def _iter_tsv(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    csv.field_size_limit(_MAX_CELL_BYTES)
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle, delimiter="\t")
        try:
            for row in reader:
                yield reader.line_num, row
        except (csv.Error, UnicodeDecodeError) as error:
            raise DataError(f"cannot be read: {error}.", where=f"{path}:{reader.line_num}") from None


def _tsv_split(row: dict[str, str], path: Path) -> tuple[str, str]:
    """Return (split, kind): VLMEvalKit's split column holds `test_human` and `test_augmented`."""
    text = (row.get("split") or "").lower()
    split = next((value for name, value in _SPLIT_NAMES.items() if text.startswith(name)), _split_of(path))
    return split, "human" if "human" in text else "augmented" if "augmented" in text or "machine" in text else ""


def _tsv_row(row: dict[str, str], image: str, kind: str, where: str, path: Path) -> ChartRow | str:
    try:
        data = base64.b64decode(image, validate=True)
    except (binascii.Error, ValueError):
        return "the image cell is not base64."
    return _make_row(
        row.get("question"),
        row.get("answer"),
        kind,
        chart=row.get("image_path") or row.get("index") or "",
        source=f"{where}#image",
        folder=path.parent,
        data=data,
        extra={key: value for key, value in row.items() if key not in _TSV_COLUMNS},
    )


# --- JSON ----------------------------------------------------------------------------------------------------------------------------

_IMAGE_FIELDS = ("imgname", "image", "image_path", "img", "img_path", "file_name", "filename", "path")
_QUESTION_FIELDS = ("query", "question", "questions", "prompt")
_LABEL_FIELDS = ("label", "labels", "answer", "answers", "gt_answer", "gt")


def _open_json(path: Path, folder: Path, follow_links: bool) -> ChartFile | None:
    rows = list(_iter_json(path))
    first = next((row for _, row in rows if isinstance(row, dict)), None)
    if first is None or not _field(first, _IMAGE_FIELDS) or not (_field(first, _QUESTION_FIELDS) or "conversations" in first):
        return None
    split = _split_of(path)
    kind = next((name for name in _KINDS if name in path.stem), "")
    layout = "original" if path.parent.name in _SPLIT_NAMES and (path.parent / "png").is_dir() else "JSON with chart files"
    pictures = _picture_folder(path, folder, str(_field(first, _IMAGE_FIELDS)))

    def read(_split: str) -> Iterator[tuple[str, ChartRow | str]]:
        for where, row in rows:
            yield where, _json_row(row, kind, pictures, folder, follow_links=follow_links)

    return ChartFile(path, layout, {split: len(rows)}, read)


def _iter_json(path: Path) -> Iterator[tuple[str, Any]]:
    if path.suffix == ".jsonl":
        for number, line in strictjson.iter_lines(path):
            try:
                yield f"{path.name}:{number}", strictjson.loads(line)
            except strictjson.StrictJsonError as error:
                yield f"{path.name}:{number}", str(error)
        return
    value = strictjson.read_json(path)
    if isinstance(value, list):
        for index, row in enumerate(value):
            yield f"{path.name}[{index}]", row


def _field(row: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "", [])), None)


def _name_of(row: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((name for name in names if row.get(name) not in (None, "", [])), "")


def _picture_folder(path: Path, folder: Path, first_chart: str) -> Path:
    """Where the charts lie: png/ beside the file as in the original, or wherever the first one is found."""
    for candidate in (path.parent / "png", path.parent, path.parent / "images", folder, folder / "images", path.parent.parent):
        if (candidate / first_chart).is_file():
            return candidate
    return path.parent / "png" if (path.parent / "png").is_dir() else path.parent


def _json_row(row: Any, kind: str, pictures: Path, folder: Path, *, follow_links: bool) -> ChartRow | str:
    if not isinstance(row, dict):
        return row + "." if isinstance(row, str) else "is not an object."
    chart = _field(row, _IMAGE_FIELDS)
    if not isinstance(chart, str):
        return "names no chart."
    question, label = _field(row, _QUESTION_FIELDS), _field(row, _LABEL_FIELDS)
    turns = row.get("conversations")
    if question is None and isinstance(turns, list) and len(turns) == 2 and all(isinstance(turn, dict) for turn in turns[:2]):
        question, label = str(turns[0].get("value", "")).replace("<image>", "").strip(), turns[1].get("value")
    known = {"type" if "type" in row else "human_or_machine", "width", "height", "id"}
    known |= {_name_of(row, fields) for fields in (_IMAGE_FIELDS, _QUESTION_FIELDS, _LABEL_FIELDS)}
    if question is None or row.get("conversations") is None or (isinstance(turns, list) and len(turns) == 2):
        known.add("conversations")
    return _make_row(
        question,
        label,
        kind or _kind_of(row.get("type", row.get("human_or_machine", ""))),
        chart=chart,
        source="/".join((*pictures.relative_to(folder).parts, chart)) if pictures.is_relative_to(folder) else chart,
        folder=pictures,
        follow_links=follow_links,
        extra={key: value for key, value in row.items() if key not in known},
    )
