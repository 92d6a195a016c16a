"""The export for TRL: SFT, DPO, KTO and GRPO, with the script that trains on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from vldata.exports.plan import Exported, ExportPlan, write_jsonl, write_text
from vldata.exports.training import evaluation_of, finish, held_out
from vldata.exports.trl_script import trl_script
from vldata.exports.turns import no_videos, plain_roles, typed_parts
from vldata.records.record import IMAGE_TAG, Message, Record

Row = dict[str, Any]


def export_trl(plan: ExportPlan) -> Exported:
    """TRL: content parts, `images` as paths, and what its trainers look for.

    `prompt` and `completion`, so that only answers are trained on: one row for each answer that is learned, with the turns before it as
    the prompt. A pair has `chosen` and `rejected` instead, an answer that is wanted or not a `label`, a prompt its `solution`.
    """
    file, count = write_rows(plan, "trl")
    training = plan.out / f"{plan.name}.trl.py"
    data: tuple[Path, ...] = (file,)
    if not held_out(plan):
        other = evaluation_of(plan)
        evaluation = write_rows(other, "trl")[0] if other else None
        data += (evaluation,) if evaluation else ()
        write_text(training, trl_script(plan, file.name, evaluation.name if evaluation else None))
    return finish(plan, "trl", data, training, count, "python")


def write_rows(plan: ExportPlan, format_name: str) -> tuple[Path, int]:
    """Write TRL's rows to NAME.FORMAT.jsonl; return the file and the count."""
    file = plan.out / f"{plan.name}.{format_name}.jsonl"
    return file, write_jsonl(plan, file, (row for record in plan.dataset for row in _rows(plan, record, format_name)))


def _rows(plan: ExportPlan, record: Record, format_name: str) -> Iterator[Row]:
    plain_roles(record, format_name)
    no_videos(record, format_name)
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
