r"""Annotation files as rows: JSON Lines, JSON, CSV, TSV, Excel, parquet and Arrow, one row at a time, each with its place.

A row that cannot be read is yielded as a `RowFault` in its place, so that one bad line costs one record. A file that is damaged as a
whole (cut, joined to another, a list without its end) is refused: nobody knows which rows are missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from vldata.causes import absent_cure, read_error
from vldata.errors import DataError, UsageError
from vldata.files.parquet import parquet_columns
from vldata.files.paths import refuse_archive
from vldata.sources.compressed import is_compressed, suffix_of
from vldata.sources.encodings import find_encoding, open_utf8
from vldata.sources.faults import Row, RowFault
from vldata.sources.jsonrows import JsonForm, Quick, decode_row, find_form, iter_json, iter_jsonl

__all__ = ["SUFFIXES", "Row", "RowFault", "RowFile", "decode_row", "find_names", "open_rows"]

SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".ndjson", ".xlsx", ".arrow", ".txt")
_BINARY = frozenset({".parquet", ".xlsx", ".arrow"})
_BLOCK_BYTES = 1 << 20


class RowFile(NamedTuple):
    """One annotation file and how it is read."""

    path: Path
    kind: str  # a suffix of SUFFIXES; as the content is, not as the name says
    encoding: str = "utf-8"
    form: JsonForm = JsonForm()  # of a JSON file
    header: bool = True  # of a table: its first row names the columns
    said: tuple[str, ...] = ()

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Yield `(where, row or fault)` in file order; `where` is `file:line` or `file[index]`.

        Raises:
            DataError: the file as a whole cannot be read.
        """
        opener = partial(open_utf8, encoding=self.encoding)
        if self.kind == ".jsonl":
            return iter_jsonl(self.path, opener)
        if self.kind == ".json":
            return iter_json(self.path, self.form, opener)
        from vldata.sources import tablerows

        if self.kind == ".parquet":
            return tablerows.iter_parquet(self.path)
        if self.kind == ".arrow":
            return tablerows.iter_arrow(self.path)
        if self.kind == ".xlsx":
            return tablerows.iter_excel(self.path)
        return tablerows.iter_cells(self.path, tablerows.DELIMITERS[self.kind], opener, header=self.header)

    def quick_rows(self, quick: Callable[[str], Quick]) -> Iterator[tuple[str, Any]]:
        """Yield what `rows` does, and `("", item)` for the lines of JSON Lines of which `quick` of the file's name makes one."""
        if self.kind != ".jsonl":
            return self.rows()
        return iter_jsonl(self.path, partial(open_utf8, encoding=self.encoding), quick(self.path.name))

    def texts(self) -> Iterator[tuple[str, Row]]:
        """Yield what `rows` does, without the columns of bytes that a parquet file may have."""
        if self.kind != ".parquet":
            return self.rows()
        from vldata.sources import tablerows

        return tablerows.iter_parquet(self.path, texts_only=True)

    def names(self, wanted: tuple[str, ...]) -> frozenset[str]:
        """Tell which of the names stand anywhere in the file as quoted texts or as columns: no key of a row can be another one.

        A name that is only text somewhere is told too. So a column may be empty throughout, but none appears late.
        """
        from vldata.sources import tablerows

        if self.kind == ".parquet":
            columns: dict[str, str] = parquet_columns(self.path)
        elif self.kind in (".arrow", ".xlsx"):
            columns = tablerows.columns_of(self.path)
        else:
            return find_names(self.path, wanted, quoted=self.kind in (".json", ".jsonl"), encoding=self.encoding)
        return frozenset(name for name in wanted if any(name in text for text in (*columns, *columns.values())))


