"""The proofs of `make test-gpu` that need two GPUs: FSDP2 trains, evaluates, resumes and saves what DDP does."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.vltrain.conftest import load

pytestmark = [pytest.mark.skipif(torch.cuda.device_count() < 2, reason="fewer than two GPUs here"), pytest.mark.filterwarnings("ignore")]
LAYERS = "Qwen3VLTextDecoderLayer,Qwen3VLVisionBlock"
FSDP = ["--use_fsdp", "--fsdp_version", "2", "--fsdp_auto_wrap_policy", "TRANSFORMER_BASED_WRAP",
        "--fsdp_transformer_layer_cls_to_wrap", LAYERS, "--fsdp_cpu_ram_efficient_loading", "false",
        "--fsdp_state_dict_type", "FULL_STATE_DICT", "--fsdp_reshard_after_forward", "true",
        "--mixed_precision", "no", "--dynamo_backend", "no", "--num_machines", "1"]  # fmt: skip
DDP_RUN = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29617"]
FSDP_RUN = ["-m", "accelerate.commands.launch", "--num_processes", "2", "--main_process_port", "29618", *FSDP]


def train(launcher: list[str], tiny: Path, colours: str, out: Path, **changes: Any) -> None:
    recipe = {"model": str(tiny), "data": colours, "val_size": 4, "output": str(out), "precision": "fp32", "learning_rate": 1e-3,
              "max_steps": 6, "batch_size": 2, "save_steps": 3, "eval_steps": 3, "log_steps": 1, "checkpointing": False, "workers": 0,
              "tensorboard": False, "plot": False, **changes}  # fmt: skip
    path = out.with_suffix(".yaml")
    path.write_text(json.dumps(recipe))
    command = [sys.executable, *launcher, "-m", "vltrain", "sft", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr[-4000:]


def losses(out: Path, key: str) -> list[float]:
    lines = [json.loads(line) for line in (out / "trainer_log.jsonl").read_text().splitlines()]
    return [line[key] for line in lines if line.get(key) is not None]


@pytest.mark.parametrize("checkpointing", [False, True])
def test_fsdp_is_ddp(tiny: Path, colours: str, tmp_path: Path, checkpointing: bool) -> None:
    train(DDP_RUN, tiny, colours, tmp_path / "ddp", checkpointing=checkpointing)
    train(FSDP_RUN, tiny, colours, tmp_path / "fsdp", checkpointing=checkpointing)
    for name, wanted in (("ddp", "ddp"), ("fsdp", "fsdp2")):
        assert json.loads((tmp_path / name / "all_results.json").read_text())["parallel"] == wanted
    for key in ("loss", "eval_loss"):
        one, two = (losses(tmp_path / name, key) for name in ("ddp", "fsdp"))
        print(key, one, two)
        assert len(one) >= 2
        assert two == pytest.approx(one, abs=2e-3)
    one, two = (load_file(tmp_path / name / "adapter_model.safetensors") for name in ("ddp", "fsdp"))
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, atol=2e-3, rtol=2e-2)


def test_fsdp_resumes_and_its_adapter_loads(tiny: Path, colours: str, tmp_path: Path) -> None:
    from peft import PeftModel

    out = tmp_path / "whole"
    train(FSDP_RUN, tiny, colours, out)
    killed = tmp_path / "killed"
    shutil.copytree(out, killed)
    shutil.rmtree(killed / "checkpoint-6")
    for name in ("adapter_model.safetensors", "all_results.json"):
        (killed / name).unlink()
    train(FSDP_RUN, tiny, colours, killed)
    assert json.loads((killed / "all_results.json").read_text())["resumed_from"] == 3
    one, two = (load_file(folder / "adapter_model.safetensors") for folder in (out, killed))
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, atol=1e-5, rtol=1e-4)
    adapted = PeftModel.from_pretrained(load(tiny), out)
    state = {name.replace(".default", ""): value for name, value in adapted.state_dict().items() if "lora_" in name}
    for name, tensor in one.items():
        assert torch.equal(state[name], tensor), name
