"""Counting the tokens of text as the model will see it, with the tokenizer of a model folder and no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vldata.errors import MissingExtraError, UsageError
from vldata.records.record import IMAGE_TAG, VIDEO_TAG


class TextCounter:
    """Counts tokens of turns in Qwen's template: `<|im_start|>role`, newline, content, `<|im_end|>`, newline."""

    def __init__(self, tokenizer: Any) -> None:
        self._encode = tokenizer.encode
        self._frame: dict[str, int] = {}

    def count_turn(self, role: str, content: str) -> int:
        """Tokens of one turn without those of its media."""
        if role not in self._frame:
            shown = {"observation": "user", "function_call": "assistant"}.get(role, role)
            self._frame[role] = len(self._encode(f"<|im_start|>{shown}\n<|im_end|>\n", add_special_tokens=False).ids)
        # Pictures cut the text where they stand, so each piece is encoded by itself.
        pieces = content.replace(VIDEO_TAG, IMAGE_TAG).split(IMAGE_TAG)
        return self._frame[role] + sum(len(self._encode(piece, add_special_tokens=False).ids) for piece in pieces if piece)


def load_text_counter(tokenizer: str) -> TextCounter:
    """Load a tokenizer.json, or the one in a model folder; raises as `load_tokenizer` does."""
    return TextCounter(load_tokenizer(tokenizer))


def load_tokenizer(tokenizer: str) -> Any:
    """Load a tokenizer.json, or the one in a model folder.

    Raises:
        MissingExtraError: the tokenizers package is not installed.
        UsageError: there is no such file, or it is not a tokenizer.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise MissingExtraError("counting text tokens", "hf") from None
    path = Path(tokenizer)
    file = path / "tokenizer.json" if path.is_dir() else path
    if not file.is_file():
        raise UsageError("no tokenizer.json here.", where=str(path), cure="Give a model folder or a tokenizer.json.")
    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises bare Exception for a file it cannot parse
        raise UsageError(f"is not a tokenizer: {error}.", where=str(file)) from None
