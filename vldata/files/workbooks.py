"""Workbooks (xlsx) that nobody vouches for: judged by what they unpack to before a library reads them, and read in bounds.

A workbook is a zip of XML. A megabyte of it can unpack to a thousand, and a table of few cells can claim a billion.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vldata.errors import DataError

MOST_BYTES = 1 << 30
MOST_RATIO = 200  # text of a real table packs 5 to 50 times
RATIO_FROM_BYTES = 16 << 20
MOST_MEMBERS = 10_000
MOST_COLUMNS = 2_000
MOST_EMPTY_ROWS = 100_000


def guard_workbook(path: Path, name: str = "") -> None:
    """Refuse a workbook that unpacks to more than is read.

    Raises:
        DataError: it is no zip archive, or a bomb.
    """
    where = name or str(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, NotImplementedError, EOFError):
        raise DataError("is a damaged zip archive.", where=where, cure="Copy it again.") from None
    cure = "Export the table as CSV or JSON Lines."
    if len(members) > MOST_MEMBERS:
        raise DataError(f"holds {len(members):,} files; a workbook has a few.", where=where, cure=cure)
    total = sum(member.file_size for member in members)
    if total > MOST_BYTES:
        raise DataError(f"unpacks to {total:,} bytes; at most {MOST_BYTES:,} are read.", where=where, cure=cure)
    for member in members:
        if member.file_size > RATIO_FROM_BYTES and member.file_size > MOST_RATIO * max(1, member.compress_size):
            raise DataError(f"unpacks {member.filename!r} to {member.file_size:,} bytes: a bomb, not a table.", where=where, cure=cure)


def iter_table(sheet: Any, where: str) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield `(row number, cells)` of a read-only sheet of openpyxl, the header first, without its empty rows; see `iter_rows`."""
    for number, cells in enumerate(iter_rows(sheet, where), start=1):
        if number == 1 or any(cell.value is not None for cell in cells):
            yield number, cells


def iter_rows(sheet: Any, where: str) -> Iterator[tuple[Any, ...]]:
    """Yield the cells of every row of a read-only sheet of openpyxl, each as wide as the first.

    The size that a sheet claims is not believed, and a gap of empty rows is not walked for ever.

    Raises:
        DataError: it is wider than any table, or its rows are too far apart.
    """
    sheet.reset_dimensions()
    header = next(sheet.iter_rows(max_row=1), ())
    width = len(header)
    while width and header[width - 1].value is None:
        width -= 1
    if width > MOST_COLUMNS:
        raise DataError(f"has {width:,} columns; at most {MOST_COLUMNS:,} are read.", where=where, cure="Export the columns you need.")
    yield header[:width]
    empty = 0
    for number, cells in enumerate(sheet.iter_rows(min_row=2, max_col=max(1, width)), start=2):
        yield cells
        empty = 0 if any(cell.value is not None for cell in cells) else empty + 1
        if empty > MOST_EMPTY_ROWS:
            raise DataError(f"has more than {MOST_EMPTY_ROWS:,} empty rows before row {number:,}.", where=where, cure="Remove them.")
