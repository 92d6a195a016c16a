"""Runs in ms-swift's own venv: its loader and template over our export, counting vision tokens, then two training steps.

python swift_load.py EXPORT.jsonl MODEL EXPECTED.json OUT
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import torchvision_env  # noqa: F401  first: it makes the next imports possible
from swift.dataset import load_dataset
from swift.model import get_processor
from swift.pipelines import sft_main
from swift.template import get_template
from swift.template.templates.qwen import Qwen3VLTemplate


def main() -> int:
    export, model, expected_file, out = sys.argv[1:5]
    expected = json.loads(Path(expected_file).read_text())
    processor = get_processor(model, model_type="qwen3_vl")
    # The template writes the published vocabulary's token ids; the tiny model has a vocabulary of its own.
    Qwen3VLTemplate.image_token_id = processor.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    Qwen3VLTemplate.video_token_id = processor.tokenizer.convert_tokens_to_ids("<|video_pad|>")
    media = {Qwen3VLTemplate.image_token_id, Qwen3VLTemplate.video_token_id}
    template = get_template(processor, max_length=16_384, template_type="qwen3_vl")
    template.set_mode("train")
    dataset = load_dataset([export])[0]
    wrong = []
    for index in range(len(dataset)):
        encoded = template.encode(dict(dataset[index]))
        counted = sum(token in media for token in encoded["input_ids"])
        trained = [label for label in encoded["labels"] if label != -100]
        if counted != expected[index] or not trained or not media.isdisjoint(trained):
            wrong.append({"record": index, "predicted": expected[index], "tokens": counted})
    print(json.dumps({"swift": export, "records": len(dataset), "wrong": len(wrong), "first": wrong[:3]}))
    if wrong or len(dataset) != len(expected):
        return 1
    result = sft_main(
        [
            *("--model", model, "--model_type", "qwen3_vl", "--dataset", export, "--tuner_type", "lora", "--max_steps", "2"),
            *("--per_device_train_batch_size", "1", "--gradient_accumulation_steps", "1", "--logging_steps", "1", "--max_length", "16384"),
            *("--output_dir", out, "--add_version", "false", "--report_to", "none", "--torch_dtype", "float32", "--eval_strategy", "no"),
        ]
    )
    history = [row["loss"] for row in result["log_history"] if "loss" in row]
    print(json.dumps({"swift": export, "steps": len(history), "loss": history}))
    return 0 if len(history) == 2 else 1


if __name__ == "__main__":
    raise SystemExit(main())
