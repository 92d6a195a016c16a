"""Rows of tables as `datasets` reads them: CSV by pandas, text line by line, parquet and Arrow by their own types."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vldata.files import strictjson
from vldata.linting.reading import Broken
from vldata.sources.rows import open_rows

# What pandas takes for a missing value in a CSV file.
NULLS = frozenset(
    {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None"}
    | {"n/a", "nan", "null"}
)


def csv_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the rows of a CSV file; a column of nothing but numbers holds numbers, one of True and False truth values."""
    try:
        text = strictjson.read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield 1, Broken("utf8", str(error))
        return
    reader = csv.reader(io.StringIO(text, newline=""))
    header = next(reader, None)
    if header is None:
        return
    rows = [(reader.line_num, cells) for cells in reader if cells]
    columns = [_typed([cells[place] if place < len(cells) else "" for _, cells in rows]) for place in range(len(header))]
    for index, (line, _) in enumerate(rows):
        yield line, {name: column[index] for name, column in zip(header, columns, strict=True)}


def _typed(cells: list[str]) -> list[Any]:
    given = [None if cell in NULLS else cell for cell in cells]
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
