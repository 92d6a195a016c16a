"""Reading parquet a few rows at a time: embedded pictures are large, and a shard of them need not fit into memory."""

from __future__ import annotations

import functools
import json
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.files.special import refuse_special

_ROWS_AT_ONCE = 64


class ParquetColumns(dict[str, str]):
    """Column names with their types, and the number of rows."""

    rows: int = 0


def parquet_columns(path: Path) -> ParquetColumns:
    """Read the schema and the row count.

    Raises:
        DataError: not a parquet file.
    """
    import polars as pl

    refuse_special(path)
    if joint := _joint(path, path.stat().st_mtime_ns if path.exists() else 0):
        raise DataError(
            f"two parquet files are joined at byte {joint:,}; only one of them would be read.",
            where=str(path),
            cure="Give each file on its own.",
        )
    try:
        frame = pl.scan_parquet(path, glob=False)
        columns = ParquetColumns({name: str(kind) for name, kind in frame.collect_schema().items()})
        columns.rows = int(frame.select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"is not a parquet file: {str(error).splitlines()[0]}.", where=str(path), cure="Download it again.") from None
    return columns


@functools.lru_cache(maxsize=4_096)
def _joint(path: Path, mtime_ns: int) -> int:
    """Return where one parquet file ends and another begins in the same file, 0 where it is one file."""
    try:
        with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return max(data.find(b"PAR1PAR1"), 0)
    except (OSError, ValueError):  # empty, or not to be opened: the reader says so
        return 0


def features_of(path: Path) -> dict[str, Any]:
    """Return the features that Hugging Face's `datasets` wrote into the schema: what a column means beyond its type; {} without them."""
    import polars as pl

    try:
        text = pl.read_parquet_metadata(path).get("huggingface", "")
        value = json.loads(text)["info"]["features"]
    except (pl.exceptions.PolarsError, OSError, ValueError, KeyError, TypeError):
        return {}
    return value if isinstance(value, dict) else {}


def iter_parquet_rows(path: Path, *, rows_at_once: int = _ROWS_AT_ONCE, texts_only: bool = False) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield `(row number, cells by column)`; nested cells come as dicts and lists, binary ones as bytes.

    With `texts_only` columns that hold bytes are not read, and more rows at once.

    Raises:
        DataError: the file is damaged.
    """
    import polars as pl

    columns = parquet_columns(path)
    total = columns.rows
    wanted = [name for name, kind in columns.items() if not (texts_only and "Binary" in kind)]
    rows_at_once = max(rows_at_once, 8_192) if texts_only else rows_at_once
    for start in range(0, total, rows_at_once):
        try:
            block = pl.scan_parquet(path, glob=False).select(wanted).slice(start, rows_at_once).collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"cannot be read from row {start}: {str(error).splitlines()[0]}.", where=str(path)) from None
        for offset, row in enumerate(block.iter_rows(named=True)):
            yield start + offset, row
