"""Datasets made of others' records: the sides of a split, samples, filters and mixtures share this way to disk.

Pictures are not copied: they lie in the same folder under the digest of their bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from vldata.errors import DataError
from vldata.files import inside, strictjson
from vldata.files.copying import copy_below
from vldata.files.durable import open_durable
from vldata.files.gate import below, refuse_unsafe
from vldata.output.contract import Contract, FileDigest, PixelContract, TokenStatistics, VideoContract, encode_contract, spread
from vldata.output.dataset_info import Entry, make_entry
from vldata.output.folder import VIDEOS_DIR, DatasetPaths
from vldata.output.journal import Journal, Rename, commit
from vldata.output.publish import MediaLine
from vldata.output.spreading import can_spread, is_safe_order, kind_of, leading, spread_order
from vldata.output.tokens import text_bytes
from vldata.records.parts import parts_of
from vldata.records.record import Record, decode_record


class NewDataset(NamedTuple):
    """One dataset to publish: its lines with the records they hold, and the contract but for what follows from them."""

    name: str
    lines: Sequence[bytes]
    records: Sequence[Record]
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
        order = _safe_order(part.records)
        content = b"".join(part.lines[row] + b"\n" for row in order)
        used = dict.fromkeys(path for row in order for path in part.records[row].media)
        videos = [path for path in used if path.startswith(f"{VIDEOS_DIR}/")]
        contract = msgspec.structs.replace(
            part.contract,
            name=part.name,
            files=(FileDigest(f"{part.name}.jsonl", len(order), hashlib.sha256(content).hexdigest()),),
            counts=msgspec.structs.replace(part.contract.counts, written=len(order), pictures=len(used) - len(videos), videos=len(videos)),
            tokens=_statistics(part.records, media, part.contract.pixels),
            videos=VideoContract(len(videos)) if part.contract.videos is not None else None,
            parts=parts_of(part.records[0]) if part.records else part.contract.parts,
            text_only_of="",
        )
        staged = {
            ".jsonl": content,
            ".media.jsonl": b"".join(msgspec.json.encode(line) + b"\n" for path, line in media.items() if path in used),
            ".contract.json": encode_contract(contract),
        }
        for suffix, data in staged.items():
            path = paths.staging / f"{part.name}{suffix}"
            with open_durable(path) as handle:
                handle.write(data)
            renames.append(Rename(path.relative_to(paths.out).as_posix(), path.name))
        entries[part.name] = entry_for(f"{part.name}.jsonl", part.records)
    for name, source in more:
        copy_below(below(source.parent, source.name), paths.out, f"{staging}/{name}")
        renames.append(Rename(f"{staging}/{name}", name))
    old = [DatasetPaths(paths.out, name) for name in unregister]
    remove = tuple(path.name for gone in old for path in (gone.records, gone.media, gone.rejects, gone.repairs, gone.contract))
    journal = Journal(made_by=made_by, renames=tuple(renames), remove=remove, unregister=unregister, entries=entries)
    commit(paths, journal, owned=(*entries, *unregister))


def entry_for(file_name: str, records: Sequence[Record]) -> Entry:
    """Build the registry entry of records: every one of a dataset has the columns and parts that the first has."""
    first = records[0] if records else None
    if first is None:
        return make_entry(file_name)
    videos, tools = first.videos is not msgspec.UNSET, first.tools is not msgspec.UNSET
    return make_entry(file_name, videos=videos, tools=tools, parts=parts_of(first))


def read_whole(paths: DatasetPaths, contract: Contract) -> tuple[list[bytes], list[Record]]:
    """Read a dataset whole: its lines and their records.

    Raises:
        DataError: a line is not a record, or a file is not the one the contract names.
    """
    lines: list[bytes] = []
    records: list[Record] = []
    for file in contract.files:
        path = below(paths.out, file.name, str(paths.contract)).checked()
        digest = hashlib.sha256()
        for number, line in strictjson.iter_lines(path):
            digest.update(line + b"\n")
            try:
                records.append(decode_record(line))
            except (strictjson.StrictJsonError, msgspec.ValidationError) as error:
                raise DataError(f"not a record: {error}.", where=f"{path}:{number}", cure="Run: vldata validate") from None
            refuse_unsafe(paths.out, records[-1].media, f"{path}:{number}")
            lines.append(line)
        if digest.hexdigest() != file.sha256:
            raise DataError("was changed after the conversion.", where=str(path), cure="Convert again, or restore the file.")
    return lines, records


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
    except msgspec.DecodeError as error:
        raise DataError(f"not a media file: {error}.", where=str(paths.media), cure="Convert again.") from None
    return media


def _safe_order(records: Sequence[Record]) -> list[int]:
    """Order rows so that the file loads (see `vldata.output.spreading`)."""
    kinds = [kind_of(record) for record in records]
    if is_safe_order(kinds) or not can_spread(kinds):
        return list(range(len(records)))
    with_media = [row for row, kind in enumerate(kinds) if kind]
    first = leading(kinds)
    ordered = iter([with_media[place] for place in first] + [row for place, row in enumerate(with_media) if place not in first])
    text_only = iter([row for row, kind in enumerate(kinds) if not kind])
    return [next(ordered if media else text_only) for media in spread_order(kinds)]


def _statistics(records: Sequence[Record], media: Mapping[str, MediaLine], pixels: PixelContract) -> TokenStatistics:
    cost = {path: line.tokens(pixels.processor) for path, line in media.items()}
    vision = [sum(cost.get(path, 0) for path in record.media) for record in records]
    text = [text_bytes(record) for record in records]
    longest = max(range(len(records)), key=lambda row: vision[row] + text[row], default=None)
    return TokenStatistics(spread(vision), spread(text), records[longest].id if longest is not None else "")
