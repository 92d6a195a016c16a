"""Every command that writes, on a small sample: what it is given, what it is called with, and what cures a refusal."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from fixtures.chartqa import draw_chartqa
from fixtures.jsonl import draw_jsonl
from fixtures.openeqa import draw_openeqa
from fixtures.sharegpt import draw_sharegpt
from vldata.exports import FORMATS

Prepare = Callable[[Path], None]
ONE = ("--workers", "1")


@dataclass(frozen=True)
class Case:
    """One command; what is `compared` of its files must come out the same whatever befell it.

    Paths in `argv` are relative to the folder that `prepare` filled; what it writes lies in `out`. `heavy` commands get few
    faults; `server` ones ask one at {url}; `change` alters an input, as a user might between a kill and the next try. `good` is the exit
    code of an undisturbed run: 1 where what it is given has findings.
    """

    name: str
    prepare: Prepare
    argv: tuple[str, ...]
    out: str = "out"
    heavy: bool = False
    server: bool = False
    change: Prepare | None = None
    compared: str = "*"
    good: int = 0


def _open_eqa(root: Path) -> None:
    draw_openeqa(root / "source", size=(320, 256))


def _prepared(root: Path) -> None:
    """A converted dataset in `out`, made without a fault."""
    from vldata.conversion import convert
    from vldata.output.options import ConvertOptions
    from vldata.sources.openeqa import open_source

    _open_eqa(root)
    convert(open_source(root / "source", frames=2), ConvertOptions(out=root / "out", workers=1))
    shutil.rmtree(root / "source")


def _two(root: Path) -> None:
    from vldata.splits.splitting import split

    _prepared(root)
    split(root / "out", "openeqa", test=8, group_by="none")


def _other(root: Path) -> None:
    _prepared(root)
    (root / "out").rename(root / "other")
    draw_jsonl(root / "pairs")
    from vldata.conversion import convert
    from vldata.output.options import ConvertOptions
    from vldata.sources.jsonl import open_source

    for opened in open_source(root / "pairs" / "pairs.jsonl"):
        convert(opened, ConvertOptions(out=root / "out", workers=1))


def _personal(root: Path) -> None:
    _prepared(root)


def _answers(root: Path) -> None:
    _prepared(root)
    from vldata.datasets.dataset import Dataset

    (root / "out2").mkdir()
    for name in ("base", "tuned"):
        lines = [{"id": record.id, "prediction": f"{name} {number % 3}"} for number, record in enumerate(Dataset(root / "out" / "openeqa"))]
        (root / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def _recipe(root: Path) -> None:
    from fixtures.colours import convert_colours
    from vldata.models.tiny import build_tiny_model

    build_tiny_model(root / "tiny", seed=0)
    convert_colours(root / "prepared", count=8)
    (root / "recipe.yaml").write_text(
        "model: tiny\ndata: prepared/colours\noutput: out/adapter\nmax_steps: 2\nsave_steps: 1\nbatch_size: 2\nworkers: 0\n"
        "tensorboard: false\nplot: false\ncheckpointing: false\n"
    )
    (root / "out").mkdir()


def _adapter(root: Path) -> None:
    import torch
    from safetensors.torch import save_file

    _recipe(root)
    adapter = root / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"], "task_type": "CAUSAL_LM"})
    )
    from safetensors import safe_open

    tensors = {}
    with safe_open(root / "tiny" / "model.safetensors", framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 - not a dict
            if name.endswith("q_proj.weight") and "language_model" in name:
                rows, columns = file.get_slice(name).get_shape()
                stem = f"base_model.model.{name.removesuffix('.weight')}"
                tensors[f"{stem}.lora_A.weight"] = torch.ones(2, columns)
                tensors[f"{stem}.lora_B.weight"] = torch.ones(rows, 2)
    save_file(tensors, adapter / "adapter_model.safetensors")


# Takes what llama.cpp's converter takes, and writes as much as would be cut short by a limit.
_CONVERTER = """
import argparse, sys
parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("--mmproj", action="store_true")
parser.add_argument("--outtype")
parser.add_argument("--outfile")
given = parser.parse_args()
try:
    with open(given.outfile, "wb") as file:
        for _ in range(4):
            file.write(b"GGUF%d" % given.mmproj * 20_000)
            file.flush()
except OSError as error:
    sys.exit(f"cannot write: {error}")
