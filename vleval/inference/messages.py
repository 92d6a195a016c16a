"""An ask for a model in this process: its turns as the chat template takes them, and its pictures decoded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vldata.errors import DataError
from vldata.records.record import IMAGE_TAG, Message
from vleval.inference.ask import Ask


def open_pictures(ask: Ask) -> list[Any]:
    """Decode the pictures of an ask: RGB, upright.

    Raises:
        DataError: one cannot be decoded.
    """
    from PIL import Image, ImageOps

    pictures = []
    for path in ask.images:
        try:
            with path.open() as file, Image.open(file) as image:
                pictures.append(ImageOps.exif_transpose(image).convert("RGB"))
        except (OSError, Image.DecompressionBombError) as error:
            raise DataError(f"cannot be decoded: {error}.", where=str(path), cure="Run: vldata validate") from None
    return pictures


def ask_messages(ask: Ask) -> list[Message]:
    """The turns of an ask as the template is given them."""
    return [_message(turn.role, turn.parts) for turn in ask.turns]


def _message(role: str, parts: Sequence[str | None]) -> Message:
    content = "".join(IMAGE_TAG if part is None else part for part in parts)
    return Message(role="observation" if role == "tool" else role, content=content)  # type: ignore[arg-type]
