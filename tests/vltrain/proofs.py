"""The heavy proofs of `make test-train`: minutes on two cores, no GPU, no network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from vltrain.features import Sample
from vltrain.levers import PLAIN, Levers
from vltrain.merge import merge
from vltrain.quantize import quantize
from vltrain.sft import run_sft

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
