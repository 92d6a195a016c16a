"""Rows of tables: CSV, TSV, path-TAB-text lists, Excel, parquet and Arrow files, each cell under the name of its column."""

from __future__ import annotations

import csv
import datetime
import itertools
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple

from vldata.causes import read_error
from vldata.errors import DataError, UsageError
from vldata.files.parquet import ParquetColumns, features_of, iter_parquet_rows
from vldata.files.workbooks import guard_workbook, iter_rows
from vldata.media.refs import ENDINGS
from vldata.records.draft import Guess
from vldata.sources.classnames import Namer, namer_of
from vldata.sources.encodings import open_utf8
from vldata.sources.faults import Row, RowFault

_MAX_CELL_BYTES = 64 * 1024 * 1024
_SNIFF_BYTES = 64 * 1024
_MEDIA_NAME = re.compile(rf"[^\n\t]+\.(?:{ENDINGS}|mp4|mov|mkv|webm|avi)", re.IGNORECASE).fullmatch
_AGAIN = "Fetch or export the file again; nobody can say which rows are missing."

_SEPARATOR = re.compile(r"sep=.", re.IGNORECASE).fullmatch  # Excel's own first line

Opener = Callable[[Path], BinaryIO]


class TableForm(NamedTuple):
    """How a text table is written: `kind` names its delimiter, `header` whether its first row names the columns."""

    kind: str  # .csv ".tsv", or .jsonl for rows of JSON in a .txt
    header: bool = True
    said: tuple[str, ...] = ()


DELIMITERS = {".csv": ",", ".tsv": "\t", ".ssv": ";"}


def look_at(path: Path, kind: str, encoding: str) -> TableForm:
    """Look at the first lines of a text table: its delimiter, and whether it begins with names or with data.

    Raises:
        UsageError: a .txt that holds neither rows of JSON nor a path and a text a line.
    """
    try:
        with open_utf8(path, encoding) as handle:
            head = handle.read(_SNIFF_BYTES).decode("utf-8-sig", "replace")
    except OSError as error:
        raise read_error(path, error) from None
    except UnicodeDecodeError as error:
        raise DataError(f"cannot be read as {error.encoding}.", where=str(path), cure="Name its encoding with --encoding.") from None
    lines = [line for line in head.split("\n") if line.strip()] or [""]
    told = _SEPARATOR(lines[0].strip())
    first = lines[1 if told and len(lines) > 1 else 0].strip("\r ")
    if kind == ".txt":
        if first.startswith(("{", "[")):
            return TableForm(".jsonl", said=(f"{path}: JSON rows under the name of a text file.",))
        if "\t" not in first:
            raise UsageError(
                "is no list of pictures.", where=str(path), cure="A .txt may hold JSON rows, or a path, a tab and a text a line."
            )
        kind = ".tsv"
    said = []
    if kind == ".csv" and "," not in first:
        other = next((name for name in (".tsv", ".ssv") if DELIMITERS[name] in first), kind)
        if other != kind:
            kind = other
            said.append(f"{path}: columns are parted by {'tabs' if kind == '.tsv' else 'semicolons'}.")
    try:
        cells = next(csv.reader([first], delimiter=DELIMITERS[kind]), [])
    except csv.Error:  # a carriage return in the middle: the reader of rows says so with its place
        cells = [first]
    header = not any(_MEDIA_NAME(cell.strip()) or cell.startswith("data:image/") for cell in cells)
    if not header:
        said.append(f"{path}: no header, since its first row holds a file name; columns are {', '.join(made_header(cells))}.")
    return TableForm(kind, header, tuple(said))


def made_header(cells: list[str]) -> list[str]:
    """Name the columns of a table without a header: image for the first file name, text for the only other column."""
    place = next((index for index, cell in enumerate(cells) if _MEDIA_NAME(cell.strip())), 0)
    others = iter(["text"] if len(cells) == 2 else [f"column_{number}" for number in range(1, len(cells))])
    return ["image" if index == place else next(others) for index in range(len(cells))]


