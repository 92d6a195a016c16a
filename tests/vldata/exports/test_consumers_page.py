"""docs/consumers.md says of every optional part who learns from it, and no more than the exports hold."""

from __future__ import annotations

import re
from pathlib import Path

from vldata.exports import FORMATS
from vldata.records.parts import PARTS

PAGE = (Path(__file__).parents[3] / "docs" / "consumers.md").read_text(encoding="utf-8")
CARRIERS = {"parquet", "webdataset", "mds", "hf"}
ROWS = re.findall(r"^\| `(\w+)` \| [^|]+ \| (\w+) \| ([^|]+) \|$", PAGE, re.MULTILINE)


def test_the_table_is_that_of_the_exports() -> None:
    assert [name for name, _, _ in ROWS] == list(PARTS)
    for name, training, cell in ROWS:
        told = {consumer.strip(" *") for consumer in cell.split(",")}
        assert told - {"vltrain sft"} == {form for form, kind in FORMATS.items() if name in kind.holds} - CARRIERS
        assert training == PARTS[name].training
        assert ("vltrain sft" in told) == (training == "SFT")  # type: ignore[index]


def test_carriers_hold_all_and_every_format_is_told() -> None:
    assert all(FORMATS[name].holds == tuple(PARTS) for name in CARRIERS)
    assert all(name in PAGE for name in FORMATS)