def open_rows(path: Path, *, encoding: str = "auto") -> RowFile:
    """Open an annotation file by its suffix and its content: a list under the name of JSON Lines is read as the list it is.

    Args:
        path: the file.
        encoding: of a text file; auto tells it from the bytes.

    Raises:
        DataError: there is no such file, or it is damaged or none of ours by its content.
        UsageError: the suffix is none of ours.
    """
    if not (is_compressed(path) and suffix_of(path) in SUFFIXES):
        refuse_archive(path)
    if not path.exists():
        raise DataError("is not there.", where=str(path), cure=absent_cure(path))
    kind = suffix_of(path)
    if kind in _BINARY and is_compressed(path):
        raise UsageError(
            f"{path.name!r} is compressed twice.", where=str(path), cure=f"Unpack it: {kind} files are compressed as they are."
        )
    if kind not in SUFFIXES:
        raise UsageError(f"{path.name!r} is not an annotation file.", where=str(path), cure=f"Files may end in {', '.join(SUFFIXES)}.")
    if not path.is_file():
        raise DataError("is not a file.", where=str(path), cure="Give the annotation file.")
    if kind == ".xlsx":
        from vldata.sources import tablerows

        return RowFile(path, kind, said=tablerows.sheets_said(path))
    if kind in _BINARY:
        return RowFile(path, kind)
    found, guess = find_encoding(path, encoding)
    said = (guess,) if guess else ()
    if kind in (".csv", ".tsv", ".txt"):
        from vldata.sources import tablerows

        table = tablerows.look_at(path, kind, found)
        if table.kind != ".jsonl":
            return RowFile(path, table.kind, found, header=table.header, said=(*said, *table.said))
        kind = ".jsonl"
    form = find_form(path, ".jsonl" if kind == ".ndjson" else kind, partial(open_utf8, encoding=found))
    return RowFile(path, form.kind, found, form, said=(*said, *form.said))


def find_names(path: Path, wanted: tuple[str, ...], *, quoted: bool = True, encoding: str = "utf-8") -> frozenset[str]:
    """Tell which names stand anywhere in the bytes of a file, in quotes as the keys of JSON are."""
    left = set(wanted)
    find = _in_quotes if quoted and _is_large(path) else partial(_anywhere, quoted=quoted)
    tail = b""
    try:
        with open_utf8(path, encoding) as handle:
            while left and (block := handle.read(_BLOCK_BYTES)):
                text = tail + block
                find(text, left)
                tail = text[-64:]
    except OSError as error:
        raise read_error(path, error) from None
    except UnicodeDecodeError:
        return frozenset(wanted)  # the reader of rows says where it goes wrong
    return frozenset(wanted) - left


def _is_large(path: Path) -> bool:
    return path.stat().st_size > 4 * _BLOCK_BYTES


def _anywhere(text: bytes, left: set[str], *, quoted: bool = True) -> None:
    """Take the names that stand in a text out of those that are left."""
    position = 0
    search = _any_of(frozenset(left), quoted=quoted).search
    while left and (match := search(text, position)):
        left.discard(match.group().strip(b'"').decode())
        search, position = _any_of(frozenset(left), quoted=quoted).search, match.start()


def _in_quotes(text: bytes, left: set[str]) -> None:
    """Do what `_anywhere` does by looking at the first signs behind each quote, for many megabytes."""
    import numpy as np

    signs = np.frombuffer(text + b"\0", dtype=np.uint8)
    places = np.flatnonzero(signs[:-3] == ord('"'))
    pairs = signs[places + 1].astype(np.uint16) << 8 | signs[places + 2]
    begins, thirds = np.zeros(1 << 16, dtype=bool), np.zeros(1 << 8, dtype=bool)
    for name in left:
        first, second, *third = f'{name}"'.encode()[:3]
        begins[first << 8 | second] = True
        thirds[third or slice(None)] = True  # behind a name of one letter anything may stand
    places = places[begins[pairs]]
    match = _any_of(frozenset(left), quoted=True).match
    for place in places[thirds[signs[places + 3]]].tolist():
        if found := match(text, place):
            left.discard(found.group().strip(b'"').decode())
            match = _any_of(frozenset(left), quoted=True).match


@lru_cache(64)
def _any_of(names: frozenset[str], *, quoted: bool) -> re.Pattern[bytes]:
    """Return the pattern for any of the names: one pass for all is several times faster than one for each.

    They are grouped by their first letters, of which the search then tries fewer than there are names.
    """
    mark = '"' if quoted else ""
    by_letter: dict[str, list[str]] = {}
    for name in sorted(names, key=len, reverse=True):
        by_letter.setdefault(name[:1], []).append(name[1:])
    groups = "|".join(f"{re.escape(letter)}(?:{'|'.join(map(re.escape, rests))})" for letter, rests in by_letter.items())
    return re.compile(f"{mark}(?:{groups or '(?!)'}){mark}".encode())
