"""Training any model by its own processor: batches padded, the loss as transformers computes it. What no model is too new for.

The fast path (`features`, `collate`, `levers`) knows one architecture to the bit; this one knows none.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils.data import Dataset

from vldata.errors import DataError
from vldata.models.by_processor import IGNORED, ByProcessor, Conversation
from vltrain.collate import Batch
from vltrain.data import Example, Openable, open_images


class Talks(Dataset[Conversation | DataError]):
    """Examples as conversations with their images open; what cannot be read comes as its error."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._examples = examples

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> Conversation | DataError:
        try:
            return open_talk(self._examples[index])
        except DataError as error:
            return error


def open_talk(example: Example) -> Conversation:
    """Open the images of an example.

    Raises:
        DataError: one cannot be read.
    """
    record = example.record
    images = tuple(_open(image) for image in open_images(example))
    return Conversation(record.messages, images, record.tools if isinstance(record.tools, str) else "", record.id)


def _open(path: Openable) -> Any:
    from PIL import Image, UnidentifiedImageError

    try:
        with path.open() as file, Image.open(file) as opened:
            return opened.convert("RGB")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DataError(f"no picture: {error}.", where=str(path), cure="Run: vldata validate") from None


class ProcessorCollator:
    """Makes batches by the model's own processor, in the loader's workers; picklable, so that they can carry it."""

    def __init__(self, folder: Path, *, own_code: bool = False) -> None:
        self._folder, self._own_code = folder, own_code
        self._made: ByProcessor | None = None

    def __reduce__(self) -> tuple[object, ...]:
        return functools.partial(ProcessorCollator, own_code=self._own_code), (self._folder,)

    @property
    def by_processor(self) -> ByProcessor:
        """The processor, loaded once a process."""
        if self._made is None:
            self._made = ByProcessor(self._folder, own_code=self._own_code)
        return self._made

    def __call__(self, talks: Sequence[Conversation | DataError]) -> Batch:
        """Make one batch, or say under `broken` which record could not be read."""
        for talk in talks:
            if isinstance(talk, DataError):
                return {"broken": (talk.what, talk.where, talk.cure)}
        try:
            batch = self.by_processor.lessons([talk for talk in talks if isinstance(talk, Conversation)])
        except DataError as error:
            return {"broken": (error.what, error.where, error.cure)}
        batch["targets"] = batch["labels"][batch["labels"] != IGNORED]
        batch["samples"] = len(talks)
        return batch


def show_lesson(folder: Path, example: Example, *, own_code: bool = False) -> str:
    """The text of an example as the model takes it, image tokens left out, what is learned between guillemets."""
    by = ByProcessor(folder, own_code=own_code)
    batch = by.lessons([open_talk(example)])
    ids, learned = batch["input_ids"][0].tolist(), (batch["labels"][0] != IGNORED).tolist()
    pad = by.prompter.image_pad
    images = sum(token == pad for token in ids) if example.record.images else 0
    text, inside = "", False
    run: list[int] = []
    for token, now in [*zip(ids, learned, strict=True), (-1, False)]:
        if token < 0 or now != inside:
            text += by.prompter.decode(run)
            run, text = [], text + ("«" if now else "»" if inside else "")
            inside = now
        if token >= 0 and token != pad:
            run.append(token)
    return f"{example.record.id}: {len(ids)} tokens, {images} of images, {sum(learned)} learned\n{text}"


def use_processor_batches(model: Any, *, checkpointing: bool) -> None:
    """Make a call of the model take such a batch and return the sum of its token losses; `generate` works as before."""
    core = model.get_base_model() if hasattr(model, "get_base_model") else model
    if checkpointing:
        core.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    original = model.forward
    wide = next(parameter.dtype for parameter in core.parameters() if parameter.is_floating_point())

    def forward(**batch: Any) -> torch.Tensor:
        labels = F.pad(batch.pop("labels"), (0, 1), value=IGNORED)[:, 1:]
        given = {name: value for name, value in batch.items() if name not in ("targets", "samples")}
        for name, value in given.items():
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                given[name] = value.to(wide)
        logits = original(**given, use_cache=False).logits
        kept = labels != IGNORED
        return F.cross_entropy(logits[kept].float(), labels[kept], reduction="sum")

    model.forward = forward
