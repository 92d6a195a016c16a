"""From finished parts to the published dataset: records in a safe order, media, rejects, contract, and the commit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from vldata.files import inside
from vldata.files.durable import open_durable
from vldata.media.pixels import vision_tokens
from vldata.media.refs import Kept, Rendered, Rendering
from vldata.media.video_tokens import Clip, video_tokens
from vldata.output.contract import Contract, Counts, FileDigest, TokenStatistics, UnusedField, VideoContract, encode_contract, read_contract
from vldata.output.dataset_info import make_entry
from vldata.output.folder import DatasetPaths
from vldata.output.identity import Identity, refuse_foreign
from vldata.output.journal import Journal, Rename, commit
from vldata.output.spreading import can_spread, is_safe_order, leading, spread_order
from vldata.output.staging import Marker, Stage
from vldata.output.tokens import TokenCounter

FILE_RECORDS = 1_000_000  # of one file; a dataset of more is written in shards of so many


class MediaLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of NAME.media.jsonl: a written picture and where it came from. Sizes in pixels, upright.

    `frames` to `duration_s` are there for a kept video alone, whose two sizes are equal; `time_s` for a frame of a video: seconds from its
    first frame to this one.
    """

    path: str
    source: str
    frame: int
    source_width: int
    source_height: int
    width: int
    height: int
    bytes: int
    sha256: str
    frames: int = 0
    fps: float = 0.0
    duration_s: float = 0.0
    time_s: float | None = None

    def tokens(self, processor: str) -> int:
        """Tokens it costs in a prompt, with its delimiters; of a video also its marks of time."""
        if self.frames:
            return video_tokens(self.clip)
        return vision_tokens(self.width, self.height, processor=processor, delimiters=True)

    @property
    def clip(self) -> Clip:
        """What the cost of a video follows from."""
        return Clip(self.frames, self.fps, self.duration_s, self.width, self.height)


def publish(
    stage: Stage,
    markers: Sequence[Marker],
    identity: Identity,
    counts: Counts,
    tokens: TokenCounter,
    *,
    shard_size: int,
    overwrite: bool,
    unused: tuple[UnusedField, ...] = (),
) -> tuple[Contract, tuple[str, ...]]:
    """Assemble the dataset next to its place and commit it. Returns its contract and the names it was registered under.

    Text-only records that media are too few to keep apart become a dataset of their own, NAME_text.

    Raises:
        DataError: NAME_text is needed and stands for something else already.
    """
    whole: tuple[Path, ...] = ()
    text_name = f"{identity.name}_text"
    kinds = [int(kind) for marker in markers for kind in marker.kinds]
    if is_safe_order(kinds):
        groups = {identity.name: _all_records(stage, markers)}
        whole = tuple(stage.file(number, "records") for number in range(len(markers)))
    elif can_spread(kinds):
        groups = {identity.name: _spread_records(stage, markers, kinds)}
    else:
        groups = {
            identity.name: _media_records(stage, markers, kinds),
            text_name: _records_where(stage, markers, media=False),
        }
    split_off = text_name in groups
    if split_off:
        refuse_foreign(DatasetPaths(stage.paths.out, text_name), identity, overwrite=overwrite)
    if not shard_size and counts.written > FILE_RECORDS:
        shard_size = FILE_RECORDS
    assembly = _Assembly(stage.paths, shard_size, unused)
    assembly.add_dataset(
        identity.name, groups[identity.name], identity, counts, tokens.statistics("media" if split_off else "all"), whole=whole
    )
    assembly.add_lines(stage.paths.media.name, _media_lines(stage, markers))
    if split_off:  # it has no picture, and says so
        assembly.add_dataset(text_name, groups[text_name], identity, counts, tokens.statistics("text"), text_only_of=identity.name)
        assembly.add_lines(DatasetPaths(stage.paths.out, text_name).media.name, iter(()))
    else:
        assembly.drop_text_only(text_name)
    assembly.add_lines(stage.paths.rejects.name, _lines(stage, markers, "rejects"))
    if counts.repaired:
        assembly.add_lines(stage.paths.repairs.name, _lines(stage, markers, "repairs"))
    else:
        assembly.remove.append(stage.paths.repairs.name)
    assembly.commit()
    return assembly.contracts[0], tuple(groups)


