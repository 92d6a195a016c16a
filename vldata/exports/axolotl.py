"""The export for Axolotl: messages of parts with image paths in them, and the YAML that trains a LoRA on them.

Keys as in Axolotl 0.19.0 (src/axolotl/utils/schemas). Its own `qwen2_vl` template writes a system prompt that the model's own has not, so
the YAML names `tokenizer_default` and tells by `role_boundaries` where an answer begins and ends: without them every token would be learned
(processing_strategies.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vldata.errors import UsageError
from vldata.exports.plan import Exported, ExportPlan, write_jsonl, write_text
from vldata.exports.training import evaluation_of, family_of_plan, finish, held_out, lora_targets, model_of
from vldata.exports.turns import Medium, no_videos, plain_roles, split_parts
from vldata.records.record import Message, Record

_YAML = """\
# axolotl train {path}
# For QLoRA: adapter: qlora and load_in_4bit: true. Filled from the contract of {name}.
base_model: {model}
processor_type: AutoProcessor
chat_template: tokenizer_default
role_boundaries:
  - role: assistant
    start: "<|im_start|>assistant\\n"
    end: "<|im_end|>"
train_on_inputs: false
skip_prepare_dataset: true
remove_unused_columns: false
sample_packing: false
datasets:
{data}
{evaluation}adapter: lora
lora_r: 8
lora_alpha: 16
lora_dropout: 0.0
lora_target_modules: {targets}
sequence_len: {cutoff}
pad_to_sequence_len: false
micro_batch_size: 1
gradient_accumulation_steps: 8
num_epochs: 3
optimizer: adamw_torch
lr_scheduler: cosine
learning_rate: 0.0001
warmup_ratio: 0.1
bf16: auto
gradient_checkpointing: true
logging_steps: 10
output_dir: {output}
"""
_SOURCE = "  - path: {path}\n    ds_type: json\n    type: chat_template"


def export_axolotl(plan: ExportPlan) -> Exported:
    """`messages` whose parts name their images, always by absolute path: Axolotl looks from where it is started."""
    file, count = _write(plan)
    training = plan.out / f"{plan.name}.axolotl.yaml"
    data: tuple[Path, ...] = (file,)
    if not held_out(plan):
        other = evaluation_of(plan)
        evaluation = _write(other)[0] if other else None
        data += (evaluation,) if evaluation else ()
        write_text(training, _yaml(plan, training, file, evaluation, max(each.cutoff() for each in (plan, other) if each)))
    return finish(plan, "axolotl", data, training, count, "axolotl train")


def _write(plan: ExportPlan) -> tuple[Path, int]:
    def row(record: Record) -> dict[str, Any]:
        plain_roles(record, "axolotl")
        no_videos(record, "axolotl")
        images = iter(record.images)
        return {"messages": [{"role": m.role, "content": list(_parts(plan, m, images))} for m in record.messages]}

    file = plan.out / f"{plan.name}.axolotl.jsonl"
    return file, write_jsonl(plan, file, map(row, plan.dataset))


def _parts(plan: ExportPlan, message: Message, images: Iterator[str]) -> Iterator[dict[str, str]]:
    for piece in [message.content] if message.answers else split_parts(message):
        if isinstance(piece, Medium):
            name = plan.image_name(next(images))
            yield {"type": "image", "path": str(plan.out.absolute() / name)}
        else:
            yield {"type": "text", "text": piece}


def _yaml(plan: ExportPlan, path: Path, file: Path, evaluation: Path | None, cutoff: int) -> str:
    if not family_of_plan(plan).processor.startswith("Qwen"):
        raise UsageError(
            f"where an answer begins and ends in Axolotl is known here for the Qwen families, not for {family_of_plan(plan).title}.",
            cure="Export to trl, swift or llamafactory.",
        )
    held = f"test_datasets:\n{_source(evaluation)}\n    split: train\neval_strategy: epoch\n" if evaluation else ""
    return _YAML.format(
        path=path,
        name=plan.name,
        model=json.dumps(model_of(plan)),
        data=_source(file),
        evaluation=held + ("val_set_size: 0\n" if evaluation else ""),
        targets=json.dumps(lora_targets(plan)),
        cutoff=cutoff,
        output=json.dumps(str(plan.out.absolute() / f"{plan.name}.axolotl.out")),
    )


def _source(file: Path) -> str:
    return _SOURCE.format(path=json.dumps(str(file.absolute())))