def iter_cells(path: Path, delimiter: str, opener: Opener, *, header: bool) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a text table, each with the line it begins on.

    A byte that is not of the encoding, a quote in the wrong place or a wrong number of cells costs its row; a row that the end of the
    file cuts refuses the file.
    """
    csv.field_size_limit(_MAX_CELL_BYTES)
    lines = _Lines(path, opener)
    reader = csv.reader(lines, delimiter=delimiter, strict=True, quoting=csv.QUOTE_MINIMAL if header else csv.QUOTE_NONE)
    names: list[str] | None = None
    while True:
        start = lines.number + 1
        where = f"{path.name}:{start}"
        try:
            cells = next(reader, None)
        except csv.Error as error:
            if lines.ended and "unexpected end" in str(error):
                raise DataError("the file ends inside a quoted cell that began here.", where=f"{path}:{start}", cure=_AGAIN) from None
            yield where, RowFault("VL001", f"cannot be read as a row of cells: {error}.")
            continue
        except UnicodeDecodeError as error:
            raise DataError(f"cannot be read as {error.encoding}.", where=str(path), cure="Name its encoding with --encoding.") from None
        if cells is None:
            return
        if not cells or (names is None and _SEPARATOR(delimiter.join(cells))):
            continue
        if names is None:
            names = cells if header else made_header(cells)
            _check_header(path, names)
            if header:
                continue
        if any("\udc80" <= char <= "\udcff" for cell in cells if not cell.isascii() for char in cell):
            yield where, RowFault("VL001", "the row has a byte that is not UTF-8; --encoding names another encoding.")
        elif len(cells) != len(names):
            if lines.cut and len(cells) < len(names):
                what = f"the file ends in the middle of a row: {len(cells)} cells under {len(names)} columns"
                raise DataError(f"{what}.", where=f"{path}:{start}", cure=_AGAIN)
            yield where, RowFault("VL201", f"the row has {len(cells)} cells under {len(names)} columns.")
        else:
            yield where, dict(zip(names, cells, strict=True))


def _check_header(path: Path, names: list[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"two columns are named {twice!r}.", where=str(path), cure="Give each column a name of its own.")


class _Lines:
    """The lines of a text file for the csv module; bytes that do not decode come through as lone surrogates."""

    def __init__(self, path: Path, opener: Opener) -> None:
        self.number = 0
        self.ended = False
        self.cut = False  # the last line has no line end
        self._lines = self._read(path, opener)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines, None)
        if line is None:
            self.ended = True
            raise StopIteration
        self.number += 1
        return line

    def _read(self, path: Path, opener: Opener) -> Iterator[str]:
        try:
            with opener(path) as handle:
                for number, raw in enumerate(handle):
                    line = raw.decode("utf-8", "surrogateescape")
                    self.cut = not line.endswith("\n")
                    yield line.removeprefix("\ufeff") if number == 0 else line
        except OSError as error:
            raise read_error(path, error) from None


# --- columns with types --------------------------------------------------------------------------------------------------------------


def iter_parquet(path: Path, *, texts_only: bool = False) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a parquet file; numbers of a ClassLabel come as the names its schema gives them.

    With `texts_only` without the columns that hold bytes.
    """
    names = namer_of(features_of(path))
    for number, cells in iter_parquet_rows(path, texts_only=texts_only):
        yield f"{path.name}[{number}]", names(cells) if names else cells


def iter_arrow(path: Path) -> Iterator[tuple[str, Row]]:
    """Yield the rows of an Arrow file as `save_to_disk` writes it, a stream."""
    names = _namer_beside(path)
    frame = _arrow(path)
    for number, cells in enumerate(frame.iter_rows(named=True)):
        yield f"{path.name}[{number}]", names(cells) if names else cells