def _lines(stage: Stage, markers: Sequence[Marker], kind: str) -> Iterator[bytes]:
    for number in range(len(markers)):
        yield from stage.lines(number, kind)


def _all_records(stage: Stage, markers: Sequence[Marker]) -> Iterator[tuple[bytes, bool]]:
    for number, marker in enumerate(markers):
        for line, kind in zip(stage.lines(number, "records"), marker.kinds, strict=True):
            yield line, kind != "0"


def _records_where(stage: Stage, markers: Sequence[Marker], *, media: bool) -> Iterator[tuple[bytes, bool]]:
    return (item for item in _all_records(stage, markers) if item[1] == media)


def _media_records(stage: Stage, markers: Sequence[Marker], kinds: Sequence[int]) -> Iterator[tuple[bytes, bool]]:
    """Yield the records with media, those first that must lead the file."""
    first = leading(kinds)
    if first != tuple(range(len(first))):
        yield from (item for place, item in enumerate(_records_where(stage, markers, media=True)) if place in first)
        yield from (item for place, item in enumerate(_records_where(stage, markers, media=True)) if place not in first)
    else:
        yield from _records_where(stage, markers, media=True)


def _spread_records(stage: Stage, markers: Sequence[Marker], kinds: Sequence[int]) -> Iterator[tuple[bytes, bool]]:
    with_media, text_only = _media_records(stage, markers, kinds), _records_where(stage, markers, media=False)
    for media in spread_order(kinds):
        yield next(with_media if media else text_only)


def _media_lines(stage: Stage, markers: Sequence[Marker]) -> Iterator[bytes]:
    seen: set[tuple[str, str, int]] = set()
    for number in range(len(markers)):
        for render in stage.renders(number):
            for line in _lines_of(render.rendering):
                key = (line.path, line.source, line.frame)
                if key not in seen:
                    seen.add(key)
                    yield msgspec.json.encode(line)


def _lines_of(rendering: Rendering) -> Iterator[MediaLine]:
    if isinstance(rendering, Kept):
        v = rendering.video
        size = (v.width, v.height)
        yield MediaLine(f"videos/{v.name}", v.source, -1, *size, *size, v.bytes, v.sha256, v.frames, v.fps, v.duration_s)
    for p in rendering.pictures if isinstance(rendering, Rendered) else ():
        sizes = (p.source_width, p.source_height, p.width, p.height)
        yield MediaLine(f"images/{p.name}", p.source, p.frame, *sizes, p.bytes, p.sha256, time_s=p.time_s)


