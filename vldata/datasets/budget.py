"""The largest pixel budget, or the most frames, with which every record fits a cutoff."""

from __future__ import annotations

import msgspec

from vldata.datasets.dataset import Dataset
from vldata.datasets.stats import text_tokens
from vldata.errors import DataError
from vldata.media.pixels import Size, solve_max_pixels, target_size, vision_tokens
from vldata.models.text import load_text_counter
from vldata.output.contract import PixelContract
from vldata.output.folder import Target


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """The answer for one dataset and cutoff.

    `max_pixels` is the largest budget with which every record fits (None: none does), `longest_text` what the longest text costs alone,
    kept videos included, `max_pictures` the most pictures a record may have next to it at the dataset's own budget; `over` records are
    too long as they are, the longest with `longest` tokens.
    """

    name: str
    cutoff: int
    records: int
    over: int
    longest: int
    longest_id: str
    max_pixels: int | None
    max_pictures: int
    longest_text: int
    text_counted: bool


def solve_budget(target: Target, *, cutoff: int, tokenizer: str = "") -> Budget:
    """Solve for the budget of `DIR/NAME`.

    Records with the same pictures' sizes are solved once, with the longest of their texts.

    Raises:
        DataError: the dataset cannot be read, or has no pictures.
    """
    dataset = Dataset(target)
    dataset.first()
    counter = load_text_counter(tokenizer) if tokenizer else None
    pixels = dataset.contract.pixels
    source_size: dict[str, Size] = {}
    cost: dict[str, int] = {}
    for line in dataset.media():
        if not line.frames:
            source_size[line.path] = (line.source_width, line.source_height)
        cost[line.path] = line.tokens(pixels.processor)
    shapes: dict[tuple[Size, ...], int] = {}
    over = 0
    longest = (-1, "")
    records = 0
    for record in dataset:
        records += 1
        text = text_tokens(record, counter) + sum(cost[video] for video in record.kept_videos)  # no budget of pictures changes a video
        total = text + sum(cost[image] for image in record.images)
        over += total > cutoff
        longest = max(longest, (total, record.id), key=lambda pair: pair[0])
        shape = tuple(sorted(source_size[image] for image in record.images))
        shapes[shape] = max(shapes.get(shape, 0), text)
    if not source_size:
        raise DataError("has no pictures: there is no budget to solve for.", where=str(target))
    return Budget(
        name=dataset.name,
        cutoff=cutoff,
        records=records,
        over=over,
        longest=longest[0],
        longest_id=longest[1],
        max_pixels=_solve(shapes, pixels, cutoff),
        max_pictures=max(0, cutoff - max(shapes.values())) // _largest_cost(set(source_size.values()), pixels),
        longest_text=max(shapes.values()),
        text_counted=counter is not None,
    )


def _solve(shapes: dict[tuple[Size, ...], int], pixels: PixelContract, cutoff: int) -> int | None:
    """The largest budget that fits every shape; each shape searches below what the others left."""
    best = pixels.max_pixels
    for shape, text in shapes.items():
        found = solve_max_pixels(
            shape, text_tokens=text, cutoff=cutoff, processor=pixels.processor, min_pixels=pixels.min_pixels, max_pixels=best
        )
        if found is None:
            return None
        best = min(best, found)
    return best


def _largest_cost(sizes: set[Size], pixels: PixelContract) -> int:
    """Tokens of the dearest picture at the dataset's own budget."""
    limits = {"processor": pixels.processor, "min_pixels": pixels.min_pixels, "max_pixels": pixels.max_pixels}
    written = {target_size(*size, **limits) for size in sizes}  # type: ignore[arg-type]
    return max(vision_tokens(*size, processor=pixels.processor, delimiters=True) for size in written)
