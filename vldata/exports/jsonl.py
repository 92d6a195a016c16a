"""Exports that are JSON lines: ms-swift, TRL, LLaVA, OpenAI, Qwen, InternVL."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import msgspec

from vldata.exports.plan import Exported, ExportPlan, write_jsonl, write_text
from vldata.exports.turns import (
    SWIFT_ROLES,
    Medium,
    conversations,
    no_videos,
    one_medium,
    plain_roles,
    split_parts,
    typed_parts,
)
from vldata.files.content import Kind, image_mime
from vldata.media.video_tokens import FPS, MAX_FRAMES, MIN_FRAMES, SWIFT_MAX_FRAME_TOKENS, SWIFT_MIN_FRAME_TOKENS, swift_video_tokens
from vldata.output.publish import MediaLine
from vldata.records.record import IMAGE_TAG, VIDEO_TAG, Record

_MIME = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}


def export_swift(plan: ExportPlan) -> Exported:
    """ms-swift: `messages` with tags, `images` as paths; tool turns under its role names, tools as a JSON string."""

    def row(record: Record) -> dict[str, Any]:
        messages = [{"role": SWIFT_ROLES.get(m.role, m.role), "content": m.content} for m in record.messages]
        return {"messages": messages, "images": _names(plan, record), **_videos(plan, record), **_tools(record)}

    file = plan.out / f"{plan.name}.swift.jsonl"
    count = write_jsonl(plan, file, map(row, plan.dataset))
    pixels = plan.dataset.contract.pixels
    root = f"ROOT_IMAGE_DIR={plan.out.absolute()} " if plan.images == "copy" else ""
    clips = _SWIFT_VIDEOS if plan.dataset.contract.videos is not None else ""
    snippet = (
        f"{root}{clips}MAX_PIXELS={pixels.max_pixels} MIN_PIXELS={pixels.min_pixels} swift sft --model Qwen/Qwen3-VL-4B-Instruct "
        f"--dataset {file} --tuner_type lora --max_length {plan.cutoff(swift_video_tokens)} --freeze_vit true --freeze_aligner true\n"
    )
    return Exported("swift", (file, write_text(plan.out / f"{plan.name}.swift.sh", snippet)), count, snippet)


_SWIFT_VIDEOS = (
    f"FPS={FPS} FPS_MIN_FRAMES={MIN_FRAMES} FPS_MAX_FRAMES={MAX_FRAMES} "
    f"VIDEO_MIN_TOKEN_NUM={SWIFT_MIN_FRAME_TOKENS} VIDEO_MAX_TOKEN_NUM={SWIFT_MAX_FRAME_TOKENS} "
)


def export_trl(plan: ExportPlan) -> Exported:
    """TRL: `prompt` and `completion` of content parts, so that only answers are trained on; `images` as paths.

    A conversation of several answers becomes one row an answer, each with the turns before it as the prompt.
    """

    def rows(record: Record) -> Iterator[dict[str, Any]]:
        plain_roles(record, "trl")
        no_videos(record, "trl")
        shown = 0
        for index, message in enumerate(record.messages):
            shown += message.content.count("<image>")
            if message.role == "assistant":
                turns = [{"role": m.role, "content": typed_parts(m)} for m in record.messages[: index + 1]]
                images = _names(plan, record)[:shown]
                yield {"prompt": turns[:-1], "completion": turns[-1:], "images": images}

    file = plan.out / f"{plan.name}.trl.jsonl"
    count = write_jsonl(plan, file, (row for record in plan.dataset for row in rows(record)))
    snippet = _TRL_SNIPPET.format(file=file, root=f"{plan.out.absolute()}/" if plan.images == "copy" else "")
    return Exported("trl", (file, write_text(plan.out / f"{plan.name}.trl.py", snippet)), count, snippet)


_TRL_SNIPPET = '''\
"""Train with TRL on {file}."""

from datasets import Image, Sequence, load_dataset
from trl import SFTConfig, SFTTrainer

dataset = load_dataset("json", data_files="{file}", split="train")
dataset = dataset.map(lambda row: {{"images": ["{root}" + path for path in row["images"]]}})
dataset = dataset.cast_column("images", Sequence(Image()))
config = SFTConfig(
    output_dir="out",
    max_length=None,  # a limit would cut through vision tokens
    per_device_train_batch_size=1,
    gradient_accumulation_steps=8,
    learning_rate=1e-4,
)
SFTTrainer("Qwen/Qwen3-VL-4B-Instruct", args=config, train_dataset=dataset).train()
'''


def export_llava(plan: ExportPlan) -> Exported:
    """LLaVA: `id`, `image` (one path, or lists where some record has several), `conversations`."""
    fields = _MediaFields(plan)

    def row(record: Record) -> dict[str, Any]:
        plain_roles(record, "llava")
        one_medium(record, "llava")
        turns = conversations(record)
        if record.kept_videos:  # LLaVA marks a video with the tag of a picture
            turns = [{**turn, "value": turn["value"].replace(VIDEO_TAG, IMAGE_TAG)} for turn in turns]
        return {"id": record.id, **fields.of(record), "conversations": turns}

    file = plan.out / f"{plan.name}.llava.jsonl"
    count = write_jsonl(plan, file, map(row, plan.dataset))
    return Exported("llava", (file,), count, f"--data_path {file} --image_folder {plan.out.absolute() if plan.images == 'copy' else '/'}\n")


def export_qwen(plan: ExportPlan) -> Exported:
    """Qwen's fine-tuning scripts: LLaVA's fields, pictures relative to `data_path` or absolute."""
    fields = _MediaFields(plan)

    def row(record: Record) -> dict[str, Any]:
        plain_roles(record, "qwen")
        base = {"data_path": str(plan.out.absolute())} if plan.images == "copy" else {}
        return {**fields.of(record), "conversations": conversations(record), **base}

    file = plan.out / f"{plan.name}.qwen.jsonl"
    count = write_jsonl(plan, file, map(row, plan.dataset))
    pixels = plan.dataset.contract.pixels
    key = plan.name.upper().replace("-", "_").replace(".", "_")
    snippet = (
        f'# qwenvl/data/__init__.py\n{key} = {{"annotation_path": "{file.absolute()}", "data_path": ""}}\n'
        f"# --dataset_use {plan.name} --model_max_length {plan.cutoff()}\n"
        f"# --max_pixels {pixels.max_pixels} --min_pixels {pixels.min_pixels}\n"
    )
    return Exported("qwen", (file, write_text(plan.out / f"{plan.name}.qwen.txt", snippet)), count, snippet)


def export_internvl(plan: ExportPlan) -> Exported:
    """InternVL: annotations with picture sizes, and the meta.json that names them."""
    sizes: dict[str, MediaLine] = {}
    for line in plan.dataset.media():
        sizes.setdefault(line.path, line)

    fields = _MediaFields(plan)

    def row(record: Record) -> dict[str, Any]:
        plain_roles(record, "internvl")
        one_medium(record, "internvl")
        media = [sizes[image] for image in record.images]
        if len(media) == 1 and not fields.image_lists:
            shape: dict[str, Any] = {"width": media[0].width, "height": media[0].height}
        else:
            shape = {"width_list": [line.width for line in media], "height_list": [line.height for line in media]} if media else {}
        return {"id": record.id, **fields.of(record), **shape, "conversations": conversations(record)}

    file = plan.out / f"{plan.name}.internvl.jsonl"
    count = write_jsonl(plan, file, map(row, plan.dataset))
    root = str(plan.out.absolute()) if plan.images == "copy" else "/"
    entry = {"root": root, "annotation": str(file.absolute()), "data_augment": False, "repeat_time": 1, "length": count}
    meta = write_text(plan.out / f"{plan.name}.internvl.meta.json", json.dumps({plan.name: entry}, indent=2) + "\n")
    return Exported("internvl", (file, meta), count, f"--meta_path {meta} --max_seq_length {plan.cutoff()}\n")


def export_openai(plan: ExportPlan) -> Exported:
    """OpenAI chat: content parts with pictures as data URLs of the files' own bytes."""

    def part(piece: str | Medium, image: str) -> dict[str, Any]:
        if isinstance(piece, str):
            return {"type": "text", "text": piece}
        if plan.images != "embed":
            return {"type": "image_url", "image_url": {"url": plan.image_name(image)}}
        data = plan.image_bytes(image)
        mime = _MIME.get(PurePosixPath(image).suffix) or image_mime(data)
        encoded = base64.b64encode(data).decode()
        return {"type": "image_url", "image_url": {"url": f"data:{mime};base64,{encoded}"}}

    def row(record: Record) -> dict[str, Any]:
        plain_roles(record, "openai")
        no_videos(record, "openai")
        images = iter(record.images)
        messages: list[dict[str, Any]] = []
        for message in record.messages:
            if message.role == "user":
                pieces = split_parts(message)
                content: Any = [part(piece, "" if isinstance(piece, str) else next(images)) for piece in pieces]
            else:
                content = message.content
            messages.append({"role": message.role, "content": content})
        return {"messages": messages}

    file = plan.out / f"{plan.name}.openai.jsonl"
    count = write_jsonl(plan, file, map(row, plan.dataset))
    return Exported("openai", (file,), count, f"openai api fine_tuning.jobs.create --training-file {file}\n")


