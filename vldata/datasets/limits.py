"""What the requests of a dataset may cost a server: its longest prompt, most images and largest image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vldata.datasets.dataset import Dataset
from vldata.media.pixels import DEFAULT, Size, find_processor, vision_tokens
from vldata.models.serving import Limits
from vldata.output.tokens import estimate_text_tokens
from vldata.records.record import Record

if TYPE_CHECKING:
    from vldata.models.prompt import Prompter


def measure_limits(
    prompter: Prompter, rows: Iterable[tuple[Record, Sequence[Size]]], *, answer_tokens: int = 512, processor: str = DEFAULT
) -> Limits:
    """Work out the limits that every record needs, in the model's own tokens."""
    longest = pictures = 0
    pixels = [find_processor(processor).min_pixels]
    for record, sizes in rows:
        encoded = prompter.encode(record, [vision_tokens(*size, processor=processor) for size in sizes])
        longest = max(longest, len(encoded.ids) - int(encoded.answer.sum()))
        pictures = max(pictures, len(sizes))
        pixels.append(max((width * height for width, height in sizes), default=0))
    return Limits(
        prompt_tokens=longest, answer_tokens=answer_tokens, pictures=max(1, pictures), min_pixels=pixels[0], max_pixels=max(pixels)
    )


def dataset_limits(dataset: Dataset, model: str, *, answer_tokens: int = 512) -> tuple[Limits, str]:
    """Limits of a dataset of `vldata`, and how they were found: exact with a model folder's tokenizer, else from above by the contract."""
    processor = dataset.contract.pixels.processor
    sizes = {line.path: (line.width, line.height) for line in dataset.media()}
    if (Path(model) / "tokenizer.json").is_file():
        from vldata.models.prompt import Prompter

        rows = ((record, [sizes[name] for name in record.images]) for record in dataset)
        limits = measure_limits(Prompter(Path(model)), rows, answer_tokens=answer_tokens, processor=processor)
        return limits, "prompts counted with the model's own tokenizer"
    turns = pictures = 0
    for record in dataset:
        turns, pictures = max(turns, len(record.messages)), max(pictures, len(record.images))
    counted = dataset.contract.tokens
    least = find_processor(processor).min_pixels
    limits = Limits(
        prompt_tokens=counted.vision.max + estimate_text_tokens(counted.text_bytes.max, turns),
        answer_tokens=answer_tokens,
        pictures=max(1, pictures),
        min_pixels=least,
        max_pixels=max((width * height for width, height in sizes.values()), default=least),
    )
    return limits, "text estimated from the contract's bytes, from above: no tokenizer.json next to the model's name"
