"""Exports that are JSON lines: LLaVA, OpenAI, Qwen, InternVL."""

from __future__ import annotations

import base64
import json
from pathlib import PurePosixPath
from typing import Any

import msgspec

from vldata.exports.plan import Exported, ExportPlan, write_jsonl, write_text
from vldata.exports.turns import (
    Medium,
    conversations,
    no_videos,
    one_medium,
    plain_roles,
    split_parts,
)
from vldata.files.content import Kind, image_mime
from vldata.output.publish import MediaLine
from vldata.records.record import IMAGE_TAG, VIDEO_TAG, Record

_MIME = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}


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
    """OpenAI chat: content parts with pictures as data URLs of the files' own bytes; `weight` 0 for an answer that is not learned."""

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
            weight = {} if message.loss is msgspec.UNSET or not message.answers else {"weight": int(message.loss)}
            messages.append({"role": message.role, "content": content, **weight})
        return {"messages": messages}

    file = plan.out / f"{plan.name}.openai.jsonl"
    count = write_jsonl(plan, file, map(row, plan.dataset))
    return Exported("openai", (file,), count, f"openai api fine_tuning.jobs.create --training-file {file}\n")


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
