"""What `vldata doctor` says of releases and model folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vldata import installation
from vldata.models import examine
from vldata.models.examine import examine_families, examine_model
from vldata.models.families import FAMILIES


def test_every_model_type_has_its_floor() -> None:
    for family in FAMILIES.values():
        assert set(family.since) == set(family.model_types), family.name


@pytest.mark.parametrize(("release", "lacks"), [("5.24.0", ""), ("5.6.1", "MiniCPM-V"), ("4.56.2", "Qwen3-VL, dense and MoE (4.57)")])
def test_a_release_and_the_families_it_lacks(release: str, lacks: str) -> None:
    line = examine_families(release)
    assert (line.level == "good") == (not lacks) and lacks in line.what
    assert not lacks or line.cure == "pip install --upgrade 'transformers>=5.7' (with the quotes)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "qwen3_vl"}))
    for name in ("tokenizer.json", "preprocessor_config.json", "video_preprocessor_config.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": "x"}')
    return tmp_path


def levels(folder: Path) -> dict[str, str]:
    return {line.what: line.level for line in examine_model(folder)}


def test_a_whole_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examine, "installed", lambda _: "5.24.0")
    assert set(levels(folder).values()) == {"good"}
    monkeypatch.setattr(examine, "installed", lambda _: "4.45.0")
    assert levels(folder)["qwen3_vl needs transformers 4.57 or newer; here is 4.45.0"] == "bad"
    monkeypatch.setattr(examine, "installed", lambda _: "")
    assert "note" in levels(folder).values() and "bad" not in levels(folder).values()


@pytest.mark.parametrize("name", ["preprocessor_config.json", "tokenizer.json", "model.safetensors", "video_preprocessor_config.json"])
def test_a_file_that_is_missing_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    found = [line for line in examine_model(folder) if name in line.what]
    assert found and found[0].level == ("note" if "video" in name else "bad")


def test_what_is_no_whole_model(folder: Path, tmp_path: Path) -> None:
    assert examine_model(tmp_path / "nowhere")[0].level == "bad"
    (folder / "model.safetensors").write_bytes(b"version https://git-lfs")
    assert any("Git LFS" in line.what for line in examine_model(folder))
    (folder / "config.json").write_text("[]")
    assert any(line.level == "bad" for line in examine_model(folder))
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text('{"base_model_name_or_path": "base"}')
    assert "an adapter of 'base'" in examine_model(adapter)[0].what


def test_every_extra_is_looked_at_with_its_floors(monkeypatch: pytest.MonkeyPatch) -> None:
    told = ["pillow>=11", "torch>=2.11; extra == 'train'", "vlkit[train]; extra == 'qlora'", "bitsandbytes>=0.48; extra == 'qlora'"]
    told += ["ruff>=0.8; extra == 'dev'", 'decord>=0.6; (platform_machine != "arm64") and extra == "decord"']
    monkeypatch.setattr(installation, "requires", lambda _: told)
    assert installation.extras() == {"decord": {"decord": "0.6"}, "qlora": {"bitsandbytes": "0.48"}, "train": {"torch": "2.11"}}
    monkeypatch.setattr(installation, "installed", lambda name: "2.1.0" if name == "torch" else "")
    bad = [line for line in installation.examine(Path()) if line.level == "bad" and "extra" in line.what]
    assert [line.what for line in bad] == ["extra [train]: torch 2.1.0 is older than 2.11"] and "'torch>=2.11'" in bad[0].cure
