"""A Modelfile and the table of special tokens come with a merge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from vltrain.merged_files import write_modelfile, write_special_tokens

from tests.servers.modelfile_rules import modelfile_fault

PROMPTS = {"tokens": 4_650, "pictures": 8, "least_pixels": 65_536, "most_pixels": 589_824}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    merged = tmp_path / "merged"
    merged.mkdir()
    (merged / "config.json").write_text(json.dumps({"model_type": "qwen3_vl", "text_config": {"rope_theta": 5_000_000}}))
    return merged


def adapter(tmp_path: Path, manifest: object) -> Path:
    (tmp_path / "adapter").mkdir(exist_ok=True)
    (tmp_path / "adapter" / "run_manifest.json").write_text(json.dumps(manifest))
    return tmp_path / "adapter"


def test_the_modelfile_has_room_for_the_records_of_the_run(folder: Path, tmp_path: Path) -> None:
    said: list[str] = []
    write_modelfile(folder, adapter(tmp_path, {"prompts": PROMPTS}), said.append)
    text = (folder / "Modelfile").read_text()
    assert text.startswith("FROM .\nRENDERER qwen3-vl-instruct\n") and "num_ctx 10240" in text
    assert modelfile_fault(text) == "" and said == []


def test_a_config_that_ollama_would_misread_is_said(folder: Path, tmp_path: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen3_vl", "text_config": {"rope_parameters": {"rope_theta": 1}}}))
    said: list[str] = []
    write_modelfile(folder, adapter(tmp_path, {"prompts": PROMPTS}), said.append)
    text = (folder / "Modelfile").read_text()
    assert text.startswith("# config.json lacks rope_theta") and modelfile_fault(text) == "" and "vltrain export" in said[0]


@pytest.mark.parametrize("manifest", [{}, [], {"prompts": {**PROMPTS, "tokens": "many"}}, {"prompts": {**PROMPTS, "most_pixels": -1}}])
def test_without_the_sizes_there_is_none_and_that_is_said(folder: Path, tmp_path: Path, manifest: object) -> None:
    said: list[str] = []
    write_modelfile(folder, adapter(tmp_path, manifest), said.append)
    assert not (folder / "Modelfile").exists() and "No Modelfile" in said[0]


def test_special_tokens_are_those_of_the_tokenizer(folder: Path) -> None:
    told = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "bos_token": None, "model_max_length": 9}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    write_special_tokens(folder)
    assert json.loads((folder / "special_tokens_map.json").read_text()) == {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    (folder / "special_tokens_map.json").write_text("{}")
    write_special_tokens(folder)
    assert (folder / "special_tokens_map.json").read_text() == "{}"
