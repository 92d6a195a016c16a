"""The export for Unsloth: TRL's rows of prompt and completion, and the script that trains a LoRA on them.

Names as in Unsloth 2026.10.9 (unsloth/models/vision.py, unsloth/save.py, unsloth_zoo/vision_utils.py). Its collator masks the prompt of
such rows (`completion_only_loss`), so that answers alone are learned; `resize="max"` leaves images as they are, where its default shrinks
them to 512 px.
"""

from __future__ import annotations

from pathlib import Path

from vldata.exports.plan import Exported, ExportPlan, write_text
from vldata.exports.script_parts import ARGUMENTS, DATA, OPTIONS
from vldata.exports.training import evaluation_of, fill, finish, held_out, model_of
from vldata.exports.trl import write_rows

_IMPORTS = '''\
"""Train a LoRA on @NAME@ with Unsloth; the vision tower stays as it is. Written by vldata export."""

from unsloth import FastVisionModel  # first: it changes the others while they load
from unsloth.trainer import UnslothVisionDataCollator  # isort: skip

import argparse
from pathlib import Path

import torch
from datasets import load_dataset
from trl import SFTConfig, SFTTrainer

'''
_SAVING = """\
parser.add_argument("--merged", type=Path, help="then write the merged model, 16 bits, to this folder")
parser.add_argument("--gguf", type=Path, help="then write GGUF files for llama.cpp and Ollama to this folder")
parser.add_argument("--quantization", default="q8_0", help="of the GGUF: q8_0, q4_k_m, f16, ...")
"""
_TRAIN = """\
MAX_LENGTH = @LENGTH@  # holds the longest row; a cut through vision tokens stops the run

model, processor = FastVisionModel.from_pretrained(
    options.model,
    max_seq_length=MAX_LENGTH,
    load_in_4bit=options.load_in_4bit,
    load_in_16bit=not options.load_in_4bit,
    use_gradient_checkpointing="unsloth",
)
model = FastVisionModel.get_peft_model(
    model,
    finetune_vision_layers=False,
    finetune_language_layers=True,
    finetune_attention_modules=True,
    finetune_mlp_modules=True,
    r=16,
    lora_alpha=16,
    lora_dropout=0,
    bias="none",
    random_state=3407,
)
FastVisionModel.for_training(model)
collator = UnslothVisionDataCollator(
    model,
    processor,
    max_seq_length=MAX_LENGTH,
    resize="max",  # as they are: the default shrinks images to 512 px
    completion_only_loss=True,  # answers alone are learned
)
bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
trainer = SFTTrainer(
    model=model,
    processing_class=processor,
    data_collator=collator,
    train_dataset=load(@DATA@),
    eval_dataset=load(evaluation) if evaluation else None,
    args=SFTConfig(
        output_dir=str(options.output),
        per_device_train_batch_size=1,
        per_device_eval_batch_size=1,
        gradient_accumulation_steps=8,
        learning_rate=2e-4,
        num_train_epochs=3,
        max_steps=options.max_steps,
        lr_scheduler_type="cosine",
        bf16=bf16,
        fp16=not bf16,
        optim="adamw_8bit",
        seed=3407,
        logging_steps=1,
        report_to="none",
        eval_strategy="epoch" if evaluation else "no",
        max_length=MAX_LENGTH,
        remove_unused_columns=False,  # the collator needs them all
        dataset_text_field="",
        dataset_kwargs={"skip_prepare_dataset": True},
    ),
)
trainer.train(resume_from_checkpoint=options.resume)
model.save_pretrained(str(options.output))
processor.save_pretrained(str(options.output))
print(f"The adapter is in {options.output}.")
if options.merged:
    model.save_pretrained_merged(str(options.merged), processor, save_method="merged_16bit")
if options.gguf:
    model.save_pretrained_gguf(str(options.gguf), processor, quantization_method=options.quantization)
"""


def export_unsloth(plan: ExportPlan) -> Exported:
    """Rows as TRL takes them, and the script."""
    file, count = write_rows(plan, "unsloth")
    training = plan.out / f"{plan.name}.unsloth.py"
    data: tuple[Path, ...] = (file,)
    if not held_out(plan):
        other = evaluation_of(plan)
        evaluation = write_rows(other, "unsloth")[0] if other else None
        data += (evaluation,) if evaluation else ()
        text = (_IMPORTS + ARGUMENTS + _SAVING + OPTIONS + DATA + "\n" + _TRAIN).replace("@NAME@", plan.name).replace("@CAST@", "")
        values: dict[str, object] = {
            "MODEL": model_of(plan),
            "OUTPUT": f"{plan.name}.unsloth.out",
            "EVALUATION": evaluation.name if evaluation else None,
            "DATA": file.name,
            "LENGTH": max(each.cutoff() for each in (plan, other) if each),
        }
        write_text(training, fill(text, values))
    return finish(plan, "unsloth", data, training, count, "python")
