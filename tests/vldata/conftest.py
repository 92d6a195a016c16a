from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fixtures.openeqa import draw_openeqa
from vldata.conversion import convert
from vldata.output.options import ConvertOptions
from vldata.sources.openeqa import open_source

SMALL = (384, 216)


@pytest.fixture(scope="session")
def open_eqa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic Open-EQA download with frame folders."""
    return draw_openeqa(tmp_path_factory.mktemp("source") / "open-eqa", size=SMALL)


@pytest.fixture(scope="session")
def _prepared(open_eqa: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "prepared"
    convert(open_source(open_eqa, frames=3), ConvertOptions(max_rejects=1, out=out, workers=1))
    return out


@pytest.fixture
def prepared(_prepared: Path, tmp_path: Path) -> Path:
    """A folder with the converted sample, to be changed at will."""
    return Path(shutil.copytree(_prepared, tmp_path / "prepared"))
