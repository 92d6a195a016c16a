"""Turns in the shapes other tools have them: text and pictures apart, or role names of their own."""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

import msgspec

from vldata.errors import DataError
from vldata.records.record import IMAGE_TAG, VIDEO_TAG, Message, Record
from vldata.records.tool_calls import split_call

LLAVA_ROLES = {"user": "human", "assistant": "gpt", "system": "system", "observation": "observation", "function_call": "function_call"}
SWIFT_ROLES = {"observation": "tool_response", "function_call": "tool_call"}


class Medium(NamedTuple):
    """Stands in a turn where a picture or a video does."""

    kind: Literal["image", "video"]


_MEDIA = {IMAGE_TAG: Medium("image"), VIDEO_TAG: Medium("video")}
_CUT = re.compile("(<image>|<video>)").split


def split_parts(message: Message) -> list[str | Medium]:
    """Cut a turn at its media: text pieces, and what stands between them. Empty pieces are left out."""
    return [_MEDIA.get(piece, piece) for piece in _CUT(message.content) if piece]


def no_videos(record: Record, format_name: str) -> None:
    """Refuse a record with videos for a format that has none.

    Raises:
        DataError: it names the record.
    """
    if record.kept_videos:
        raise DataError(
            f"record {record.id!r} has a video, which the {format_name} format cannot hold.",
            cure="Convert with --videos frames, or export to llamafactory, swift, qwen, parquet, webdataset or hf.",
        )


def one_medium(record: Record, format_name: str) -> None:
    """Refuse a record with several videos, or with pictures next to one, for a format that has one `video` field for it.

    Raises:
        DataError: it names the record.
    """
    if len(record.kept_videos) > 1 or (record.kept_videos and record.images):
        raise DataError(
            f"record {record.id!r} has {len(record.kept_videos)} videos and {len(record.images)} pictures; the {format_name} format "
            "holds one video alone.",
            cure="Export to llamafactory, swift, qwen, parquet, webdataset or hf, or filter: vldata filter --where 'videos<=1'.",
        )


def plain_roles(record: Record, format_name: str) -> None:
    """Refuse a record with tool turns for a format that has none.

    Raises:
        DataError: it names the record.
    """
    for message in record.messages:
        if message.role in ("observation", "function_call"):
            raise DataError(
                f"record {record.id!r} has a {message.role} turn, which the {format_name} format cannot hold.",
                cure="Export to llamafactory or swift, or filter such records out.",
            )


def text_with_thought(message: Message, content: str | None = None) -> str:
    """The text of an answer with its thought in front, as the templates of Qwen's thinking models write it and all others learn it as text.

    An answer without a thought gets the empty one, in a dataset that has thoughts: it is learned as it would be said.
    """
    text = message.content if content is None else content
    if message.reasoning is msgspec.UNSET or not message.answers:
        return text
    return f"<think>\n{message.reasoning}\n</think>\n\n{text}"


def text_of_call(message: Message) -> str:
    """A turn of calls as LLaMA-Factory reads it: the JSON, behind a thought; with a text next to it the JSON is marked."""
    said, calls = split_call(message.content)
    content = f"{said}\n<tool_call>\n{calls}\n</tool_call>" if said else message.content
    return text_with_thought(message, content) if message.thought else content


def written_turn(message: Message) -> str:
    """The one text of a turn, with its thought."""
    return text_of_call(message) if message.role == "function_call" else text_with_thought(message)


def conversations(record: Record) -> list[dict[str, str]]:
    """Turns as LLaVA and similar models write them: `from` and `value`, tags in the text."""
    return [{"from": LLAVA_ROLES[message.role], "value": text_with_thought(message)} for message in record.messages]


def typed_parts(message: Message) -> list[dict[str, Any]]:
    """A turn as content parts; pictures are `{"type": "image"}` and are matched with the `images` column in order."""
    if message.answers:
        return [{"type": "text", "text": text_with_thought(message)}]
    return [{"type": part.kind} if isinstance(part, Medium) else {"type": "text", "text": part} for part in split_parts(message)]
