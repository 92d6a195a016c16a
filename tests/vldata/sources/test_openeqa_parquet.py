from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from fixtures.openeqa import draw_parquet
from vldata.conversion import convert
from vldata.errors import DataError
from vldata.output.options import ConvertOptions
from vldata.records.record import iter_records
from vldata.sources.openeqa import open_source
from vldata.validation import validate

SMALL = (384, 216)


def test_a_mirror_gives_what_the_folders_give(prepared: Path, tmp_path: Path) -> None:
    opened = open_source(draw_parquet(tmp_path / "src", SMALL, files=1), frames=3)
    assert opened.said[0].startswith("Questions: 28 with embedded frames (videos) from ") and opened.total == 28
    result = convert(opened, ConvertOptions(max_rejects=1, out=tmp_path / "out", workers=1))
    assert result.counts.rejected == 0 and validate(tmp_path / "out", workers=1).findings.total == 0
    found = [record for _, record in iter_records(tmp_path / "out" / "openeqa.jsonl")]
    assert found == [record for _, record in iter_records(prepared / "openeqa.jsonl")]


def test_rows_that_cannot_be_used(tmp_path: Path) -> None:
    source = draw_parquet(tmp_path / "src", SMALL)
    file = source / "data" / "test-00000-of-00002.parquet"
    rows = pl.read_parquet(file).to_dicts()
    rows[0]["videos"] = []
    rows[1]["answer"] = None
    rows[2]["videos"][0]["bytes"] = None
    rows[3]["videos"][0]["bytes"] = b"no picture"
    pl.DataFrame(rows, schema=pl.read_parquet_schema(file)).write_parquet(file)
    result = convert(open_source(file, frames=2), ConvertOptions(max_rejects=1, out=tmp_path / "out", workers=1))
    assert [reject.code for reject in result.rejects] == ["VL203", "VL201", "VL202", "VL102"]
    assert result.rejects[0].where == "test-00000-of-00002.parquet[0]" and result.counts.written == 10


def test_other_parquet_is_no_mirror(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"no open-eqa-v0\.json here"):
        open_source(tmp_path)