def _names(plan: ExportPlan, record: Record) -> list[str]:
    return [plan.image_name(image) for image in record.images]


def _videos(plan: ExportPlan, record: Record) -> dict[str, list[str]]:
    """The `videos` column, where the dataset has one."""
    return {} if record.videos is msgspec.UNSET else {"videos": [plan.image_name(video, "video") for video in record.videos]}


class _MediaFields:
    """Makes `image` and `video`: one path each, or lists in every row where some record has several. Arrow readers take no mixture."""

    def __init__(self, plan: ExportPlan) -> None:
        self._plan = plan
        self._lists = {"image": False, "video": False}
        for record in plan.dataset:
            self._lists["image"] |= len(record.images) > 1
            self._lists["video"] |= len(record.kept_videos) > 1

    @property
    def image_lists(self) -> bool:
        """Whether `image` is a list."""
        return self._lists["image"]

    def of(self, record: Record) -> dict[str, Any]:
        """The fields of one record; a field is absent where there is nothing for it."""
        fields: dict[str, Any] = {}
        kinds: tuple[tuple[Kind, tuple[str, ...]], ...] = (("image", record.images), ("video", record.kept_videos))
        for kind, files in kinds:
            names = [self._plan.image_name(file, kind) for file in files]
            if names:
                fields[kind] = names if self._lists[kind] else names[0]
        return fields


def _tools(record: Record) -> dict[str, str]:
    return {} if record.tools is msgspec.UNSET else {"tools": record.tools}
