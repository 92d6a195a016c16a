"""Rows of an xlsx workbook as VLMEvalKit writes it: one sheet, a header row, text cells.

A formula is refused by its cell: what it shows depends on the program that opens it. Numbers come back as a person would type them, in
percent where the sheet shows them so, and days without the midnight that the file stores.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Any

from vldata.errors import DataError
from vldata.files.workbooks import guard_workbook, iter_table
from vleval.readers.source import PredictionsSource
from vleval.readers.taken import TakenGuess

_ESCAPED = re.compile(r"_x[0-9A-Fa-f]{4}_")


def iter_xlsx(source: PredictionsSource) -> Iterator[tuple[str, dict[str, Any]]]:
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


def _cell_text(cell: Any, source: PredictionsSource) -> str:
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
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        percent = "%" in re.sub(r'"[^"]*"|\\.', "", str(cell.number_format or ""))
        return f"{_number_text(round(value * 100, 10))}%" if percent else _number_text(value)
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()  # a day without a time
    return str(value)


def _number_text(value: float) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)


def further_sheets(source: PredictionsSource) -> tuple[TakenGuess, ...]:
    """That only the first of several sheets with cells was read, if so."""
    from openpyxl import load_workbook

    with source.path.open("rb") as handle:
        sheets = load_workbook(handle, read_only=True).worksheets
        filled = [sheet.title for sheet in sheets[1:] if any(cell.value is not None for cell in next(sheet.iter_rows(max_row=1), ()))]
        if not filled:
            return ()
        names = ", ".join(repr(name) for name in filled[:6]) + (" ..." if len(filled) > 6 else "")
        what = (
            f"{source.name}: the sheet {sheets[0].title!r} is read; {names} of the same workbook {'is' if len(filled) == 1 else 'are'} not."
        )
        return (TakenGuess(what, cure="Save the sheet that is meant as a workbook of its own."),)
