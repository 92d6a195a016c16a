"""What a dataset holds and costs, from its records and its media file: no picture is opened."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import msgspec

from vldata.datasets.dataset import Dataset
from vldata.errors import DataError, UsageError
from vldata.models.text import TextCounter, load_text_counter
from vldata.output.contract import Spread, spread_counted
from vldata.output.folder import DatasetPaths, Target
from vldata.output.tokens import estimate_text_tokens, text_bytes
from vldata.records.record import Message, Record
from vldata.suggest import nearest


class CategoryStats(msgspec.Struct, frozen=True):
    """One value of `meta.category` (or of another key)."""

    records: int
    tokens: Spread


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics of one dataset. Tokens are per record; `text_counted` tells whether a tokenizer counted the text or it was estimated."""

    name: str
    records: int
    pictures: int
    picture_bytes: int
    videos: int
    video_bytes: int
    images_per_record: Spread
    vision_tokens: Spread
    text_tokens: Spread
    total_tokens: Spread
    text_counted: bool
    longest_id: str
    sizes: dict[str, int]
    by: str
    categories: dict[str, CategoryStats]
    parts: dict[str, int] = {}  # what there is of the optional parts of a record


def compute_stats(target: Target, *, by: str = "", tokenizer: str = "") -> Statistics:
    """Compute the statistics of `DIR/NAME`.

    Args:
        target: the dataset.
        by: meta key of the table; "" for the category, where there is one. Records without it count under "".
        tokenizer: a tokenizer.json or a model folder, to count text exactly instead of estimating it.

    Raises:
        DataError: no records, or a picture without a media line.
        UsageError: no such meta key.
        MissingExtraError: a tokenizer was given and its library is not installed.
    """
    dataset = Dataset(target)
    columns = dataset.contract.columns
    if by and by not in columns:
        raise UsageError(f"no meta key {by!r}.{nearest(by, columns)}", where=str(target), cure=f"There are: {', '.join(columns)}.")
    by = by or "category"
    counter = load_text_counter(tokenizer) if tokenizer else None
    dataset.first()
    cost, media = _media(dataset)
    vision: Counter[int] = Counter()  # how many records have each number: few are distinct
    text: Counter[int] = Counter()
    images: Counter[int] = Counter()
    groups: dict[str, Counter[int]] = {}
    longest = (-1, "")
    parts: Counter[str] = Counter()
    for record in dataset:
        if dataset.contract.parts:
            _count_parts(record, parts)
        seen = _vision_of(record, cost, dataset.paths)
        words = text_tokens(record, counter)
        vision[seen] += 1
        text[words] += 1
        images[len(record.images)] += 1
        groups.setdefault(record.meta.get(by, ""), Counter())[seen + words] += 1
        if seen + words > longest[0]:
            longest = (seen + words, record.id)
    total: Counter[int] = Counter()
    for counted in groups.values():
        total.update(counted)
    return Statistics(
        name=dataset.name,
        records=vision.total(),
        pictures=media.pictures,
        picture_bytes=media.picture_bytes,
        videos=media.videos,
        video_bytes=media.video_bytes,
        images_per_record=spread_counted(images),
        vision_tokens=spread_counted(vision),
        text_tokens=spread_counted(text),
        total_tokens=spread_counted(total),
        text_counted=counter is not None,
        longest_id=longest[1],
        sizes=dict(media.sizes.most_common(10)),
        by=by,
        categories={name: CategoryStats(values.total(), spread_counted(values)) for name, values in sorted(groups.items())},
        parts={name: count for name, count in parts.items() if count},
    )


def text_tokens(record: Record, counter: TextCounter | None) -> int:
    """Tokens of a record's text with the template around its turns: counted, or estimated from above."""
    if counter is None:
        return estimate_text_tokens(text_bytes(record), len(record.messages))
    turns = [_count_turn(counter, message) for message in record.messages]
    if record.rejected is not msgspec.UNSET:
        turns[-1] = max(turns[-1], _count_turn(counter, record.rejected))
    return sum(turns)


def _count_turn(counter: TextCounter, message: Message) -> int:
    return counter.count_turn(
        message.role, f"<think>\n{message.thought}\n</think>\n\n{message.content}" if message.thought else message.content
    )


def _count_parts(record: Record, parts: Counter[str]) -> None:
    """Count what a record has of optional parts, in the words of `Statistics.parts`."""
    for message in record.messages:
        parts["answers with a thought"] += bool(message.thought)
        parts["answers that are not learned"] += message.answers and not message.learned
    parts["preference pairs"] += record.rejected is not msgspec.UNSET
    parts["wanted answers"] += record.wanted is True
    parts["unwanted answers"] += record.wanted is False
    parts["prompts with a solution"] += record.solution is not msgspec.UNSET


class _Media(NamedTuple):
    """What the media file adds up to."""

    pictures: int
    picture_bytes: int
    videos: int
    video_bytes: int
    sizes: Counter[str]


def _media(dataset: Dataset) -> tuple[dict[str, int], _Media]:
    processor = dataset.contract.pixels.processor
    by_size: dict[tuple[int, int], int] = {}
    sizes: Counter[tuple[int, int]] = Counter()
    cost: dict[str, int] = {}
    picture_bytes = videos = video_bytes = 0
    for line in dataset.media():
        path = line.path
        if path in cost:
            continue
        if line.frames:
            cost[path] = line.tokens(processor)
            videos += 1
            video_bytes += line.bytes
            continue
        size = line.width, line.height
        if size not in by_size:
            by_size[size] = line.tokens(processor)
        cost[path] = by_size[size]
        sizes[size] += 1
        picture_bytes += line.bytes
    named = Counter({f"{width}x{height}": count for (width, height), count in sizes.items()})
    return cost, _Media(len(cost) - videos, picture_bytes, videos, video_bytes, named)


def _vision_of(record: Record, cost: dict[str, int], paths: DatasetPaths) -> int:
    try:
        return sum(cost[path] for path in record.media)
    except KeyError as error:
        raise DataError(f"{error.args[0]!r} of record {record.id!r} has no line.", where=str(paths.media), cure="Convert again.") from None
