from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import vldata
from fixtures.jsonl import draw_jsonl
from vldata.errors import UsageError
from vldata.installation import examine


def test_everything_public_is_there() -> None:
    for name in vldata.__all__:
        assert callable(getattr(vldata, name))
    assert sorted(vldata.__all__) == sorted(vldata._PUBLIC)
    assert set(vldata.__all__) <= set(dir(vldata))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = vldata.nothing


def test_importing_does_nothing() -> None:
    script = "import sys, os; before = dict(os.environ); import vldata, vleval, vltrain; "
    script += "heavy = {'torch', 'polars', 'av', 'PIL', 'numpy', 'msgspec'} & set(sys.modules); "
    script += "sys.exit(', '.join(heavy) or int(before != dict(os.environ)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_convert_and_read(open_eqa: Path, tmp_path: Path) -> None:
    (result,) = vldata.convert("openeqa", open_eqa, frames=2, out=tmp_path / "out", workers=1)
    assert result.counts.written == 28
    records = list(vldata.read(tmp_path / "out" / "openeqa"))
    assert len(records) == 28 and len(records[0].images) == 2
    dataset = vldata.open(tmp_path / "out" / "openeqa")
    assert len(dataset) == 28 and all(path.is_file() for path in dataset.image_paths(records[0]))
    assert repr(dataset).endswith("openeqa', 28 records)")
    assert len({line.path for line in dataset.media()}) == len({image for record in records for image in record.images})


def test_unknown_names_offer_the_nearest(open_eqa: Path) -> None:
    with pytest.raises(vldata.UsageError, match=r"no option 'frame'. Did you mean 'frames'?"):
        vldata.convert("openeqa", open_eqa, frame=2)
    with pytest.raises(vldata.UsageError, match="no converter 'openqa'"):
        vldata.convert("openqa", open_eqa)
    with pytest.raises(vldata.DataError, match="nowhere: no such folder"):
        vldata.read("nowhere/x")


def test_paths_may_be_text_and_other_types_are_named(tmp_path: Path) -> None:
    source = draw_jsonl(tmp_path / "source")
    (result,) = vldata.convert("jsonl", str(source), image_root=str(source.parent), out=str(tmp_path / "out"), workers=1)
    assert result.counts.written == 3
    for name, value in (("frames", "8"), ("form", "x"), ("image_root", 3), ("min_pixels", "a"), ("out", 3), ("prompt", Path("x"))):
        with pytest.raises(UsageError, match=f"^--{name.replace('_', '-')}: .*(cannot be used|not one of its choices)"):
            vldata.convert("jsonl", source, **{name: value})
    with pytest.raises(UsageError, match="jsonl needs a source"):
        vldata.convert("jsonl")


def test_the_doctor_names_traps(tmp_path: Path) -> None:
    (tmp_path / "=4.45.0").touch()
    lines = examine(tmp_path)
    assert lines[0].what.startswith("Python 3.")
    assert any("'=4.45.0': a pip call without quotes made it" in line.what for line in lines)
    assert all(line.cure for line in lines if line.level != "good")
