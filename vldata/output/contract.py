"""The contract: how a dataset was made, so that trainer and evaluation can hold to it or say where they differ.

It holds no time, host, absolute path, worker count or engine: equal inputs and builds give equal bytes.
"""

from __future__ import annotations

import bisect
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.files.gate import UnsafePathError
from vldata.media.video_tokens import FPS, MAX_FRAMES, MAX_TOTAL_PIXELS, MIN_FRAMES
from vldata.output.dataset_info import no_dataset
from vldata.output.folder import DatasetPaths, can_name_files
from vldata.records.draft import Setting
from vldata.records.parts import Parts


class SourceDigest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An annotation file the dataset came from. `name` is relative to the source folder."""

    name: str
    bytes: int
    sha256: str


class PixelContract(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What every picture of the dataset keeps to: sides on the grid of `processor`, area within the budget.

    `sizing` is "aspect" for a processor that tiles, squashes or scales every picture: then they keep their aspect within the budget.
    """

    processor: str
    min_pixels: int
    max_pixels: int
    image_format: str
    quality: int
    sizing: Literal["grid", "aspect"] = "grid"


class FileDigest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A records file of the dataset. `name` is relative to the output folder."""

    name: str
    records: int
    sha256: str


class Counts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of the annotations: read = written + rejected + excluded."""

    read: int
    written: int
    rejected: int
    excluded: int
    repaired: int = 0
    pictures: int = 0
    videos: int = 0


class UnusedField(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field of the source that no record has a place for: in how many rows it held something, and what became of it."""

    field: str
    rows: int
    fate: str


def unused_fields(found: Mapping[tuple[tuple[str, str], ...], int]) -> tuple[UnusedField, ...]:
    """Sum up the source fields that were not used, the most frequent first; `found` counts rows by (field, what became of it)."""
    rows: Counter[tuple[str, str]] = Counter()
    for fields, count in found.items():
        for field in fields:
            rows[field] += count
    return tuple(UnusedField(name, count, fate) for (name, fate), count in sorted(rows.items(), key=lambda item: (-item[1], item[0])))


class VideoContract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Videos kept as videos, and how the tokens of one were counted: frames a second, fewest and most frames, pixels of all together."""

    count: int
    reader: str = "qwen3-vl"
    fps: float = FPS
    min_frames: int = MIN_FRAMES
    max_frames: int = MAX_FRAMES
    max_total_pixels: int = MAX_TOTAL_PIXELS


class Spread(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Distribution of a count over records."""

    mean: float
    p50: int
    p95: int
    max: int


class TokenStatistics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tokens a record costs. `vision` is exact, delimiters included; `text_bytes` is UTF-8, no tokenizer was asked."""

    vision: Spread
    text_bytes: Spread
    longest_id: str


class RowSplitLeak(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a split by rows would have leaked: share of test rows whose group is also in train, mean over `shuffles`."""

    share: float
    shuffles: int
    group_by: str


class Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which side of which split this dataset is, and the proof that no group is on two sides."""

    parent: str
    parent_sha256: str
    side: Literal["train", "val", "test"]
    group_by: str
    seed: int
    sizes: dict[str, int]
    groups: dict[str, int]
    shared_groups: int
    leak: RowSplitLeak | None = None


class Contract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole contract of one dataset."""

    schema: Literal["vlkit.contract/1"] = "vlkit.contract/1"
    name: str
    converter: str
    version: str
    builds: dict[str, str]
    sources: tuple[SourceDigest, ...]
    settings: dict[str, Setting]
    pixels: PixelContract
    coordinate_space: Literal["none", "pixels", "0-1000"]
    columns: tuple[str, ...]
    files: tuple[FileDigest, ...]
    counts: Counts
    tokens: TokenStatistics
    split: Certificate | None = None
    videos: VideoContract | None = None
    unused: tuple[UnusedField, ...] = ()
    parts: Parts = ()  # the optional parts that every record has
    text_only_of: str = ""  # the dataset this one was split off from, because its records have neither pictures nor videos


def spread(values: Iterable[int]) -> Spread:
    """Summarise counts: mean, nearest-rank median and 95th percentile, maximum."""
    return spread_counted(Counter(values))  # few values are distinct: much less to sort and to hold than all of them


def spread_counted(counted: Mapping[int, int]) -> Spread:
    """Summarise as `spread` does what is told as each value and how often it is there."""
    if not counted:
        return Spread(0.0, 0, 0, 0)
    counts = sorted(counted.items())
    ends = list(itertools.accumulate(count for _, count in counts))
    p50, p95 = (counts[bisect.bisect_left(ends, -(-ends[-1] * percent // 100))][0] for percent in (50, 95))
    return Spread(round(sum(value * count for value, count in counts) / ends[-1], 3), p50, p95, counts[-1][0])


def encode_contract(contract: Contract) -> bytes:
    """Encode for a person: indented, one trailing newline."""
    return msgspec.json.format(msgspec.json.encode(contract), indent=2) + b"\n"


def read_contract(paths: DatasetPaths) -> Contract:
    """Read the contract of a dataset.

    Raises:
        DataError: missing, not JSON, or not a contract this version knows.
    """
    path = paths.contract
    if not path.is_file():
        if not paths.records.exists() and not paths.shards.exists():
            raise no_dataset(paths.out, paths.name)
        raise DataError(
            "no contract: the dataset was not made by vldata, or its contract was not copied along.",
            where=str(path),
            cure="Convert again, or copy NAME.contract.json next to NAME.jsonl.",
        )
    strictjson.read_json(path)
    try:
        contract = msgspec.json.decode(strictjson.read_bytes(path), type=Contract)
    except msgspec.ValidationError as error:
        raise DataError(f"not a contract this version reads: {error}.", where=str(path), cure="Convert again.") from None
    _refuse_foreign_names(paths, contract)
    return contract


def _refuse_foreign_names(paths: DatasetPaths, contract: Contract) -> None:
    """Hold a contract to name its own dataset and files, and no way out of the folder."""
    for file in contract.files:
        if not paths.owns(file.name):
            raise UnsafePathError(
                f"names the file {file.name!r}, which is none of {paths.name!r}.",
                where=str(paths.contract),
                cure="Nothing is read from there. Get the dataset from whoever made it, or convert again.",
            )
    for name in (contract.split.parent if contract.split else "", contract.text_only_of):
        if name and not can_name_files(name):
            raise UnsafePathError(f"names the dataset {name!r}, which cannot be one.", where=str(paths.contract), cure="Convert again.")
