"""Runs in ms-swift's own venv: it writes its token cache (`--to_cached_dataset`) from our export, and trains from it alone.

    python swift_cache.py EXPORT.jsonl MODEL OUT

Prints the losses of two steps from the export and from the cache: one and the same; exit 1 where they differ.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import torchvision_env  # noqa: F401  first: it makes the next imports possible
from swift.model import get_processor
from swift.pipelines import export_main, sft_main
from swift.template.templates.qwen import Qwen3VLTemplate


def main() -> int:
    export, model, out = sys.argv[1:4]
    processor = get_processor(model, model_type="qwen3_vl")
    # The template writes the published vocabulary's token ids; the tiny model has a vocabulary of its own.
    Qwen3VLTemplate.image_token_id = processor.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    Qwen3VLTemplate.video_token_id = processor.tokenizer.convert_tokens_to_ids("<|video_pad|>")
    same = ("--model", model, "--model_type", "qwen3_vl", "--max_length", "16384", "--torch_dtype", "float32")
    cache = f"{out}/cache"
    export_main([*same, "--dataset", export, "--to_cached_dataset", "true", "--output_dir", cache])
    losses = {}
    for run, data in {"plain": ("--dataset", export), "reads": ("--cached_dataset", f"{cache}/train")}.items():
        result = sft_main(
            [
                *(*same, *data, "--tuner_type", "lora", "--max_steps", "2", "--logging_steps", "1", "--seed", "7"),
                *("--per_device_train_batch_size", "1", "--gradient_accumulation_steps", "1", "--eval_strategy", "no"),
                *("--output_dir", f"{out}/{run}", "--add_version", "false", "--report_to", "none"),
            ]
        )
        losses[run] = [row["loss"] for row in result["log_history"] if "loss" in row]
    print(json.dumps({"swift": export, "token cache": cache, "losses": losses}))
    return 0 if losses["plain"] == losses["reads"] and len(losses["reads"]) == 2 else 1


if __name__ == "__main__":
    raise SystemExit(main())