def _arrow(path: Path) -> Any:
    import polars as pl

    try:
        return pl.read_ipc_stream(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        try:
            return pl.read_ipc(path)
        except (pl.exceptions.PolarsError, OSError):
            raise DataError(
                f"is not an Arrow file, or cut: {str(error).splitlines()[0]}.", where=str(path), cure="Fetch it again."
            ) from None


def _namer_beside(path: Path) -> Namer | None:
    from vldata.files import strictjson

    info = path.parent / "dataset_info.json"
    value = strictjson.read_json(info) if info.is_file() else {}
    features = value.get("features") if isinstance(value, dict) else None
    return namer_of(features if isinstance(features, dict) else {})


def iter_excel(path: Path) -> Iterator[tuple[str, Row]]:
    """Yield the rows of the first sheet, under the names in its first row; formulas come as their last results."""
    names: list[str] | None = None
    with _Sheet(path) as sheet:
        for number, values in enumerate(sheet, start=1):
            if all(value is None for value in values):
                continue
            if names is None:
                names = [str(value).strip() if value is not None else f"column_{place}" for place, value in enumerate(values, start=1)]
                _check_header(path, names)
                continue
            if fault := next(
                (f"{name!r} is {value}" for name, value in zip(names, values, strict=False) if isinstance(value, _Broken)), ""
            ):
                yield f"{path.name}:{number}", RowFault("VL201", f"{fault}, an error of the workbook; correct or clear the cell.")
                continue
            cells = [_cell(value) for value in values[: len(names)]]
            yield f"{path.name}:{number}", dict(zip(names, [*cells, *[None] * (len(names) - len(cells))], strict=True))


def sheets_said(path: Path) -> tuple[str, ...]:
    """Say what of a workbook is not read, or read in a way nobody asked for: guesses.

    Raises:
        DataError: cells are merged over rows, of which only the first has the value.
    """
    book = _Sheet(path)
    with book:
        if merged := book.merged():
            raise DataError(
                f"the cells {merged} are merged: the value is in the first row alone, and the others would be read as empty.",
                where=str(path),
                cure="Unmerge them and fill the value into each row.",
            )
        others, drawn, dates = book.others(), book.drawn(), book.dates()
    what = f"{path}: the first sheet is read, a guess; not read: {', '.join(map(repr, others))}"
    said = [f"{what}. Save a sheet as a file of its own to read it."] if others else []
    if drawn:
        said.append(
            f"{path}: pictures that lie in the workbook itself ({drawn}) are not read, a guess. Save them as files, named in a column."
        )
    if dates:
        said.append(f"{path}: cells that are dates are read as 2024-12-31, a guess, however the sheet shows them. Write them as texts.")
    return tuple(map(Guess, said))


def _cell(value: Any) -> Any:
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()  # a workbook knows no days, only moments
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


class _Broken(str):
    """What stands in a cell whose formula failed, as #N/A."""


_MERGE = re.compile(rb'<mergeCell [^>]{0,200}?ref="([A-Z0-9:$]{1,40})"')


def _merges(handle: IO[bytes]) -> Iterator[str]:
    """Yield the ranges of merged cells of a sheet's XML, which stand behind its rows."""
    tail = b""
    while block := handle.read(1 << 20):
        text = tail + block
        yield from (found.decode() for found in _MERGE.findall(text))
        tail = text[-300:]


def _over_rows(merged: str) -> bool:
    first, _, last = merged.partition(":")
    return bool(last) and first.strip("ABCDEFGHIJKLMNOPQRSTUVWXYZ$") != last.strip("ABCDEFGHIJKLMNOPQRSTUVWXYZ$")


class _Sheet:
    """The first sheet of a workbook, open for reading row by row."""

    def __init__(self, path: Path) -> None:
        import openpyxl
        from openpyxl.utils.exceptions import InvalidFileException

        guard_workbook(path)
        self._path = path
        try:
            self._book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
            raise DataError(
                f"is not a whole Excel workbook: {error}.", where=str(path), cure="Save it again as .xlsx, or as CSV."
            ) from None

    def __enter__(self) -> Iterator[tuple[Any, ...]]:
        rows = iter_rows(self._book.worksheets[0], str(self._path))
        return (tuple(_Broken(cell.value) if cell.data_type == "e" else cell.value for cell in cells) for cells in rows)

    def merged(self) -> str:
        """The first merged cells of the sheet that go over several rows, as A2:A3; "" for none."""
        member = str(getattr(self._book.worksheets[0], "_worksheet_path", "")).lstrip("/")
        try:
            with zipfile.ZipFile(self._path) as archive, archive.open(member) as handle:
                return next((text for text in _merges(handle) if _over_rows(text)), "")
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, OSError) as error:
            cure = "Save it again as .xlsx, or as CSV."
            raise DataError(f"is not a whole Excel workbook: {error}.", where=str(self._path), cure=cure) from None

    def drawn(self) -> int:
        """How many pictures lie in the workbook itself."""
        with zipfile.ZipFile(self._path) as archive:
            return sum(name.startswith("xl/media/") for name in archive.namelist())

    def dates(self) -> bool:
        """Whether cells of the first rows are dates or times."""
        rows = itertools.islice(iter_rows(self._book.worksheets[0], str(self._path)), 1_000)
        return any(isinstance(cell.value, datetime.date | datetime.time) for cells in rows for cell in cells)

    def others(self) -> list[str]:
        """The names of the further sheets that hold anything in their first rows."""
        sheets = [(sheet.title, itertools.islice(iter_rows(sheet, str(self._path)), 20)) for sheet in self._book.worksheets[1:]]
        return [name for name, rows in sheets if any(cell.value is not None for row in rows for cell in row)]

    def __exit__(self, *exc: object) -> None:
        self._book.close()


def columns_of(path: Path) -> dict[str, str]:
    """Return the columns of an Excel or Arrow file with their types."""
    if path.suffix.lower() == ".arrow":
        return {name: str(kind) for name, kind in _arrow(path).schema.items()}
    row = next((row for _, row in iter_excel(path) if isinstance(row, dict)), {})
    return ParquetColumns(dict.fromkeys(row, ""))
