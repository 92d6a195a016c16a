"""Runs in ms-swift's own venv: what its template makes of our exports with optional parts, then two steps of its own trainer.

python swift_parts.py KIND EXPORT.jsonl MODEL OUT   # KIND: pairs, kto, grpo, thoughts, losses
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import torchvision_env  # noqa: F401  first: it makes the next imports possible
from swift.dataset import load_dataset
from swift.model import get_processor
from swift.pipelines import rlhf_main, sft_main
from swift.template import get_template
from swift.template.templates.qwen import Qwen3VLTemplate

_MODES = {"pairs": "rlhf", "kto": "kto", "grpo": "train", "thoughts": "train", "losses": "train"}
_LEARNED = {"pairs": "red", "kto": "red", "thoughts": "<think>\nIt is not green.\n</think>\n\nred", "losses": "red"}


def main() -> int:
    kind, export, model, out = sys.argv[1:5]
    processor = get_processor(model, model_type="qwen3_vl")
    Qwen3VLTemplate.image_token_id = processor.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    Qwen3VLTemplate.video_token_id = processor.tokenizer.convert_tokens_to_ids("<|video_pad|>")
    dataset = load_dataset([export], remove_unused_columns=kind != "grpo")[0]  # as its GRPO reads it
    row = dict(dataset[0])
    if kind == "grpo":
        assert row["solution"] == "<answer> red </answer>" and row["messages"][-1]["role"] == "user", row
        print(json.dumps({"swift": export, "kind": kind, "records": len(dataset)}))
        return 0
    template = get_template(processor, max_length=16_384, template_type="qwen3_vl")
    template.set_mode(_MODES[kind])
    encoded = template.encode(row)
    labels = next(encoded[key] for key in ("chosen_labels", "labels", "completion_labels") if encoded.get(key) is not None)
    learned = processor.tokenizer.decode([label for label in labels if label != -100])
    print(json.dumps({"swift": export, "kind": kind, "records": len(dataset), "learned": learned}))
    if learned.removesuffix("\n").removesuffix("<|im_end|>") != _LEARNED[kind]:
        return 1
    settings = [
        *("--model", model, "--model_type", "qwen3_vl", "--dataset", export, "--tuner_type", "lora", "--max_steps", "2"),
        *("--per_device_train_batch_size", "2", "--gradient_accumulation_steps", "1", "--logging_steps", "1", "--max_length", "16384"),
        *("--output_dir", out, "--add_version", "false", "--report_to", "none", "--torch_dtype", "float32", "--eval_strategy", "no"),
    ]
    rlhf = {"pairs": "dpo", "kto": "kto"}.get(kind)
    result = rlhf_main(["--rlhf_type", rlhf, *settings]) if rlhf else sft_main(settings)
    history = [row["loss"] for row in result["log_history"] if "loss" in row]
    print(json.dumps({"swift": export, "kind": kind, "steps": len(history), "loss": history}))
    return 0 if len(history) == 2 else 1


if __name__ == "__main__":
    raise SystemExit(main())
