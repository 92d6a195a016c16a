"""Runs in TRL's own venv: its collator over our export, counting vision tokens, then two training steps.

python trl_load.py EXPORT.jsonl MODEL EXPECTED.json OUT
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from datasets import Image, Sequence, load_dataset
from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer, Qwen3VLProcessor
from transformers.processing_utils import ProcessorMixin
from trl import SFTConfig, SFTTrainer


class ImageOnlyProcessor(Qwen3VLProcessor):
    """Qwen3-VL's processor without its video half, which needs torchvision."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: Any = None, **kwargs: Any) -> None:
        for name, token in (
            ("image", "<|image_pad|>"),
            ("video", "<|video_pad|>"),
            ("vision_start", "<|vision_start|>"),
            ("vision_end", "<|vision_end|>"),
        ):
            setattr(self, f"{name}_token", token)
            setattr(self, f"{name}_token_id", tokenizer.convert_tokens_to_ids(token))
        ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)


def main() -> int:
    export, model_dir, expected_file, out = sys.argv[1:5]
    expected = json.loads(Path(expected_file).read_text())
    tokenizer = AutoTokenizer.from_pretrained(model_dir)
    processor = ImageOnlyProcessor(AutoImageProcessor.from_pretrained(model_dir), tokenizer, chat_template=tokenizer.chat_template)
    model = AutoModelForImageTextToText.from_pretrained(model_dir)
    dataset = load_dataset("json", data_files=export, split="train").cast_column("images", Sequence(Image()))
    config = SFTConfig(
        output_dir=out,
        max_length=None,
        max_steps=2,
        per_device_train_batch_size=1,
        logging_steps=1,
        report_to="none",
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
    )
    trainer = SFTTrainer(model, args=config, train_dataset=dataset, processing_class=processor)
    image_token = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    wrong = []
    labelled = 0
    for index in range(len(dataset)):
        batch = trainer.data_collator([dataset[index]])
        counted = int((batch["input_ids"] == image_token).sum())
        trained = batch["labels"][batch["labels"] != -100]
        labelled += int(trained.numel())
        if counted != expected[index] or image_token in trained.tolist() or not trained.numel():
            wrong.append({"record": index, "predicted": expected[index], "tokens": counted, "labels": int(trained.numel())})
    print(json.dumps({"trl": export, "records": len(dataset), "wrong": len(wrong), "first": wrong[:3], "labels": labelled}))
    if wrong or len(dataset) != len(expected):
        return 1
    trainer.train()
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    print(json.dumps({"trl": export, "steps": trainer.state.global_step, "loss": losses}))
    return 0 if trainer.state.global_step == 2 else 1


if __name__ == "__main__":
    raise SystemExit(main())
