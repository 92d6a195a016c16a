from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from vldata.errors import DataError
from vldata.files import workbooks
from vldata.files.workbooks import guard_workbook
from vleval.readers.source import open_source
from vleval.readers.xlsx import iter_xlsx

ROWS = b'<row r="2"><c r="A2" t="inlineStr"><is><t>a</t></is></c></row>'


def write_book(path: Path, cells: dict[str, object]) -> Path:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for place, value in {"A1": "index", "B1": "prediction", "A2": 1, "B2": "a", **cells}.items():
        sheet[place] = value
    book.save(path)
    return path


def read(path: Path) -> list[dict[str, object]]:
    with open_source(path) as source:
        return [row for _, row in iter_xlsx(source)]


def test_a_megabyte_that_unpacks_to_a_thousand_is_not_read(tmp_path: Path) -> None:
    good = write_book(tmp_path / "good.xlsx", {})
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b"</sheetData>", ROWS * 300_000 + b"</sheetData>") if "sheet1" in name else data)
    assert (tmp_path / "bomb.xlsx").stat().st_size < 200_000
    with pytest.raises(DataError, match="a bomb, not a table"):
        read(tmp_path / "bomb.xlsx")


def test_more_than_is_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_book(tmp_path / "a.xlsx", {})
    monkeypatch.setattr(workbooks, "MOST_BYTES", 1_000)
    with pytest.raises(DataError, match=r"unpacks to .* at most 1,000 are read"):
        guard_workbook(path)


def test_a_cell_far_away_does_not_make_a_billion(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="more than 100,000 empty rows"):
        read(write_book(tmp_path / "deep.xlsx", {"A1048576": "x"}))
    assert read(write_book(tmp_path / "wide.xlsx", {"XFD2": "x"})) == [{"index": "1", "prediction": "a"}]
    with pytest.raises(DataError, match="has 16,384 columns"):
        read(write_book(tmp_path / "header.xlsx", {"XFD1": "x"}))


@pytest.mark.parametrize("data", [b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"not a zip", b""])
def test_what_is_no_archive_is_named(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(data)
    if data.startswith(b"PK\x05"):
        guard_workbook(tmp_path / "a.xlsx")  # an empty archive is one; the reader says that it is no workbook
        return
    with pytest.raises(DataError, match="damaged zip archive"):
        guard_workbook(tmp_path / "a.xlsx")
