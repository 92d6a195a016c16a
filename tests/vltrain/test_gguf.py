"""GGUF: the two runs of llama.cpp's converter, made here where it is at hand; a stand-in for it is held to the flags of the real one."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from vltrain.api.export import export
from vltrain.gguf import as_gguf, cure_for, find_converter, plan_conversion

from vldata.errors import DataError, UsageError
from vldata.models.serving import Limits

LIMITS = Limits(prompt_tokens=100, pictures=1)
# Takes what convert_hf_to_gguf.py of llama.cpp takes (September 2026), and nothing else.
STAND_IN = """
import argparse, sys
parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("--mmproj", action="store_true")
parser.add_argument("--no-mtp", action="store_true")
parser.add_argument("--outtype", choices=["f32", "f16", "bf16", "q8_0", "auto"])
parser.add_argument("--outfile")
given = parser.parse_args()
for share in range(100):
    print(f"Writing: {{share}}%|#", end="\\r", flush=True)
print("INFO: blk.0 --> BF16", file=sys.stderr)
if {fails!r} and given.mmproj:
    sys.exit("Model Tiny is not supported")
open(given.outfile, "w").write(f"{{given.model}} {{given.mmproj}} {{given.outtype}}")
"""


@pytest.fixture
def folder(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "my model"))


def converter(folder: Path, *, fails: bool = False) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "convert_hf_to_gguf.py").write_text(STAND_IN.format(fails=fails))
    return folder


def test_both_files_are_made_and_the_server_gets_them(folder: Path, tmp_path: Path) -> None:
    made, line = as_gguf(folder, tmp_path / "gguf", LIMITS, outtype="q8_0", llama_cpp=converter(tmp_path / "llama.cpp"))
    assert made.made and [path.read_text() for path in made.files] == [f"{folder} False q8_0", f"{folder} True f16"]
    words = shlex.split(line)
    assert words[:5] == ["llama-server", "-m", str(made.files[0]), "--mmproj", str(made.files[1])]
    assert words[words.index("--alias") + 1] == "my model"
    with pytest.raises(UsageError, match="gguf"):
        as_gguf(folder, tmp_path / "gguf", LIMITS, outtype="q8_0", llama_cpp=tmp_path / "llama.cpp")


def test_what_the_converter_says_is_told_while_it_runs(folder: Path, tmp_path: Path) -> None:
    said: list[str] = []
    as_gguf(folder, tmp_path / "gguf", LIMITS, outtype="bf16", llama_cpp=converter(tmp_path / "llama.cpp"), tell=said.append)
    assert said.count("INFO: blk.0 --> BF16") == 2  # each file's
    assert 2 <= sum("%|" in line for line in said) < 20  # of 200 steps of its bar


def test_a_converter_that_fails_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Model Tiny is not supported"):
        as_gguf(folder, tmp_path / "gguf", LIMITS, outtype="bf16", llama_cpp=converter(tmp_path / "llama.cpp", fails=True))
    assert not (tmp_path / "gguf").exists() and not list(tmp_path.glob(".gguf.partial"))


@pytest.mark.parametrize(
    ("said", "cure"),
    [  # the last words of convert_hf_to_gguf.py of b11434
        ("ModuleNotFoundError: No module named 'sentencepiece'", "-m pip install sentencepiece$"),
        ("ModuleNotFoundError: No module named 'google.protobuf'", "-m pip install protobuf$"),
        ("NotImplementedError: BPE pre-tokenizer was not recognized - update get_vocab_base_pre()", "tokenizer.json"),
        ("ERROR:hf-to-gguf:Model TinyForConditionalGeneration is not supported", "newer"),
        ("ValueError: Splitting the vocabulary is not supported", "requirements"),
        ("it said nothing", "sentencepiece"),
    ],
)
def test_what_the_converter_ends_with_has_a_cure(said: str, cure: str) -> None:
    assert re.search(cure, cure_for(said))


@pytest.mark.parametrize(("weight", "without"), [("mtp.fc.weight", False), ("model.norm.weight", True)])
def test_layers_that_predict_several_tokens_are_left_out_where_they_are_not_there(weight: str, without: bool, folder: Path) -> None:
    """b11434 stops with an AssertionError on a Qwen3.5 without them (`make_gguf.py` on the tiny one), unless it is told."""
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen3_5"}))
    save_file({weight: torch.zeros(2)}, folder / "model.safetensors")
    plan = plan_conversion(folder, folder / "gguf", outtype="bf16", converter=None)
    assert ["--no-mtp" in line for line in plan.lines] == [without, False]


def test_without_a_converter_its_lines_are_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("LLAMA_CPP", raising=False)
    made, _ = as_gguf(folder, tmp_path / "gguf", LIMITS, outtype="bf16", llama_cpp=None)
    assert not made.made and made.lines[0][:2] == ("python", "llama.cpp/convert_hf_to_gguf.py") and "--mmproj" in made.lines[1]
    monkeypatch.setenv("LLAMA_CPP", str(converter(tmp_path / "llama.cpp")))
    assert find_converter(None) == tmp_path / "llama.cpp" / "convert_hf_to_gguf.py"
    with pytest.raises(DataError, match="holds no convert_hf_to_gguf"):
        find_converter(tmp_path)


@pytest.mark.parametrize("given", [{"to": "vllm", "outtype": "q8_0"}, {"to": "ollama", "out": Path("x")}, {"to": "gguf", "t4": True}])
def test_an_option_of_another_target_is_not_passed_over(folder: Path, given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="for --to"):
        export(folder, data=("x",), **given)


def test_four_bits_are_refused(folder: Path, tmp_path: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": {"load_in_4bit": True}}))
    with pytest.raises(DataError, match="bitsandbytes"):
        as_gguf(folder, tmp_path / "gguf", LIMITS, outtype="bf16", llama_cpp=converter(tmp_path / "llama.cpp"))
