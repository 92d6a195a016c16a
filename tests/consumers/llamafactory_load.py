"""Runs in LLaMA-Factory's own venv: its loader and collator over our dataset, then two training steps.

    python llamafactory_load.py DATASET_DIR NAME MODEL EXPECTED.json OUT

EXPECTED.json maps record number to the vision tokens we predicted. Prints one JSON line with what was seen; exit 1 on a difference.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import torchvision_env  # noqa: F401  first: it makes the next imports possible
from llamafactory.data import SFTDataCollatorWith4DAttentionMask, get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer
from llamafactory.train.tuner import run_exp


def main() -> int:
    dataset_dir, name, model, expected_file, out = sys.argv[1:6]
    steps = int(sys.argv[6]) if len(sys.argv) > 6 else 2
    expected = json.loads(Path(expected_file).read_text())
    settings = {
        "model_name_or_path": model,
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "template": "qwen3_vl_nothink",
        "dataset": name,
        "dataset_dir": dataset_dir,
        "cutoff_len": 16_384,
        "output_dir": out,
        "overwrite_output_dir": True,
        "per_device_train_batch_size": 1,
        "max_steps": steps,
        "logging_steps": 1,
        "report_to": "none",
        "overwrite_cache": True,
    }
    model_args, data_args, training_args, _, _ = get_train_args(dict(settings))
    tokenizer_module = load_tokenizer(model_args)
    template = get_template_and_fix_tokenizer(tokenizer_module["tokenizer"], data_args)
    dataset = get_dataset(template, model_args, data_args, training_args, stage="sft", **tokenizer_module)["train_dataset"]
    collator = SFTDataCollatorWith4DAttentionMask(template=template, model=None, **tokenizer_module)
    tokens = [tokenizer_module["tokenizer"].convert_tokens_to_ids(token) for token in ("<|image_pad|>", "<|video_pad|>")]
    wrong = []
    for index in range(len(dataset)):
        batch = collator([dict(dataset[index])])
        counted = sum(int((batch["input_ids"] == token).sum()) for token in tokens)
        grids = [batch[key] for key in ("image_grid_thw", "video_grid_thw") if key in batch and batch[key] is not None]
        grid = sum(int((sizes.prod(dim=1) // 4).sum()) for sizes in grids)
        if not counted == grid == expected[index]:
            wrong.append({"record": index, "predicted": expected[index], "tokens": counted, "grid": grid})
    print(json.dumps({"dataset": name, "records": len(dataset), "expected": len(expected), "wrong": len(wrong), "first": wrong[:3]}))
    if wrong or len(dataset) != len(expected):
        return 1
    run_exp(dict(settings))
    logged = [json.loads(line) for line in (Path(out) / "trainer_log.jsonl").read_text().splitlines()]
    print(json.dumps({"dataset": name, "steps": logged[-1]["current_steps"], "loss": [row["loss"] for row in logged if "loss" in row]}))
    return 0 if logged[-1]["current_steps"] == steps else 1


if __name__ == "__main__":
    raise SystemExit(main())
