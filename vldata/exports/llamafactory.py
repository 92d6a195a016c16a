"""Exports for LLaMA-Factory: records with registry entry and training YAML, and the alpaca columns some recipes want."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import DataError, UsageError
from vldata.exports.plan import Exported, ExportPlan, task_of, write_jsonl, write_text
from vldata.exports.training import evaluation_of, family_of_plan, finish, held_out, model_of
from vldata.exports.turns import plain_roles, text_with_thought, written_turn
from vldata.media.video_tokens import FPS, LLAMAFACTORY_FRAME_PIXELS, LLAMAFACTORY_MAX_FRAMES, llamafactory_video_tokens
from vldata.models.families import DEFAULT
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
{evaluation}cutoff_len: {cutoff}
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
_EVALUATION = """\
eval_dataset: {dataset}
eval_strategy: epoch
per_device_eval_batch_size: 1
"""
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
    return _export(plan, "llamafactory", write_sharegpt)


def write_sharegpt(plan: ExportPlan) -> tuple[str, Entry, int]:
    """Write the rows; return the file's name, its entry of a registry, and the count."""

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
    return file.name, _ranked(plan, make_entry(file.name, videos=videos, tools=tools, parts=wanted)), count


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
    return _export(plan, "alpaca", _write_alpaca)


def _write_alpaca(plan: ExportPlan) -> tuple[str, Entry, int]:
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
    return file.name, _ranked(plan, {"file_name": file.name, "formatting": "alpaca", "columns": columns}), count


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


_Write = Callable[[ExportPlan], tuple[str, Entry, int]]


def _export(plan: ExportPlan, format_name: str, write: _Write) -> Exported:
    """Write and register a dataset, with the val side of its split; and the YAML, for what is not held out."""
    file, entry, count = write(plan)
    dataset = file.removesuffix(".jsonl")
    entries, data = {dataset: entry}, [plan.out / file]
    other, evaluation = evaluation_of(plan), ""
    if other:
        held, its_entry, _ = write(other)
        evaluation = held.removesuffix(".jsonl")
        entries[evaluation] = its_entry
        data.append(plan.out / held)
    merge_entries(plan.out, entries)
    path = plan.out / f"{dataset}.train.yaml"
    if not held_out(plan):
        cutoff = max(each.cutoff(llamafactory_video_tokens) for each in (plan, other) if each)
        write_text(path, _yaml(plan, path, dataset, evaluation, cutoff))
    return finish(plan, format_name, (*data, plan.out / "dataset_info.json"), path, count, "llamafactory-cli train")


def _yaml(plan: ExportPlan, path: Path, dataset: str, evaluation: str, cutoff: int) -> str:
    pixels = plan.dataset.contract.pixels
    return _YAML.format(
        path=path,
        name=plan.name,
        max_pixels=pixels.max_pixels,
        min_pixels=pixels.min_pixels,
        dataset_dir=plan.out.absolute(),
        dataset=dataset,
        evaluation=_EVALUATION.format(dataset=evaluation) if evaluation else "",
        cutoff=cutoff,
        videos=_VIDEO_LINES if plan.dataset.contract.videos is not None else "",
        template=template_lines(plan),
        stage=_STAGES[task_of(plan)],
        model=model_of(plan),
        note=_KTO_NOTE if task_of(plan) == "wanted" else "",
    )


def template_lines(plan: ExportPlan) -> str:
    """The lines of a training YAML that name the template."""
    parts, family = plan.dataset.contract.parts, family_of_plan(plan)
    lines = _THINKING if "reasoning" in parts else _PLAIN
    if family.name != DEFAULT:
        if not family.templates:
            raise UsageError(f"LLaMA-Factory has no template for {family.title} that is known here.", cure="Export to trl or swift.")
        lines = f"template: {family.templates[0]}  # LLaMA-Factory's names for {family.title} begin so"
    return f"{lines}\nmask_history: true" if "loss" in parts else lines
