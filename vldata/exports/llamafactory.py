"""Exports for LLaMA-Factory: records with registry entry and training YAML, and the alpaca columns some recipes want."""

from __future__ import annotations

from typing import Any

import msgspec

from vldata.errors import DataError
from vldata.exports.plan import Exported, ExportPlan, model_of, task_of, write_jsonl, write_text
from vldata.exports.turns import plain_roles, text_with_thought, written_turn
from vldata.media.video_tokens import FPS, LLAMAFACTORY_FRAME_PIXELS, LLAMAFACTORY_MAX_FRAMES, llamafactory_video_tokens
from vldata.output.dataset_info import Entry, make_entry, merge_entries
from vldata.records.parts import Parts
from vldata.records.record import Message, Record
from vldata.records.rules import videos_fault

_YAML = """\
# llamafactory-cli train {path}
{note}# Filled from the contract of {name}: pictures are on the processor's grid inside this budget, so nothing resizes them again.
model_name_or_path: {model}
{template}
image_max_pixels: {max_pixels}
image_min_pixels: {min_pixels}
{videos}stage: {stage}
do_train: true
finetuning_type: lora
lora_rank: 8
lora_target: all
freeze_vision_tower: true
freeze_multi_modal_projector: true
dataset_dir: {dataset_dir}
dataset: {dataset}
cutoff_len: {cutoff}
per_device_train_batch_size: 1
gradient_accumulation_steps: 8
learning_rate: 1.0e-4
num_train_epochs: 3.0
lr_scheduler_type: cosine
warmup_ratio: 0.1
bf16: true
logging_steps: 10
plot_loss: true
output_dir: saves/{dataset}
"""
HOLDS: Parts = ("reasoning", "loss", "rejected", "wanted")
"""The parts it learns from; turns that are not learned only where each record learns its last turn alone (`mask_history`)."""
_PLAIN = "template: qwen3_vl_nothink"
_THINKING = "template: qwen3_vl\nenable_thinking: true\npreserve_thinking: true"
_STAGES = {"": "sft", "rejected": "dpo\npref_beta: 0.1\npref_loss: sigmoid", "wanted": "kto\npref_beta: 0.1"}
_KTO_NOTE = """\
# LLaMA-Factory 0.9.5 loads these rows, but its KTO stage drops `mm_token_type_ids`, without which Qwen3-VL stops in transformers 5.5:
# train with a version that passes them, or: vldata export --to trl, whose KTO does.
"""
_VIDEO_LINES = f"""\
video_fps: {FPS}
video_maxlen: {LLAMAFACTORY_MAX_FRAMES}
video_max_pixels: {LLAMAFACTORY_FRAME_PIXELS}
"""


def export_sharegpt(plan: ExportPlan) -> Exported:
    """The records themselves under a registry of the export's own; pictures by absolute path or copied.

    A pair ends with its question and has `chosen` and `rejected`; thoughts stand in the text, as its templates read them.
    """

    def row(record: Record) -> dict[str, Any]:
        _check_videos(record)
        built: dict[str, Any] = msgspec.to_builtins(record)
        built["messages"] = [_turn(message) for message in record.messages]
        if record.rejected is not msgspec.UNSET:
            built |= {"chosen": built["messages"].pop(), "rejected": _turn(record.rejected)}
        built["images"] = [plan.image_name(image) for image in record.images]
        if record.videos is not msgspec.UNSET:
            built["videos"] = [plan.image_name(video, "video") for video in record.videos]
        return built

    file = plan.out / f"{plan.name}.jsonl"
    if file.absolute() == plan.dataset.paths.records.absolute():
        raise DataError("the export would replace the dataset it is made from.", where=str(file), cure="Choose another --out.")
    tools = any(record.tools is not msgspec.UNSET for record in plan.dataset)
    videos = plan.dataset.contract.videos is not None
    wanted: Parts = ("wanted",) if task_of(plan) == "wanted" else ()
    _check_loss(plan)
    count = write_jsonl(plan, file, map(row, plan.dataset))
    return _finish(plan, "llamafactory", file.name, _ranked(plan, make_entry(file.name, videos=videos, tools=tools, parts=wanted)), count)


def _turn(message: Message) -> dict[str, str]:
    return {"role": message.role, "content": written_turn(message)}


