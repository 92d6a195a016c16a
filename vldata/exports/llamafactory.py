"""Exports for LLaMA-Factory: records with registry entry and training YAML, and the alpaca columns some recipes want."""

from __future__ import annotations

from typing import Any

import msgspec

from vldata.errors import DataError
from vldata.exports.plan import Exported, ExportPlan, write_jsonl, write_text
from vldata.exports.turns import plain_roles
from vldata.media.video_tokens import FPS, LLAMAFACTORY_FRAME_PIXELS, LLAMAFACTORY_MAX_FRAMES, llamafactory_video_tokens
from vldata.output.dataset_info import Entry, make_entry, merge_entries
from vldata.records.record import Record
from vldata.records.rules import videos_fault

_YAML = """\
# llamafactory-cli train {path}
# Filled from the contract of {name}: pictures are on the processor's grid inside this budget, so nothing resizes them again.
model_name_or_path: Qwen/Qwen3-VL-4B-Instruct
template: qwen3_vl_nothink
image_max_pixels: {max_pixels}
image_min_pixels: {min_pixels}
{videos}stage: sft
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
_VIDEO_LINES = f"""\
video_fps: {FPS}
video_maxlen: {LLAMAFACTORY_MAX_FRAMES}
video_max_pixels: {LLAMAFACTORY_FRAME_PIXELS}
"""


def export_sharegpt(plan: ExportPlan) -> Exported:
    """The records themselves under a registry of the export's own; pictures by absolute path or copied."""

    def row(record: Record) -> dict[str, Any]:
        _check_videos(record)
        built: dict[str, Any] = msgspec.to_builtins(record)
        built["images"] = [plan.image_name(image) for image in record.images]
        if record.videos is not msgspec.UNSET:
            built["videos"] = [plan.image_name(video, "video") for video in record.videos]
        return built

    file = plan.out / f"{plan.name}.jsonl"
    if file.absolute() == plan.dataset.paths.records.absolute():
        raise DataError("the export would replace the dataset it is made from.", where=str(file), cure="Choose another --out.")
    tools = any(record.tools is not msgspec.UNSET for record in plan.dataset)
    videos = plan.dataset.contract.videos is not None
    count = write_jsonl(plan, file, map(row, plan.dataset))
    return _finish(plan, "llamafactory", file.name, make_entry(file.name, videos=videos, tools=tools), count)


def export_alpaca(plan: ExportPlan) -> Exported:
    """Alpaca columns: the last question and answer as instruction and output, turns before them as history."""

    def row(record: Record) -> dict[str, Any]:
        plain_roles(record, "alpaca")
        _check_videos(record)
        turns = list(record.messages)
        system = turns.pop(0).content if turns[0].role == "system" else ""
        pairs = [[ask.content, answer.content] for ask, answer in zip(turns[::2], turns[1::2], strict=True)]
        last = pairs.pop()
        images = [plan.image_name(image) for image in record.images]
        row = {"instruction": last[0], "input": "", "output": last[1], "system": system, "history": pairs, "images": images}
        return row if record.videos is msgspec.UNSET else {**row, "videos": [plan.image_name(video, "video") for video in record.videos]}

    file = plan.out / f"{plan.name}_alpaca.jsonl"
    count = write_jsonl(plan, file, map(row, plan.dataset))
    columns = {
        "prompt": "instruction",
        "query": "input",
        "response": "output",
        "system": "system",
        "history": "history",
        "images": "images",
    }
    if plan.dataset.contract.videos is not None:
        columns["videos"] = "videos"
    return _finish(plan, "alpaca", file.name, {"file_name": file.name, "formatting": "alpaca", "columns": columns}, count)


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
    )
    files = (plan.out / file_name, plan.out / "dataset_info.json", write_text(path, text))
    return Exported(format_name, files, count, f"llamafactory-cli train {path}\n")