"""


def _converter(root: Path) -> None:
    _recipe(root)
    (root / "llama.cpp").mkdir()
    (root / "llama.cpp" / "convert_hf_to_gguf.py").write_text(_CONVERTER)


def _rows(root: Path) -> None:
    draw_sharegpt(root / "source", "llava")


def _merged(root: Path) -> None:
    from vldata.models.tiny import build_tiny_model

    build_tiny_model(root / "tiny", seed=0)
    (root / "out").mkdir()


def _other_frame(root: Path) -> None:
    path = sorted((root / "source").rglob("*.png"))[0]
    Image.new("RGB", (320, 256), (9, 9, 200)).save(path)


def _another_line(root: Path) -> None:
    path = root / "source" / "pairs.jsonl"
    path.write_text(path.read_text() + path.read_text().splitlines()[0].replace('"text": "', '"text": "Again ') + "\n")


def _convert(name: str, prepare: Prepare, *argv: str, change: Prepare | None = None) -> Case:
    return Case(f"convert {name}", prepare, ("vldata", "convert", name, *argv, "--out", "out", *ONE), change=change)


def _export(name: str) -> Case:
    images = ("--images", "copy") if name in ("llamafactory", "swift", "trl", "llava", "qwen", "internvl", "alpaca") else ()
    argv = ("vldata", "export", "out/openeqa", "--to", name, "--out", "exported", *images)
    return Case(f"export {name}", _prepared, argv, out="exported")


CASES = (
    _convert("openeqa", _open_eqa, "source", "--frames", "2", change=_other_frame),
    _convert("chartqa", lambda root: void(draw_chartqa(root / "source")), "source", "--split", "test"),
    _convert("jsonl", lambda root: void(draw_jsonl(root / "source")), "source/pairs.jsonl", change=_another_line),
    _convert("sharegpt", lambda root: void(draw_sharegpt(root / "source", "llava")), "source/conversations.json"),
    Case("convert --shard-size", _open_eqa, ("vldata", "convert", "openeqa", "source", "--out", "out", "--shard-size", "9", *ONE)),
    Case("split", _prepared, ("vldata", "split", "out/openeqa", "--test", "8", "--val", "4", "--group-by", "scene")),
    Case("sample", _prepared, ("vldata", "sample", "out/openeqa", "-n", "9")),
    Case("filter", _prepared, ("vldata", "filter", "out/openeqa", "--where", "turns>=1")),
    Case("mix", _two, ("vldata", "mix", "out/openeqa_train=1", "out/openeqa_test=0.5", "--as", "mixed")),
    Case("pii --redact", _personal, ("vldata", "pii", "out/openeqa", "--redact")),
    Case("info --rename", _prepared, ("vldata", "info", "out", "--rename", "openeqa", "rooms")),
    Case("info --merge", _other, ("vldata", "info", "out", "--merge", "other")),
    *(_export(name) for name in FORMATS if name != "hf" or importlib.util.find_spec("datasets")),
    Case("card", _prepared, ("vldata", "card", "out/openeqa", "--out", "carded"), out="carded"),
    Case("lint --fix", _rows, ("vldata", "lint", "source/conversations.json", "--fix", "out"), good=1),
    Case("verify --passport", _answers, ("vldata", "verify", "out/openeqa", "--passport", "out2/passport.json"), out="out2"),
    Case("preview", _prepared, ("vldata", "preview", "out/openeqa", "--out", "page.html", *ONE), out="."),
    Case(
        "predict",
        _answers,
        ("vleval", "predict", "--data", "out/openeqa", "--model", "tiny", "--base-url", "{url}", "--out", "out2/p.jsonl"),
        out="out2",
        server=True,
        compared="p.jsonl",
    ),
    Case(
        "score --per-record",
        _answers,
        ("vleval", "score", "base.jsonl", "--data", "out/openeqa", "--metric", "exact_match", "--per-record", "out2/rows.jsonl"),
        out="out2",
    ),
    Case(
        "report",
        _answers,
        ("vleval", "report", "base.jsonl", "tuned.jsonl", "--data", "out/openeqa", "--metric", "exact_match", "--out", "out2/r.html"),
        out="out2",
    ),
    Case("sft", _recipe, ("vltrain", "sft", "recipe.yaml"), heavy=True, compared="adapter_model.safetensors"),
    Case(
        "xray --out",
        _recipe,
        ("vldata", "xray", "prepared/colours", "--model", "tiny", "--as", "ours", "--rows", "1", "--out", "out/page.html"),
        heavy=True,
    ),
    Case(
        "export to a server", _recipe, ("vltrain", "export", "tiny", "--to", "ollama", "--data", "prepared/colours"), out="tiny", heavy=True
    ),
    Case(
        "export --to gguf",
        _converter,
        ("vltrain", "export", "tiny", "--to", "gguf", "--data", "prepared/colours", "--llama-cpp", "llama.cpp", "--out", "out/gguf"),
        heavy=True,
    ),
    Case("merge", _adapter, ("vltrain", "merge", "recipe.yaml", "--adapter", "adapter", "--out", "out/merged", "--no-verify"), heavy=True),
    *(
        [Case("quantize", _merged, ("vltrain", "quantize", "tiny", "--out", "out/small"), heavy=True)]
        if importlib.util.find_spec("bitsandbytes")
        else []
    ),
)


def void(_: object) -> None:
    """Let a drawing function stand where nothing is returned."""
