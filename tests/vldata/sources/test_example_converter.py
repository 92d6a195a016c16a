from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

import vldata
from vldata.sources import converter_names

EXAMPLE = Path(__file__).parents[3] / "docs" / "example-converter"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example as an installer would lay it out: the module, and metadata with its entry points."""
    site = tmp_path / "site"
    info = site / "vlkit_albums-0.1.0.dist-info"
    info.mkdir(parents=True)
    (site / "vlkit_albums.py").write_text((EXAMPLE / "vlkit_albums.py").read_text())
    groups = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]["entry-points"]
    lines = [line for group, points in groups.items() for line in (f"[{group}]", *(f"{name} = {value}" for name, value in points.items()))]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vlkit-albums\nVersion: 0.1.0\n")
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()
    return site


@pytest.fixture
def albums(tmp_path: Path) -> Path:
    folder = tmp_path / "albums" / "garden"
    folder.mkdir(parents=True)
    for name, colour in (("a.jpg", "green"), ("b.jpg", "red")):
        Image.new("RGB", (320, 320), colour).save(folder / name)
    (folder / "captions.txt").write_text("a.jpg: A lawn\nb.jpg: A rose\nc.jpg: Nothing\n../x.jpg: Elsewhere\nb.jpg\n")
    return folder.parent


def test_a_foreign_converter_is_found_and_converts(installed: Path, albums: Path, tmp_path: Path) -> None:
    assert "albums" in converter_names()
    (result,) = vldata.convert("albums", albums, question="What grows here?", out=tmp_path / "out", workers=1, max_rejects=1)
    assert (result.counts.written, result.reject_counts) == (2, {"VL202": 1, "VL111": 1, "VL201": 1})
    records = list(vldata.read(tmp_path / "out" / "albums"))
    assert [r.messages[0].content for r in records] == ["<image>What grows here?"] * 2
    assert vldata.validate(tmp_path / "out", workers=1).findings.total == 0


def test_its_command_has_its_options(installed: Path) -> None:
    program = [sys.executable, "-c", "from vldata.cli import main; main()", "convert", "albums", "--help"]
    shown = subprocess.run(
        program, capture_output=True, text=True, check=False, env={"PYTHONPATH": f"{installed}:{Path.cwd()}", "PATH": ""}
    )
    assert shown.returncode == 0, shown.stderr
    assert "What the user asks of every photograph." in " ".join(shown.stdout.split()) and "--max-pixels" in shown.stdout
