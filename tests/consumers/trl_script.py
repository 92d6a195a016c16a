"""Runs in TRL's own venv: the script beside an export trains two steps on a tiny model, from another folder.

python trl_script.py SCRIPT.py MODEL OUT
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import torch
from transformers import AutoImageProcessor, AutoProcessor, AutoTokenizer
from trl_load import ImageOnlyProcessor


def load_processor(model_dir: str, **_: Any) -> Any:
    """Qwen3-VL's processor needs torchvision; this one has its image half."""
    tokenizer = AutoTokenizer.from_pretrained(model_dir)
    return ImageOnlyProcessor(AutoImageProcessor.from_pretrained(model_dir), tokenizer, chat_template=tokenizer.chat_template)


def main() -> int:
    script, model_dir, out = (str(Path(argument).resolve()) for argument in sys.argv[1:4])
    AutoProcessor.from_pretrained = load_processor
    Path(out).mkdir(parents=True, exist_ok=True)
    os.chdir(out)
    sys.argv = [script, "--model", model_dir, "--output", f"{out}/run", "--max-steps", "2"]
    told = runpy.run_path(script, run_name="__main__")
    model = told["trainer"].model
    learned = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    astray = [name for name, _ in learned if "lora_" not in name or "language_model" not in name]
    moved = sum(int(torch.count_nonzero(weight)) for name, weight in learned if "lora_B" in name)
    history = told["trainer"].state.log_history
    losses = [row["loss"] for row in history if "loss" in row]
    evaluated = [row["eval_loss"] for row in history if "eval_loss" in row]
    print(json.dumps({"trl": script, "steps": told["trainer"].state.global_step, "loss": losses, "eval_loss": evaluated, "astray": astray}))
    adapter = Path(out, "run", "adapter_model.safetensors").is_file()
    return 0 if adapter and learned and moved and not astray and (evaluated or not told["evaluation"]) else 1


if __name__ == "__main__":
    raise SystemExit(main())
