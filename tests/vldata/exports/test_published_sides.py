"""A source that came split: its train side is evaluated on its own val side."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.chartqa import draw_chartqa
from vldata.api.convert import convert
from vldata.api.export import export


@pytest.fixture(scope="module")
def charts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("charts")
    convert("chartqa", draw_chartqa(root / "source"), name="charts", out=root / "prepared", workers=1)
    return root / "prepared"


def test_the_train_side_evaluates_on_the_val_side(charts: Path, tmp_path: Path) -> None:
    export(f"{charts}/charts_train", to="trl", out=tmp_path)
    assert "charts_val.trl.jsonl" in (tmp_path / "charts_train.trl.py").read_text()
    assert (tmp_path / "charts_val.trl.jsonl").is_file()


def test_training_on_a_held_out_side_is_said(charts: Path, tmp_path: Path) -> None:
    told = "\n".join(export(f"{charts}/charts_test", to="swift", out=tmp_path).lines())
    assert "charts_test is its source's own test side" in told
