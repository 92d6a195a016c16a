"""The heavy proofs of `make test-train`: minutes on two cores, no GPU, no network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from vltrain.features import Sample
from vltrain.levers import PLAIN
from vltrain.merging import merge
from vltrain.quantizing import quantize
from vltrain.recipe import Levers
from vltrain.training import run_sft

from fixtures.colours import convert_colours
from tests.vltrain.answers import exact_match
from tests.vltrain.conftest import load
from tests.vltrain.test_levers import assert_equal, run
from tests.vltrain.test_sft import recipe_for
from vldata.models.tiny import build_tiny_model


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_unseen_squares_are_named(seed: int, tmp_path: Path) -> None:
    from peft import PeftModel

    tiny = build_tiny_model(tmp_path / "tiny", seed=seed, embedding_std=0.15)
    data = convert_colours(tmp_path / "data", count=128, seed=seed)
    held_out = convert_colours(tmp_path / "held", count=64, seed=1_000 + seed, name="held")
    run_sft(recipe_for(tiny, data, tmp_path / "out", max_steps=500, seed=seed))
    assert exact_match(PeftModel.from_pretrained(load(tiny), tmp_path / "out"), tiny, held_out) >= 0.9


def test_qlora_learns_and_its_merge_can_be_quantised(tiny: Path, colours: str, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    from peft import PeftModel
    from transformers import BitsAndBytesConfig
    from vltrain.adapters import quantization_config

    recipe = recipe_for(tiny, colours, tmp_path / "out", method="qlora", checkpointing=True)
    run_sft(recipe)
    settings: BitsAndBytesConfig = quantization_config(recipe, torch.float32)
    small = PeftModel.from_pretrained(load(tiny, quantization_config=settings), tmp_path / "out")
    assert exact_match(small, tiny, colours) >= 0.9
    merge(tiny, tmp_path / "out", tmp_path / "merged")
    made = quantize(tmp_path / "merged", tmp_path / "nf4", compute="fp32")
    assert made.quantized_linears == 14 and made.bytes_after < made.bytes_before
    reloaded = load(tmp_path / "nf4")
    assert reloaded.model.visual.blocks[0].attn.qkv.weight.dtype == torch.float32
    assert reloaded.lm_head.weight.dtype == torch.float32
    assert reloaded.model.language_model.layers[0].mlp.up_proj.weight.dtype == torch.uint8
    assert exact_match(reloaded, tmp_path / "nf4", colours) >= 0.75


def test_two_processes_train_as_one(tiny: Path, colours: str, tmp_path: Path) -> None:
    text = (
        f"model: {tiny}\ndata: {colours}\nprecision: fp32\nlearning_rate: 1e-3\nmax_steps: 4\ncheckpointing: false\nworkers: 0\n"
        "tensorboard: false\nplot: false\nlog_steps: 1\n"
    )
    for name, size, command in (
        ("one", 8, [sys.executable, "-m", "vltrain"]),
        ("two", 4, [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29613", "-m", "vltrain"]),
    ):
        recipe = tmp_path / f"{name}.yaml"
        recipe.write_text(f"{text}batch_size: {size}\noutput: {tmp_path / name}\n")
        done = subprocess.run([*command, "sft", str(recipe)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
    one, two = (load_file(tmp_path / name / "adapter_model.safetensors") for name in ("one", "two"))
    for key, tensor in one.items():
        assert torch.allclose(tensor, two[key], atol=1e-4), key


@pytest.mark.filterwarnings("ignore")  # the compiler's own, while it traces
def test_compiled_layers_give_the_plain_loss_and_gradients(tiny: Path, samples: list[Sample]) -> None:
    from vltrain.adapters import add_adapters

    torch.manual_seed(0)
    model = add_adapters(load(tiny), recipe_for(tiny, "x/y", Path("unused")))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    plain = run(model, samples, PLAIN)
    assert_equal(run(model, samples, Levers(compile=True)), plain, 1e-5)


def draw_for(name: str, folder: Path) -> None:
    """Draw and prepare, with the commands a recipe names, what it trains on."""
    from fixtures.chartqa import draw_chartqa
    from fixtures.openeqa import draw_openeqa
    from fixtures.sharegpt import draw_sharegpt

    vldata = [sys.executable, "-m", "vldata"]
    if name == "chartqa-lora-8b":
        commands = [["convert", "chartqa", str(draw_chartqa(folder / "ChartQA Dataset"))]]
    elif name == "openeqa-qlora-t4":
        source = draw_openeqa(folder / "open-eqa")
        commands = [["convert", "openeqa", str(source), "--frames", "8", "--max-pixels", "261120"],
                    ["split", "prepared/openeqa", "--test", "4", "--val", "4", "--group-by", "scene"]]  # fmt: skip
    else:
        source = draw_sharegpt(folder / "conversations", "swift" if name == "detection" else "llava")
        found = source if source.is_file() else next(path for path in sorted(source.iterdir()) if path.suffix in (".json", ".jsonl"))
        commands = [["convert", "sharegpt", str(found), "--name", "sharegpt" if name.startswith("sharegpt") else name]]
        if name == "detection":
            commands += [["sample", "prepared/detection", "--count", "1", "--as", f"detection_{side}"] for side in ("train", "val")]
    for command in commands:
        done = subprocess.run([*vldata, *command], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("name", ["chartqa-lora-8b", "openeqa-qlora-t4", "sharegpt-lora-4b", "detection"])
def test_recipes_train_as_they_stand(name: str, tiny: Path, tmp_path: Path) -> None:
    """On the CPU and a tiny model: only what needs a GPU or the real weights is changed."""
    import yaml

    if "qlora" in name:
        pytest.importorskip("bitsandbytes")
    draw_for(name, tmp_path)
    text = (Path(__file__).parents[2] / "train" / "recipes" / f"{name}.yaml").read_text()
    recipe = yaml.safe_load(text) | {
        "model": str(tiny),
        "precision": "fp32",
        "max_steps": 2,
        "save_steps": 1,
        "eval_steps": 1,
        "workers": 0,
    }
    recipe["compile"] = False
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    done = subprocess.run(
        [sys.executable, "-m", "vltrain", "sft", "recipe.yaml", "--json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results = json.loads(done.stdout)
    assert results["steps"] == 2 and results["eval_loss"] > 0
    assert (tmp_path / recipe["output"] / "adapter_model.safetensors").stat().st_size > 1_000
