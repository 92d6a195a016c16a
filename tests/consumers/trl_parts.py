"""Runs in TRL's own venv: DPO, KTO or GRPO takes two steps on our export with a tiny model.

python trl_parts.py KIND EXPORT.jsonl MODEL OUT   # KIND: dpo, kto, grpo
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import trl
from datasets import Image, Sequence, load_dataset
from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer
from trl_load import ImageOnlyProcessor


def reward(completions: list[Any], solution: list[str], **_: Any) -> list[float]:
    """Something that differs from answer to answer, so that there is something to learn."""
    assert all(text.startswith("<answer>") for text in solution)
    return [float(len(json.dumps(turns)) % 7) for turns in completions]


KINDS: dict[str, tuple[str, dict[str, Any], dict[str, Any], set[str]]] = {
    "dpo": ("DPO", {"max_length": None}, {}, {"prompt", "chosen", "rejected", "images"}),
    "kto": ("KTO", {"max_length": None}, {}, {"prompt", "completion", "label", "images"}),
    "grpo": (
        "GRPO",
        {"num_generations": 2, "max_completion_length": 4},
        {"reward_funcs": reward},
        {"prompt", "solution", "images"},
    ),
}


def main() -> int:
    kind, export, model_dir, out = sys.argv[1:5]
    name, settings, arguments, columns = KINDS[kind]
    tokenizer = AutoTokenizer.from_pretrained(model_dir)
    processor = ImageOnlyProcessor(AutoImageProcessor.from_pretrained(model_dir), tokenizer, chat_template=tokenizer.chat_template)
    model = AutoModelForImageTextToText.from_pretrained(model_dir)
    dataset = load_dataset("json", data_files=export, split="train").cast_column("images", Sequence(Image()))
    assert set(dataset.column_names) == columns, dataset.column_names
    config = getattr(trl, f"{name}Config")(
        output_dir=out,
        max_steps=2,
        per_device_train_batch_size=2,
        logging_steps=1,
        report_to="none",
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        save_strategy="no",
        **settings,
    )
    trainer = getattr(trl, f"{name}Trainer")(model, args=config, train_dataset=dataset, processing_class=processor, **arguments)
    trainer.train()
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    print(json.dumps({"trl": export, "kind": kind, "records": len(dataset), "steps": trainer.state.global_step, "loss": losses}))
    return 0 if trainer.state.global_step == 2 and len(losses) == 2 else 1


if __name__ == "__main__":
    raise SystemExit(main())
