"""Conversations and images as any model takes them: by the model's own processor, padded, with the answers marked.

The prompt is rendered by `vldata.models.prompt`, so that control tokens in text of users stay text. The processor then expands each image
and says where it did; answers are marked in the rendered text and moved along, so nothing searches for a turn in the ids.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import DataError
from vldata.models.families_of import model_type_of
from vldata.models.processor import load_processor
from vldata.models.prompt import Prompter
from vldata.records.record import Message

IGNORED = -100
Span = tuple[int, int]
_FOR_US = ("offset_mapping", "text_replacement_offsets", "special_tokens_mask", "num_crops")


class Conversation(msgspec.Struct, frozen=True):
    """One conversation: its turns, its images in order (Pillow's, RGB), and the tools it may call."""

    messages: tuple[Message, ...]
    images: tuple[Any, ...] = ()
    tools: str = ""
    name: str = ""


class ByProcessor:
    """A model folder's processor with its chat template."""

    def __init__(self, folder: Path, *, own_code: bool = False) -> None:
        self.folder = folder
        self.prompter = Prompter(folder)
        self.processor: Any = load_processor(folder, own_code=own_code)
        self._marks = "mm_token_type_ids" in _taken(folder)
        if not getattr(self.processor.tokenizer, "is_fast", False):
            raise DataError(
                "the tokenizer cannot say where its tokens stand.", where=str(folder), cure="Give a folder with a tokenizer.json."
            )

    def prompts(self, talks: Sequence[Conversation]) -> dict[str, Any]:
        """Tensors of conversations that ask for an answer, padded on the left, ready for `generate`.

        Raises:
            DataError: images and their places differ, or the template fails.
        """
        texts = [self.prompter.render(talk.messages, tools=talk.tools, ask=True) for talk in talks]
        return self._given(self._processed(texts, talks, "left"))

    def lessons(self, talks: Sequence[Conversation]) -> dict[str, Any]:
        """Tensors of whole conversations, padded on the right, with `labels` at what the assistant says.

        Raises:
            DataError: as above; or there is no answer to learn.
        """
        import torch

        rendered = [self.prompter.answer_spans(talk.messages, tools=talk.tools) for talk in talks]
        made = self._processed([text for text, _ in rendered], talks, "right")
        if "text_replacement_offsets" not in made and any(talk.images for talk in talks):
            what = f"the processor of {model_type_of(self.folder)} does not say where it puts images, so answers cannot be marked."
            raise DataError(what, where=str(self.folder), cure="pip install -U 'transformers>=5.17'")
        ids, offsets = made["input_ids"], made["offset_mapping"]
        moved = made.get("text_replacement_offsets") or [[] for _ in talks]
        answer = torch.zeros_like(ids, dtype=torch.bool)
        for row, ((_, spans), replaced) in enumerate(zip(rendered, moved, strict=True)):
            for start, end in (_along(span, replaced) for span in spans):
                answer[row] |= (offsets[row, :, 1] > start) & (offsets[row, :, 0] < end)
        answer &= made["attention_mask"].bool()
        answer[:, 0] = False  # nothing foretells the first token
        for talk, learned in zip(talks, answer.any(dim=1).tolist(), strict=True):
            if not learned:
                raise DataError("has no answer to learn.", where=talk.name, cure="Leave the record out: vldata filter.")
        return {**self._given(made), "labels": torch.where(answer, ids, IGNORED)}

    def _processed(self, texts: Sequence[str], talks: Sequence[Conversation], side: str) -> dict[str, Any]:
        for text, talk in zip(texts, talks, strict=True):
            places = text.count(self.processor.image_token)
            if places != len(talk.images):
                what = f"{places} images in the text, but {len(talk.images)} in the record."
                raise DataError(what, where=talk.name, cure="Run: vldata validate")
        images = [list(talk.images) for talk in talks]
        start = self.processor.tokenizer.bos_token
        made = self.processor(
            text=list(texts),
            images=images if any(images) else None,
            padding=True,
            padding_side=side,
            return_tensors="pt",
            return_offsets_mapping=True,
            return_text_replacement_offsets=True,
            add_special_tokens=not (start and texts[0].startswith(start)),
            **({"return_mm_token_type_ids": True} if self._marks else {}),  # some processors leave them out unless asked
        )
        return dict(made)

    def _given(self, made: dict[str, Any]) -> dict[str, Any]:
        """What the model takes."""
        return {name: value for name, value in made.items() if name not in _FOR_US and value is not None}


def _taken(folder: Path) -> Collection[str]:
    """What the model's forward takes, read off its class; nothing where transformers does not know the type."""
    from transformers import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING, AutoConfig

    try:
        kind: Any = MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING[type(AutoConfig.from_pretrained(folder, trust_remote_code=False))]
    except (ValueError, KeyError, OSError, TypeError):
        return ()
    return inspect.signature(kind.forward).parameters


def _along(span: Span, replaced: Sequence[dict[str, Any]]) -> Span:
    """Where a span of the rendered text stands once images before it are expanded."""
    grown = sum(
        (place["new_span"][1] - place["new_span"][0]) - (place["span"][1] - place["span"][0])
        for place in replaced
        if place["span"][1] <= span[0]
    )
    return span[0] + grown, span[1] + grown