class _Assembly:
    """Collects staged files and their final names."""

    def __init__(self, paths: DatasetPaths, shard_size: int, unused: tuple[UnusedField, ...]) -> None:
        self._paths = paths
        self._unused = unused
        self._shard_size = shard_size
        self._renames: list[Rename] = []
        self._entries: dict[str, dict[str, str | dict[str, str]]] = {}
        self.contracts: list[Contract] = []
        self.remove: list[str] = []
        self._unregister: list[str] = []

    def _staged(self, name: str) -> Path:
        return self._paths.staging / f"final.{name}"

    def _rename(self, name: str) -> None:
        staged = self._staged(name).relative_to(self._paths.out).as_posix()
        self._renames.append(Rename(staged, name))

    def add_lines(self, name: str, lines: Iterator[bytes]) -> None:
        """Stage a file of lines."""
        with open_durable(self._staged(name)) as handle:
            for line in lines:
                handle.write(line + b"\n")
        self._rename(name)

    def add_dataset(
        self,
        name: str,
        lines: Iterator[tuple[bytes, bool]],
        identity: Identity,
        counts: Counts,
        statistics: TokenStatistics,
        *,
        whole: Sequence[Path] = (),
        text_only_of: str = "",
    ) -> None:
        """Stage the records and the contract of one dataset, and its registry entry.

        `whole` are files that hold `lines` as they are; those of one file are copied by the block.
        """
        if self._shard_size:
            folder = self._staged(name)
            staged = folder.relative_to(self._paths.out).as_posix()
            inside.remove_tree(self._paths.out, staged)
            inside.make_folder(self._paths.out, staged)
            anywhere = bool(text_only_of) or not (counts.pictures or counts.videos)
            files = tuple(_write_shards(folder, name, lines, self._shard_size, anywhere=anywhere))
            self._rename(name)
        else:
            with open_durable(self._staged(f"{name}.jsonl")) as handle:
                if whole:
                    files = (FileDigest(f"{name}.jsonl", counts.written, _copy(handle, whole)),)
                else:
                    files = (_write_records(handle, f"{name}.jsonl", (line for line, _ in lines)),)
            self._rename(f"{name}.jsonl")
        written = sum(file.records for file in files)
        contract = Contract(
            name=name,
            converter=identity.converter,
            version=identity.version,
            builds=identity.builds,
            sources=identity.sources,
            settings=identity.settings,
            pixels=identity.pixels,
            coordinate_space=identity.traits.coordinate_space,
            columns=identity.columns,
            files=files,
            counts=msgspec.structs.replace(counts, written=written, excluded=counts.excluded + counts.written - written),
            tokens=statistics,
            videos=VideoContract(counts.videos) if identity.traits.videos and not text_only_of else None,
            unused=self._unused,
            parts=identity.traits.parts,
            text_only_of=text_only_of,
        )
        if text_only_of:
            contract = msgspec.structs.replace(contract, counts=msgspec.structs.replace(contract.counts, pictures=0, videos=0))
        self._remove_old(name, {file.name for file in files})
        with open_durable(self._staged(f"{name}.contract.json")) as handle:
            handle.write(encode_contract(contract))
        self._rename(f"{name}.contract.json")
        self._entries[name] = make_entry(
            name if self._shard_size else f"{name}.jsonl",
            videos=identity.traits.videos,
            tools=identity.traits.tools,
            parts=identity.traits.parts,
        )
        self.contracts.append(contract)

    def _remove_old(self, name: str, kept: set[str]) -> None:
        """Have the commit remove record files of the dataset's former self that the new one does not replace."""
        old = DatasetPaths(self._paths.out, name)
        if not old.contract.is_file():
            return
        for file in read_contract(old).files:
            if file.name not in kept and (not self._shard_size or "/" not in file.name):
                self.remove.append(file.name)

    def drop_text_only(self, name: str) -> None:
        """Have the commit remove NAME_text where a former conversion of NAME had split it off: its records are in the dataset again."""
        old, text = self._paths, DatasetPaths(self._paths.out, name)
        if not text.contract.is_file() or not old.contract.is_file():
            return
        contract = read_contract(text)
        if contract.text_only_of == old.name and contract.sources == read_contract(old).sources:
            self.remove += [*(file.name for file in contract.files), text.media.name, text.contract.name]
            self._unregister.append(name)

    def commit(self) -> None:
        """Publish all of it."""
        unregister = tuple(self._unregister)
        journal = Journal(
            made_by="convert", renames=tuple(self._renames), remove=tuple(self.remove), unregister=unregister, entries=self._entries
        )
        commit(self._paths, journal, owned=(self._paths.name, f"{self._paths.name}_text"))


def _copy(handle: BinaryIO, files: Sequence[Path]) -> str:
    """Write files one after the other; returns the digest of all."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as source:
            while block := source.read(1 << 20):
                handle.write(block)
                digest.update(block)
    return digest.hexdigest()


def _write_records(handle: BinaryIO, name: str, lines: Iterator[bytes]) -> FileDigest:
    digest = hashlib.sha256()
    count = 0
    for line in lines:
        row = line + b"\n"
        handle.write(row)
        digest.update(row)
        count += 1
    return FileDigest(name, count, digest.hexdigest())


def _write_shards(folder: Path, name: str, lines: Iterator[tuple[bytes, bool]], shard_size: int, *, anywhere: bool) -> Iterator[FileDigest]:
    """Write `part-00000.jsonl ...` of `shard_size` records, a line at a time.

    A shard is cut before a record with a picture, so that each begins with one; `anywhere` where there is none in the dataset.
    """
    ahead = next(lines, None)
    number = 0

    def shard() -> Iterator[bytes]:
        nonlocal ahead
        written = 0
        while ahead is not None and not (written >= shard_size and (ahead[1] or anywhere)):
            yield ahead[0]
            written += 1
            ahead = next(lines, None)

    while ahead is not None:
        part = f"part-{number:05d}.jsonl"
        with open_durable(folder / part) as handle:
            yield _write_records(handle, f"{name}/{part}", shard())
        number += 1
