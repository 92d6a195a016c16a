"""The script next to an export for TRL: LoRA by SFT, DPO, KTO or GRPO. Names as in TRL 1.16 and PEFT 0.21.

`make consumers` looks them up in the packages' sources.
"""

from __future__ import annotations

from typing import NamedTuple

from vldata.exports.plan import ExportPlan, task_of
from vldata.exports.script_parts import ARGUMENTS, DATA, OPTIONS
from vldata.exports.training import fill, frozen_modules, lora_targets, model_of

_IMPORTS = '''\
"""Train a LoRA on @NAME@ with TRL's @TRAINER@Trainer; vision tower and projector stay as they are. Written by vldata export."""

import argparse
from pathlib import Path

import torch
from datasets import Image, Sequence, load_dataset
from peft import LoraConfig
from transformers import BitsAndBytesConfig
from trl import @TRAINER@Config, @TRAINER@Trainer

'''
_TRAIN = """\
gpu = torch.cuda.is_available()
bf16 = gpu and torch.cuda.get_device_capability()[0] >= 8
dtype = "bfloat16" if bf16 else "float16" if gpu else "float32"
loading = {"dtype": dtype}
if options.load_in_4bit:
    loading["quantization_config"] = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=getattr(torch, dtype),
        llm_int8_skip_modules=@SKIP@,  # the vision side loses most by 4 bits
    )
lora = LoraConfig(
    r=8,
    lora_alpha=16,
    task_type="CAUSAL_LM",
    target_modules=@TARGETS@,
)
config = @TRAINER@Config(
    output_dir=str(options.output),
    model_init_kwargs=loading,
    per_device_train_batch_size=@BATCH@,
    per_device_eval_batch_size=@BATCH@,
    gradient_accumulation_steps=8,
    learning_rate=@RATE@,
    num_train_epochs=3,
    max_steps=options.max_steps,
    bf16=bf16,
    fp16=gpu and not bf16,
    use_cpu=not gpu,
    logging_steps=1,
    report_to="none",
    eval_strategy="epoch" if evaluation else "no",
@MORE@)
trainer = @TRAINER@Trainer(
    options.model,
    args=config,
    train_dataset=load(@DATA@),
    eval_dataset=load(evaluation) if evaluation else None,
    peft_config=lora,
@ARGUMENTS@)
trainer.train(resume_from_checkpoint=options.resume)
trainer.save_model()
print(f"The adapter is in {options.output}.")
"""
_REWARD = '''

def accuracy(completions, solution, **_):
    """1 where the answer is the solution's: what stands in <answer>, or the whole text behind a thought."""

    def answer(text):
        text = text.rpartition("</think>")[2]
        return text.rpartition("<answer>")[2].partition("</answer>")[0].strip().lower()

    said = [turns[-1]["content"] for turns in completions]
    texts = [text if isinstance(text, str) else "".join(part.get("text", "") for part in text) for text in said]
    return [float(answer(text) == answer(known)) for text, known in zip(texts, solution)]


'''


class _Task(NamedTuple):
    """How one kind of training differs: trainer, batch, rate, settings of its config, arguments of the trainer."""

    trainer: str
    batch: int
    rate: float
    more: tuple[str, ...]
    arguments: tuple[str, ...] = ()


_NO_LIMIT = "max_length=None,  # a limit would cut through vision tokens"
_TASKS = {
    "": _Task("SFT", 1, 1e-4, (_NO_LIMIT,)),
    "rejected": _Task("DPO", 1, 1e-5, (_NO_LIMIT, "beta=0.1,")),
    "wanted": _Task("KTO", 2, 1e-5, (_NO_LIMIT, "beta=0.1,")),
    "solution": _Task("GRPO", 8, 1e-5, ("num_generations=8,", "max_completion_length=1024,"), ("reward_funcs=accuracy,",)),
}


def trl_script(plan: ExportPlan, data: str, evaluation: str | None) -> str:
    """Return the script that trains on `data`, and evaluates on `evaluation`, files next to it."""
    task = _TASKS[task_of(plan)]
    reward = _REWARD if task.arguments else "\n"
    text = _IMPORTS + ARGUMENTS + OPTIONS + DATA + reward.removeprefix("\n") + _TRAIN
    for name, value in (
        ("NAME", plan.name),
        ("TRAINER", task.trainer),
        ("MORE", "".join(f"    {line}\n" for line in task.more)),
        ("ARGUMENTS", "".join(f"    {line}\n" for line in task.arguments)),
        ("CAST", '.cast_column("images", Sequence(Image()))'),
    ):
        text = text.replace(f"@{name}@", value)
    values: dict[str, object] = {"MODEL": model_of(plan), "OUTPUT": f"{plan.name}.trl.out", "EVALUATION": evaluation, "DATA": data}
    values |= {"BATCH": task.batch, "RATE": task.rate, "TARGETS": lora_targets(plan), "SKIP": frozen_modules(plan)}
    return fill(text, values)
