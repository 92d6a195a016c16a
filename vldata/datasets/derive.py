"""Datasets made of others' records: the sides of a split, samples, filters and mixtures share this way to disk.

Pictures are not copied: they are in the same folder under the digest of their bytes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import msgspec

from vldata.datasets.rows import Rows, row_numbers
from vldata.errors import DataError
from vldata.files import inside, strictjson
from vldata.files.copying import copy_below
from vldata.files.durable import open_durable
from vldata.files.gate import below, refuse_unsafe
from vldata.output.contract import (
    Contract,
    Counts,
    FileDigest,
    TokenStatistics,
    VideoContract,
    encode_contract,
    read_contract,
    spread_counted,
)
from vldata.output.dataset_info import Entry, make_entry
from vldata.output.folder import VIDEOS_DIR, DatasetPaths
from vldata.output.journal import Journal, Rename, commit
from vldata.output.publish import MediaLine
from vldata.output.spreading import can_spread, is_safe_order, leading, spread_order
from vldata.output.tokens import text_bytes
from vldata.records.parts import parts_of
from vldata.records.record import Record


class NewDataset(NamedTuple):
    """One dataset to publish: its rows, and the contract but for what follows from them."""

    name: str
    rows: Rows
    contract: Contract


def publish_parts(
    paths: DatasetPaths,
    parts: Sequence[NewDataset],
    media: Mapping[str, MediaLine],
    *,
    made_by: str,
    unregister: tuple[str, ...] = (),
    more: Sequence[tuple[str, Path]] = (),
) -> None:
    """Stage records, media and contract of every part and commit them together.

    Args:
        paths: whose state folder is used; the caller holds its lock.
        parts: what to publish.
        media: lines of all pictures in use, by path.
        made_by: the command, which alone may finish the commit when it is interrupted.
        more: files to copy as they are, by their final names.
        unregister: datasets whose entry and files go with the same commit.
    """
    staging = paths.staging.relative_to(paths.out).as_posix()
    inside.remove_tree(paths.out, staging)
    inside.make_folder(paths.out, staging)
    renames: list[Rename] = []
    entries: dict[str, Entry] = {}
    for part in parts:
        entries[part.name] = _stage(paths, part, media)
        staged = (f"{part.name}{suffix}" for suffix in (".jsonl", ".media.jsonl", ".contract.json"))
        renames += (Rename(f"{staging}/{name}", name) for name in staged)
    for name, source in more:
        copy_below(below(source.parent, source.name), paths.out, f"{staging}/{name}")
        renames.append(Rename(f"{staging}/{name}", name))
    old = [DatasetPaths(paths.out, name) for name in unregister]
    remove = tuple(path.name for gone in old for path in (gone.records, gone.media, gone.rejects, gone.repairs))
    remove += tuple(file.name for gone in old if gone.contract.is_file() for file in read_contract(gone).files if "/" in file.name)
    remove += tuple(gone.contract.name for gone in old)
    journal = Journal(made_by=made_by, renames=tuple(renames), remove=remove, unregister=unregister, entries=entries)
    commit(paths, journal, owned=(*entries, *unregister))


def _stage(paths: DatasetPaths, part: NewDataset, media: Mapping[str, MediaLine]) -> Entry:
    """Write the files of one dataset next to their place, a row at a time, and build its registry entry."""
    facts = _Facts(media, part.contract.pixels.processor)
    digest = hashlib.sha256()
    order = _safe_order(part.rows.kinds())
    with open_durable(paths.staging / f"{part.name}.jsonl") as handle:
        for row, (line, record) in zip(order, part.rows.pairs(order), strict=True):
            whole = line + b"\n"
            handle.write(whole)
            digest.update(whole)
            facts.add(row, record)
    with open_durable(paths.staging / f"{part.name}.media.jsonl") as handle:
        for path, shown in media.items():
            if path in facts.used:
                handle.write(msgspec.json.encode(shown) + b"\n")
    contract = msgspec.structs.replace(
        part.contract,
        name=part.name,
        files=(FileDigest(f"{part.name}.jsonl", len(order), digest.hexdigest()),),
        counts=facts.counts(part.contract.counts, len(order)),
        tokens=facts.statistics(),
        videos=VideoContract(facts.videos) if part.contract.videos is not None else None,
        parts=parts_of(facts.first) if facts.first is not None else part.contract.parts,
        text_only_of="",
    )
    with open_durable(paths.staging / f"{part.name}.contract.json") as handle:
        handle.write(encode_contract(contract))
    return _entry_for(f"{part.name}.jsonl", facts.first)


class _Facts:
    """What the contract says of the records, gathered while they are written."""

    def __init__(self, media: Mapping[str, MediaLine], processor: str) -> None:
        self._media, self._processor = media, processor
        self.used: dict[str, int] = {}  # path of a picture or video in use -> what it costs
        self.first: Record | None = None  # of the rows, not of the file: every other has its columns and parts
        self._vision: Counter[int] = Counter()
        self._text: Counter[int] = Counter()
        self._longest = (-1, 0, "")  # bytes and tokens, row backwards, id: the first row of the greatest

    def add(self, row: int, record: Record) -> None:
        """Take one record into account."""
        vision = sum(self._cost(path) for path in record.media)
        text = text_bytes(record)
        self._vision[vision] += 1
        self._text[text] += 1
        if vision + text >= self._longest[0]:
            self._longest = max(self._longest, (vision + text, -row, record.id))
        if row == 0:
            self.first = record

    def _cost(self, path: str) -> int:
        cost = self.used.get(path)
        if cost is None:
            line = self._media.get(path)
            cost = self.used[path] = line.tokens(self._processor) if line else 0
        return cost

    @property
    def videos(self) -> int:
        """How many videos are in use."""
        return sum(path.startswith(f"{VIDEOS_DIR}/") for path in self.used)

    def counts(self, base: Counts, written: int) -> Counts:
        """The counts of the contract."""
        return msgspec.structs.replace(base, written=written, pictures=len(self.used) - self.videos, videos=self.videos)

    def statistics(self) -> TokenStatistics:
        """The token statistics of the contract."""
        return TokenStatistics(spread_counted(self._vision), spread_counted(self._text), self._longest[2])


def _entry_for(file_name: str, first: Record | None) -> Entry:
    """Build the registry entry of records: every one of a dataset has the columns and parts that the first has."""
    if first is None:
        return make_entry(file_name)
    videos, tools = first.videos is not msgspec.UNSET, first.tools is not msgspec.UNSET
    return make_entry(file_name, videos=videos, tools=tools, parts=parts_of(first))


def read_media(paths: DatasetPaths) -> dict[str, MediaLine]:
    """Read the media file of a dataset: the first line of every picture, by path.

    Raises:
        DataError: it is missing or not a media file.
    """
    decoder = msgspec.json.Decoder(MediaLine)
    media: dict[str, MediaLine] = {}
    try:
        for number, raw in strictjson.iter_lines(paths.media):
            line = decoder.decode(raw)
            refuse_unsafe(paths.out, (line.path,), f"{paths.media}:{number}")
            media.setdefault(line.path, line)
    except (msgspec.DecodeError, RecursionError) as error:
        raise DataError(f"not a media file: {error}.", where=str(paths.media), cure="Convert again.") from None
    return media


def _safe_order(kinds: Sequence[int]) -> Sequence[int]:
    """Order rows so that the file loads (see `vldata.output.spreading`)."""
    if is_safe_order(kinds) or not can_spread(kinds):
        return range(len(kinds))
    with_media = row_numbers(row for row, kind in enumerate(kinds) if kind)
    first = leading(kinds)
    ordered = chain((with_media[place] for place in first), (row for place, row in enumerate(with_media) if place not in first))
    text_only = (row for row, kind in enumerate(kinds) if not kind)
    return row_numbers(next(ordered if media else text_only) for media in spread_order(kinds))
