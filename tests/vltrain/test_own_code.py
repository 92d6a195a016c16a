"""No code of a model folder runs that nobody asked for, and nobody is asked about it while a command works."""

from __future__ import annotations

import ast
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from vltrain.adapters import load_model
from vltrain.gguf import convert

from vldata.errors import DataError
from vldata.models.processor import load_processor
from vleval.inference.loading import load_folder

ROOT = Path(__file__).parents[2]
_EVIL = """
from pathlib import Path
Path(__file__).parent.joinpath("ran").touch()
Path({mark!r}).touch()
from transformers import Qwen3VLConfig as Config
from transformers import Qwen2VLImageProcessorPil as Images
"""


@pytest.fixture
def evil(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model folder with code of its own for its configuration and its images, and a person who answers every question with yes."""
    folder = Path(shutil.copytree(tiny, tmp_path / "evil"))
    (folder / "evil.py").write_text(_EVIL.format(mark=str(tmp_path / "ran")))
    for name, changes in {
        "config.json": {"model_type": "evilvl", "auto_map": {"AutoConfig": "evil.Config"}},
        "preprocessor_config.json": {"image_processor_type": "Images", "auto_map": {"AutoImageProcessor": "evil.Images"}},
    }.items():
        (folder / name).write_text(json.dumps(json.loads((folder / name).read_text()) | changes))
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 20))
    return folder


def test_code_of_a_model_folder_is_not_run(evil: Path, tmp_path: Path) -> None:
    llama = tmp_path / "convert_hf_to_gguf.py"
    llama.write_text("raise SystemExit('ran')")
    acts = {
        "merge, quantize": lambda: load_model(evil, {}, own_code=False),
        "predict": lambda: load_folder(evil, "float32"),
        "processor": lambda: load_processor(evil),
        "gguf": lambda: convert(evil, tmp_path / "out", outtype="bf16", converter=llama),
    }
    for name, act in acts.items():
        with pytest.raises(DataError, match=r"code of|unknown model type"):
            act()
        assert not (tmp_path / "ran").exists(), name


def test_code_runs_where_it_was_asked_for(evil: Path, tmp_path: Path) -> None:
    code = "import sys, pathlib; from vleval.inference.loading import load_folder\n"
    code += "load_folder(pathlib.Path(sys.argv[1]), 'float32', own_code=True)"
    ran = subprocess.run(
        [sys.executable, "-c", code, evil], capture_output=True, text=True, check=False
    )  # apart: it marks transformers' classes
    assert ran.returncode == 0 and (tmp_path / "ran").exists(), ran.stderr


def test_every_loading_says_whether_code_may_run() -> None:
    """Without the word, transformers asks on the terminal, takes a `y` from a pipe for consent, and runs it."""
    silent = []
    for package in ("vldata", "vleval", "train/vltrain"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "from_pretrained":
                    continue
                owner = ast.unparse(node.func.value)
                if owner != "PeftModel" and not {keyword.arg for keyword in node.keywords} & {"trust_remote_code", None}:
                    silent.append(f"{path.relative_to(ROOT)}:{node.lineno}: {owner}")
    assert not silent
