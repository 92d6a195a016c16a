"""Reading parquet a few rows at a time: embedded pictures are large, and a shard of them need not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vldata.errors import DataError

_ROWS_AT_ONCE = 64


class Columns(dict[str, str]):
    """Column names with their types, and the number of rows."""

    rows: int = 0


def parquet_columns(path: Path) -> Columns:
    """Read the schema and the row count.

    Raises:
        DataError: not a parquet file.
    """
    import polars as pl

    try:
        frame = pl.scan_parquet(path, glob=False)
        columns = Columns({name: str(kind) for name, kind in frame.collect_schema().items()})
        columns.rows = int(frame.select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"is not a parquet file: {str(error).splitlines()[0]}.", where=str(path), cure="Download it again.") from None
    return columns


def iter_parquet_rows(path: Path, *, rows_at_once: int = _ROWS_AT_ONCE) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield `(row number, cells by column)`; nested cells come as dicts and lists, binary ones as bytes.

    Raises:
        DataError: the file is damaged.
    """
    import polars as pl

    total = parquet_columns(path).rows
    for start in range(0, total, rows_at_once):
        try:
            block = pl.scan_parquet(path, glob=False).slice(start, rows_at_once).collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"cannot be read from row {start}: {str(error).splitlines()[0]}.", where=str(path)) from None
        for offset, row in enumerate(block.iter_rows(named=True)):
            yield start + offset, row
