"""Turns in the shapes other tools have them: text and pictures apart, or role names of their own."""

from __future__ import annotations

from typing import Any

from vldata.errors import DataError
from vldata.record import IMAGE_TAG, Message, Record

LLAVA_ROLES = {"user": "human", "assistant": "gpt", "system": "system", "observation": "observation", "function_call": "function_call"}
SWIFT_ROLES = {"observation": "tool_response", "function_call": "tool_call"}


def split_parts(message: Message) -> list[str | None]:
    """Cut a turn at its pictures: text pieces, and None where a picture stands. Empty pieces are left out."""
    parts: list[str | None] = []
    for index, piece in enumerate(message.content.split(IMAGE_TAG)):
        if index:
            parts.append(None)
        if piece:
            parts.append(piece)
    return parts


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


def conversations(record: Record) -> list[dict[str, str]]:
    """Turns as LLaVA and its kin write them: `from` and `value`, tags in the text."""
    return [{"from": LLAVA_ROLES[message.role], "value": message.content} for message in record.messages]


def typed_parts(message: Message) -> list[dict[str, Any]]:
    """A turn as content parts; pictures are `{"type": "image"}` and are matched with the `images` column in order."""
    return [{"type": "image"} if part is None else {"type": "text", "text": part} for part in split_parts(message)]
