"""Rows of tables as `datasets` reads them: CSV by pandas, text line by line, parquet and Arrow by their own types."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.linting.consumer import Rows
from vldata.linting.reading import Broken, open_json
from vldata.sources.rows import open_rows

# What pandas takes for a missing value in a CSV file.
NULLS = frozenset(
    {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None"}
    | {"n/a", "nan", "null"}
)


def rows_of(file: Path, kind: str, *, nulls: bool = True) -> Rows:
    """Return what reads the rows of a file of a kind: json, csv, text, parquet, arrow. `nulls`: NA and the like are missing values."""
    if kind == "csv":
        return lambda: csv_rows(file, nulls=nulls)
    if kind == "text":
        return lambda: text_rows(file)
    if kind in ("parquet", "arrow"):
        return lambda: table_rows(file)
    return lambda: open_json(file).rows()


def first_rows(rows: Rows, count: int) -> list[Any]:
    """Return the first rows, as many as can be read."""
    found: list[Any] = []
    with contextlib.suppress(DataError):
        found.extend(row for _, row in islice(rows(), count))
    return found


def no_rows_in(file: Path, kinds: Collection[str], sample: list[Any]) -> str:
    """Return what a file is that holds nothing a reader of these kinds could take for rows (an archive, another table), else ""."""
    if file.suffix[1:] in kinds or any(type(row) is not Broken for row in sample) or not sample:
        return ""
    return f"a file {file.suffix or 'without a suffix'}, not rows: it reads {', '.join(kinds)}"


def csv_rows(path: Path, *, nulls: bool = True) -> Iterator[tuple[int, Any]]:
    """Yield the rows of a CSV file; a column of nothing but numbers holds numbers, one of True and False truth values."""
    try:
        text = strictjson.read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield 1, Broken("utf8", str(error))
        return
    csv.field_size_limit(strictjson.MAX_LINE_BYTES)  # trainers read longer cells than the csv module by itself
    reader = csv.reader(io.StringIO(text, newline=""))
    header, rows = None, []
    try:
        header = next(reader, None)
        rows = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:
        yield reader.line_num, Broken("json", f"no row of cells: {error}")
        return
    if header is None:
        return
    columns = [_typed([cells[place] if place < len(cells) else "" for _, cells in rows], nulls=nulls) for place in range(len(header))]
    for index, (line, _) in enumerate(rows):
        yield line, {name: column[index] for name, column in zip(header, columns, strict=True)}


def _typed(cells: list[str], *, nulls: bool) -> list[Any]:
    given = [None if nulls and cell in NULLS else cell for cell in cells]
    known = [cell for cell in given if cell is not None]
    if known and all(cell in ("True", "False", "TRUE", "FALSE", "true", "false") for cell in known):
        return [None if cell is None else cell.lower() == "true" for cell in given]
    try:
        return [None if cell is None else float(cell) for cell in given]
    except ValueError:
        return list(given)


def text_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the lines of a text file as the column `text`."""
    for number, line in strictjson.iter_lines(path, tell_long=True):
        yield number, {"text": line.decode("utf-8", "replace")}


def table_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the rows of a parquet or Arrow file with their numbers from 1."""
    for number, (_, row) in enumerate(open_rows(path).rows(), 1):
        yield number, row