def _ranked(plan: ExportPlan, entry: Entry) -> Entry:
    """The entry of preference pairs says so, and where both answers are."""
    if task_of(plan) != "rejected":
        return entry
    return {**entry, "ranking": True, "columns": {**entry["columns"], "chosen": "chosen", "rejected": "rejected"}}


def _check_loss(plan: ExportPlan) -> None:
    """Refuse turns that are not learned, unless `mask_history` says the same: the last answer is learned alone.

    Raises:
        DataError: it names the record.
    """
    if "loss" not in plan.dataset.contract.parts:
        return
    for record in plan.dataset:
        learned = [index for index, message in enumerate(record.messages) if message.learned]
        if learned != [len(record.messages) - 1]:
            what = f"record {record.id!r} learns turns {', '.join(map(str, learned))}; LLaMA-Factory learns every answer or the last alone."
            raise DataError(what, cure="Export to swift or trl, train with vltrain sft, or leave `loss` out with --ignore loss.")


def export_alpaca(plan: ExportPlan) -> Exported:
    """Alpaca columns: the last question and answer as instruction and output, turns before them as history.

    A pair has `chosen` and `rejected` instead of the output.
    """
    _check_loss(plan)
    file = plan.out / f"{plan.name}_alpaca.jsonl"
    count = write_jsonl(plan, file, (_alpaca_row(plan, record) for record in plan.dataset))
    columns = {
        "prompt": "instruction",
        "query": "input",
        "response": "output",
        "system": "system",
        "history": "history",
        "images": "images",
    }
    if task_of(plan) == "rejected":
        del columns["response"]
    if task_of(plan) == "wanted":
        columns["kto_tag"] = "wanted"
    if plan.dataset.contract.videos is not None:
        columns["videos"] = "videos"
    return _finish(plan, "alpaca", file.name, _ranked(plan, {"file_name": file.name, "formatting": "alpaca", "columns": columns}), count)


def _alpaca_row(plan: ExportPlan, record: Record) -> dict[str, Any]:
    plain_roles(record, "alpaca")
    _check_videos(record)
    turns = list(record.messages)
    system = turns.pop(0).content if turns[0].role == "system" else ""
    pairs = [[ask.content, text_with_thought(answer)] for ask, answer in zip(turns[::2], turns[1::2], strict=True)]
    last = pairs.pop()
    row: dict[str, Any] = {"instruction": last[0], "input": "", "output": last[1], "system": system, "history": pairs}
    if record.rejected is not msgspec.UNSET:
        row |= {"chosen": row.pop("output"), "rejected": text_with_thought(record.rejected)}
    if record.wanted is not msgspec.UNSET:
        row["wanted"] = record.wanted
    row["images"] = [plan.image_name(image) for image in record.images]
    if record.videos is not msgspec.UNSET:
        row["videos"] = [plan.image_name(video, "video") for video in record.videos]
    return row


def _check_videos(record: Record) -> None:
    if fault := videos_fault(record):
        raise DataError(
            f"record {record.id!r} {fault}.",
            cure="Filter such records out (vldata filter --where 'videos<=1'), convert with --videos frames, or export to swift.",
        )


def _finish(plan: ExportPlan, format_name: str, file_name: str, entry: Entry, count: int) -> Exported:
    dataset = file_name.removesuffix(".jsonl")
    merge_entries(plan.out, {dataset: entry})
    pixels = plan.dataset.contract.pixels
    path = plan.out / f"{dataset}.train.yaml"
    text = _YAML.format(
        path=path,
        name=plan.name,
        max_pixels=pixels.max_pixels,
        min_pixels=pixels.min_pixels,
        dataset_dir=plan.out.absolute(),
        dataset=dataset,
        cutoff=plan.cutoff(llamafactory_video_tokens),
        videos=_VIDEO_LINES if plan.dataset.contract.videos is not None else "",
        template=_template(plan.dataset.contract.parts),
        stage=_STAGES[task_of(plan)],
        model=model_of(plan),
        note=_KTO_NOTE if task_of(plan) == "wanted" else "",
    )
    files = (plan.out / file_name, plan.out / "dataset_info.json", write_text(path, text))
    return Exported(format_name, files, count, f"llamafactory-cli train {path}\n")


def _template(parts: Parts) -> str:
    lines = _THINKING if "reasoning" in parts else _PLAIN
    return f"{lines}\nmask_history: true" if "loss" in parts else lines
