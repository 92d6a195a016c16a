"""Rows of an xlsx workbook as VLMEvalKit writes it: one sheet, a header row, text cells.

A formula is refused by its cell: what it shows depends on the program that opens it. Numbers come back as a person would type them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from vldata.errors import DataError
from vldata.files.workbooks import guard_workbook, iter_table
from vleval.readers.source import Source

_ESCAPED = re.compile(r"_x[0-9A-Fa-f]{4}_")


def iter_xlsx(source: Source) -> Iterator[tuple[str, dict[str, Any]]]:
    """Stream the rows of the first sheet as records of text; an empty cell is "".

    Raises:
        DataError: not a workbook, a formula, an error value, two equal headers.
    """
    from openpyxl import load_workbook

    guard_workbook(source.path, source.name)
    try:
        with source.path.open("rb") as handle:
            book = load_workbook(handle, read_only=True, data_only=False)
            sheet = book.worksheets[0]
            rows = iter_table(sheet, source.name)
            header = [_cell_text(cell, source) for cell in next(rows)[1]]
            while header and not header[-1]:
                header.pop()
            if len(set(header)) != len(header):
                raise DataError("two columns have the same name.", where=f"{source.name}: row 1")
            for number, cells in rows:
                values = [_cell_text(cell, source) for cell in cells[: len(header)]]
                if any(values):
                    yield f"row {number}", dict(zip(header, values + [""] * (len(header) - len(values)), strict=True))
    except DataError:
        raise
    except Exception as error:  # on a damaged workbook openpyxl, zipfile, zlib and the XML parser raise anything
        raise DataError(f"is not a readable xlsx workbook: {error}.", where=source.name, cure="Export it again.") from None


def _cell_text(cell: Any, source: Source) -> str:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        raise DataError(
            f"cell {cell.coordinate} holds a formula ({str(value)[:40]!r}), whose answer this file does not say.",
            where=source.name,
            cure="Write the column as text (pandas: strings_to_formulas=False), or paste it as values.",
        )
    if cell.data_type == "e":
        raise DataError(f"cell {cell.coordinate} holds the error value {value!r}.", where=source.name, cure="Write the column as text.")
    if isinstance(value, str):
        if _ESCAPED.search(value):
            from openpyxl.utils.escape import unescape

            return str(unescape(value))
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
