"""The export for ms-swift: SFT, DPO, KTO and GRPO, as the records are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from vldata.exports.plan import Exported, ExportPlan, task_of, write_jsonl, write_text
from vldata.exports.training import evaluation_of, held_out, model_of, note_of
from vldata.exports.turns import SWIFT_ROLES, text_with_thought
from vldata.media.video_tokens import FPS, MAX_FRAMES, MIN_FRAMES, SWIFT_MAX_FRAME_TOKENS, SWIFT_MIN_FRAME_TOKENS, swift_video_tokens
from vldata.records.record import Message, Record
from vldata.records.tool_calls import answers_of, read_calls, split_call

Row = dict[str, Any]

_COMMANDS = {"": "swift sft", "rejected": "swift rlhf --rlhf_type dpo", "wanted": "swift rlhf --rlhf_type kto"}
_COMMANDS["solution"] = "swift rlhf --rlhf_type grpo --reward_funcs accuracy --num_generations 8"
_CLIPS = (
    f"FPS={FPS} FPS_MIN_FRAMES={MIN_FRAMES} FPS_MAX_FRAMES={MAX_FRAMES} "
    f"VIDEO_MIN_TOKEN_NUM={SWIFT_MIN_FRAME_TOKENS} VIDEO_MAX_TOKEN_NUM={SWIFT_MAX_FRAME_TOKENS} "
)


def export_swift(plan: ExportPlan) -> Exported:
    """ms-swift: `messages` with tags, `images` as paths; tool turns under its role names, tools as a JSON string.

    Optional parts under its names: `loss` of a message, `rejected_response` (or `rejected_messages`), `label`, `solution`. Thoughts stand
    in the text, as its templates read them.
    """
    file, count = write_rows(plan)
    if held_out(plan):
        (plan.out / f"{plan.name}.swift.sh").unlink(missing_ok=True)
        return Exported("swift", (file,), count, "", note=note_of(plan))
    other = evaluation_of(plan)
    evaluation = write_rows(other)[0] if other else None
    pixels = plan.dataset.contract.pixels
    root = f"ROOT_IMAGE_DIR={plan.out.absolute()} " if plan.images == "copy" else ""
    clips = _CLIPS if plan.dataset.contract.videos is not None else ""
    longest = max(each.cutoff(swift_video_tokens) for each in (plan, other) if each)
    val = f"--val_dataset {evaluation} " if evaluation else ""
    snippet = (
        f"{root}{clips}MAX_PIXELS={pixels.max_pixels} MIN_PIXELS={pixels.min_pixels} {_COMMANDS[task_of(plan)]} "
        f"--model {model_of(plan)} --dataset {file} {val}--tuner_type lora --max_length {longest} "
        f"--freeze_vit true --freeze_aligner true\n"
    )
    script = write_text(plan.out / f"{plan.name}.swift.sh", snippet)
    return Exported("swift", (file, *([evaluation] if evaluation else []), script), count, snippet, note=note_of(plan))


def write_rows(plan: ExportPlan) -> tuple[Path, int]:
    """Write the rows; return the file and the count."""

    def row(record: Record) -> Row:
        turns = [row for message in record.messages for row in _turns(message)]
        return {"messages": turns, "images": _names(plan, record), **_beside(plan, record)}

    file = plan.out / f"{plan.name}.swift.jsonl"
    return file, write_jsonl(plan, file, map(row, plan.dataset))


def _turns(message: Message) -> Iterator[Row]:
    """Yield the messages of one turn: each call and each answer of a tool is one, and text of the same turn is one in front of them."""
    loss = {} if message.loss is msgspec.UNSET or not message.answers else {"loss": message.loss}
    if message.role == "function_call":
        said, calls = split_call(message.content)
        before = text_with_thought(message, said) if message.thought else said
        if before:
            yield {"role": "assistant", "content": before, **loss}
        for call in [calls] if calls.lstrip().startswith("{") else map(_dumped, read_calls(calls)):
            yield {"role": SWIFT_ROLES[message.role], "content": call, **loss}
    elif message.role == "observation":
        yield from ({"role": SWIFT_ROLES[message.role], "content": answer} for answer in answers_of(message.content))
    else:
        yield {"role": message.role, "content": text_with_thought(message), **loss}


def _dumped(call: Row) -> str:
    return msgspec.json.encode(call).decode()


def _beside(plan: ExportPlan, record: Record) -> Row:
    """The columns next to messages and images that a record has."""
    row: Row = {}
    if record.videos is not msgspec.UNSET:
        row["videos"] = [plan.image_name(video, "video") for video in record.videos]
    if record.tools is not msgspec.UNSET:
        row["tools"] = record.tools
    if record.rejected is not msgspec.UNSET:
        row |= _rejected(record, record.rejected)
    if record.wanted is not msgspec.UNSET:
        row["label"] = record.wanted
    if record.solution is not msgspec.UNSET:
        row["solution"] = record.solution
    return row


def _rejected(record: Record, rejected: Message) -> Row:
    """The rejected answer: a text, or the whole conversation where a text would stand for tool turns too.

    A dataset with tools has whole conversations throughout, since a column is of one kind.
    """
    if record.tools is msgspec.UNSET:
        return {"rejected_response": text_with_thought(rejected)}
    return {"rejected_messages": [row for message in (*record.messages[:-1], rejected) for row in _turns(message)]}


def _names(plan: ExportPlan, record: Record) -> list[str]:
    return [plan.image_name(image) for image in record.images]
