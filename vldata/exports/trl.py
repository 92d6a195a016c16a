"""The export for TRL: SFT, DPO, KTO and GRPO, with the script that trains on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from vldata.exports.plan import Exported, ExportPlan, model_of, task_of, write_jsonl, write_text
from vldata.exports.turns import no_videos, plain_roles, typed_parts
from vldata.records.record import IMAGE_TAG, Message, Record

Row = dict[str, Any]


def export_trl(plan: ExportPlan) -> Exported:
    """TRL: content parts, `images` as paths, and what its trainers look for.

    `prompt` and `completion`, so that only answers are trained on: one row for each answer that is learned, with the turns before it as
    the prompt. A pair has `chosen` and `rejected` instead, an answer that is wanted or not a `label`, a prompt its `solution`.
    """
    file = plan.out / f"{plan.name}.trl.jsonl"
    count = write_jsonl(plan, file, (row for record in plan.dataset for row in _rows(plan, record)))
    root = f"{plan.out.absolute()}/" if plan.images == "copy" else ""
    snippet = _SNIPPETS[task_of(plan)].format(file=file, root=root, model=model_of(plan))
    return Exported("trl", (file, write_text(plan.out / f"{plan.name}.trl.py", snippet)), count, snippet)


def _rows(plan: ExportPlan, record: Record) -> Iterator[Row]:
    plain_roles(record, "trl")
    no_videos(record, "trl")
    turns = [_turn(message) for message in record.messages]
    images = [plan.image_name(image) for image in record.images]
    if record.solution is not msgspec.UNSET:
        yield {"prompt": turns, "solution": record.solution, "images": images}
    elif record.rejected is not msgspec.UNSET:
        yield {"prompt": turns[:-1], "chosen": turns[-1:], "rejected": [_turn(record.rejected)], "images": images}
    elif record.wanted is not msgspec.UNSET:
        yield {"prompt": turns[:-1], "completion": turns[-1:], "label": record.wanted, "images": images}
    else:
        shown = 0
        for index, message in enumerate(record.messages):
            shown += message.content.count(IMAGE_TAG)
            if message.learned:
                yield {"prompt": turns[:index], "completion": turns[index : index + 1], "images": images[:shown]}


def _turn(message: Message) -> Row:
    return {"role": message.role, "content": typed_parts(message)}


_HEAD = '''\
"""Train with TRL on {file}."""

from datasets import Image, Sequence, load_dataset
'''
_DATA = """
dataset = load_dataset("json", data_files="{file}", split="train")
dataset = dataset.map(lambda row: {{"images": ["{root}" + path for path in row["images"]]}})
dataset = dataset.cast_column("images", Sequence(Image()))
"""
_SETTINGS = """
    output_dir="out",
    per_device_train_batch_size={batch},
    gradient_accumulation_steps=8,
    learning_rate={rate},
)
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


def _snippet(trainer: str, more: str = "", *, batch: int = 1, rate: str = "1e-5", before: str = "", arguments: str = "") -> str:
    settings = _SETTINGS.replace("{batch}", str(batch)).replace("{rate}", rate)
    config = f"config = {trainer}Config({settings.rstrip()[:-2]}{more}\n)\n"
    model = f'{trainer}Trainer("{{model}}", args=config, train_dataset=dataset{arguments}).train()\n'
    return f"{_HEAD}from trl import {trainer}Config, {trainer}Trainer\n{before}{_DATA}{config}{model}"


_NO_LIMIT = "\n    max_length=None,  # a limit would cut through vision tokens"
_SNIPPETS = {
    "": _snippet("SFT", _NO_LIMIT, rate="1e-4"),
    "rejected": _snippet("DPO", _NO_LIMIT + "\n    beta=0.1,"),
    "wanted": _snippet("KTO", _NO_LIMIT + "\n    beta=0.1,", batch=2),
    "solution": _snippet(
        "GRPO", "\n    num_generations=8,\n    max_completion_length=1024,", batch=8, before=_REWARD, arguments=", reward_funcs=accuracy"
    ),
}
