"""Validation of an output folder: every dataset it registers, every rule, every picture."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.files.gate import SafePath, below
from vldata.files.paths import path_fault
from vldata.media.inspect import PictureFacts, inspect_pictures
from vldata.media.pixels import is_fixed_point
from vldata.media.pool import DEFAULT_TIMEOUT_S
from vldata.media.refs import Failure
from vldata.media.video_proof import VideoFacts, inspect_videos
from vldata.output.contract import Contract, PixelContract, read_contract
from vldata.output.dataset_info import Entry, columns_of, make_entry, read_dataset_info
from vldata.output.folder import DATASET_INFO, VIDEOS_DIR, DatasetPaths, can_name_files
from vldata.output.journal import unfinished
from vldata.output.publish import MediaLine
from vldata.records.check import RecordChecker
from vldata.records.findings import Finding, FindingList
from vldata.workers import count_workers

# Faults of pictures that were looked at already, by what they had to keep to: the sides of a split share their parent's files.
KnownFaults = dict[PixelContract | None, dict[str, list[tuple[str, str]]]]


_LINT = "For rows that vldata did not write: vldata lint {} --as llamafactory (or swift, trl, ...)."


class ValidatedDataset(msgspec.Struct, frozen=True):
    """What was checked of one dataset."""

    name: str
    records: int
    pictures: int
    videos: int = 0


class Validation(msgspec.Struct, frozen=True):
    """The outcome: datasets checked, entries passed over with the reason, findings; `unfinished` are commits that somebody must finish."""

    folder: Path
    datasets: tuple[ValidatedDataset, ...]
    skipped: dict[str, str]
    unfinished: tuple[str, ...]
    counts: dict[str, int]
    findings: FindingList


def find_folder(given: Path | None) -> Path:
    """Return the folder to validate: the given one, else the working folder if it has a registry, else ./prepared.

    Raises:
        DataError: there is no dataset_info.json.
    """
    candidates = [given] if given else [Path(), Path("prepared")]
    for folder in candidates:
        if (folder / DATASET_INFO).is_file():
            return folder
        if folder.name == DATASET_INFO and folder.is_file():
            return folder.parent
    raise DataError(
        f"no {DATASET_INFO} here.",
        where=str(candidates[-1]),
        cure=f"Give the folder a conversion wrote, or convert first. {_LINT.format(candidates[-1])}",
    )


def validate(
    folder: Path,
    *,
    names: tuple[str, ...] = (),
    headers_only: bool = False,
    files: bool = True,
    workers: int = 0,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Validation:
    """Check the datasets registered in a folder.

    Args:
        folder: the folder of dataset_info.json.
        names: only these datasets.
        headers_only: read headers of pictures and videos instead of decoding and hashing the files.
        files: look at the files of pictures and videos at all.
        workers: processes that decode; 0: one a core.
        timeout_s: the deadline of one file.
        on_progress: called with a dataset's name, pictures done, pictures in all.

    Raises:
        DataError: the registry cannot be read or a name is not in it.
    """
    table = read_dataset_info(folder)
    for name in names:
        if name not in table:
            raise DataError(f"no dataset {name!r}.", where=str(folder / DATASET_INFO), cure=f"Registered are: {', '.join(table)}.")
    findings = FindingList()
    done: list[ValidatedDataset] = []
    skipped: dict[str, str] = {}
    known: KnownFaults = {}
    for name, entry in table.items():
        if names and name not in names:
            continue
        if not can_name_files(name):
            skipped[name] = "its name is no plain one, so no file of it is looked for here"
            continue
        paths = DatasetPaths(folder, name)
        if not paths.contract.exists() and not _looks_ours(paths, entry):
            skipped[name] = "it has no contract and is not an entry of vldata's: another tool's or your own"
            continue
        check = _DatasetCheck(paths, entry, findings, known)
        records, first_use = check.records(collect_images=files)
        pictures = {path: use for path, use in first_use.items() if not path.startswith(f"{VIDEOS_DIR}/")}
        videos = {path: use for path, use in first_use.items() if path not in pictures}
        if files and check.contract:
            lines = check.media(first_use)
            check.pictures(pictures, headers_only=headers_only, workers=workers, on_progress=on_progress)
            check.videos(videos, lines, headers_only=headers_only, workers=workers, timeout_s=timeout_s)
        done.append(ValidatedDataset(name, records, len(pictures), len(videos)))
    if skipped and not done:
        raise DataError(
            "nothing here was written by vldata: "
            + "; ".join(f"{name!r}: {reason}" for name, reason in list(skipped.items())[:3])
            + ("." if len(skipped) < 4 else f" ... and {len(skipped) - 3} more."),
            where=str(folder),
            cure=_LINT.format(folder),
        )
    return Validation(folder, tuple(done), skipped, unfinished(folder), dict(findings.counts), findings)


def _looks_ours(paths: DatasetPaths, entry: Entry) -> bool:
    """Whether an entry without a contract is one of ours that lost it: the whole entry, and a file that begins with a record."""
    file = paths.out / f"{paths.name}.jsonl"
    if entry == make_entry(paths.name):
        return True
    if entry != make_entry(file.name):
        return False
    if not file.is_file():
        return True
    begin = strictjson.read_head(file, 1 << 16)
    return not begin or all(f'"{field}"'.encode() in begin for field in ("references", "meta"))


class _DatasetCheck:
    """The checks of one registered dataset."""

    def __init__(self, paths: DatasetPaths, entry: Entry, findings: FindingList, known: KnownFaults) -> None:
        self._paths = paths
        self._entry = entry
        self._findings = findings
        self._known = known
        self.contract = self._read_contract()

    def _add(self, where: Path | str, code: str, message: str, record_id: str = "") -> None:
        self._findings.add(Finding(where=str(where), code=code, message=message, id=record_id))

    def _read_contract(self) -> Contract | None:
        try:
            return read_contract(self._paths)
        except DataError as error:
            self._add(self._paths.contract, "VL032", error.what)
            return None

    def records(self, *, collect_images: bool) -> tuple[int, dict[str, tuple[str, str]]]:
        """Check the registry entry and every record; returns the number of records and each picture's first use."""
        info = self._paths.out / DATASET_INFO
        columns = columns_of(self._entry)
        parts = self.contract.parts if self.contract else ()
        complete = make_entry("", videos="videos" in columns, tools="tools" in columns, parts=parts)
        for part in ("formatting", "columns", "tags"):
            if self._entry.get(part) != complete[part]:
                self._add(info, "VL030", f"{self._paths.name!r}: {part!r} is {self._entry.get(part)!r}, not {complete[part]!r}.")
        checker = RecordChecker(self.contract.columns if self.contract else None, self._findings, collect_images=collect_images)
        files = self._files()
        for file in files:
            counted = checker.check_file(file)
            self._compare_digest(file, counted)
        self._miss_shards(files)
        checked = checker.finish()
        return checked.records, checked.first_use

    def _files(self) -> list[Path]:
        name, info = self._entry.get("file_name"), self._paths.out / DATASET_INFO
        try:
            named = below(self._paths.out, name if isinstance(name, str) else "", str(info))
            if not named.exists():
                self._add(info, "VL031", f"{self._paths.name!r} names {name!r}, which is not there.")
                return []
            if (folder := named.folder()) is None:
                return [named.checked()]
            return [below(self._paths.out, f"{name}/{part.name}", str(info)).checked() for part in sorted(folder.glob("*.jsonl"))]
        except DataError as error:
            self._add(info, "VL031", f"{self._paths.name!r} {error.what}")
            return []

    def _miss_shards(self, files: list[Path]) -> None:
        """Name the shards that the contract has and the folder lacks; without a single file the registry entry was found wrong already."""
        there = {file.relative_to(self._paths.out).as_posix() for file in files}
        for known in self.contract.files if self.contract and files else ():
            if known.name not in there:
                self._add(
                    self._paths.out / known.name, "VL033", f"the contract says {known.records:,} records here, and there is no such file."
                )

    def _compare_digest(self, file: Path, counted: int) -> None:
        if not self.contract:
            return
        name = file.relative_to(self._paths.out).as_posix()
        known = {digest.name: digest for digest in self.contract.files}.get(name)
        if known is None:
            self._add(file, "VL033", "the contract does not name this file.")
            return
        with file.open("rb") as handle:
            sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
        if sha256 != known.sha256:
            self._add(
                file,
                "VL033",
                f"the contract says {known.records:,} records of digest {known.sha256[:12]}; here are {counted:,}, {sha256[:12]}.",
            )

    def media(self, first_use: dict[str, tuple[str, str]]) -> dict[str, MediaLine]:
        """Check that NAME.media.jsonl has a line for every picture and video in use; returns those of videos."""
        listed: set[str] = set()
        videos: dict[str, MediaLine] = {}
        path = self._paths.media
        if not path.is_file():
            self._add(path, "VL034", "the file is missing.")
            return videos
        decoder = msgspec.json.Decoder(MediaLine)
        for number, line in strictjson.iter_lines(path):
            try:
                listed.add((media := decoder.decode(line)).path)
                if media.frames:
                    videos[media.path] = media
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                self._add(f"{path}:{number}", "VL034", f"not a media line: {error}.")
        for image, (where, record_id) in first_use.items():
            if image not in listed:
                self._add(where, "VL034", f"{image!r} has no line in {path.name}.", record_id)
        return videos

    def pictures(
        self,
        first_use: dict[str, tuple[str, str]],
        *,
        headers_only: bool,
        workers: int,
        on_progress: Callable[[str, int, int], None] | None,
    ) -> None:
        """Open every picture once and check it against its name and the contract."""
        pixels = self.contract.pixels if self.contract else None
        known = self._known.setdefault(pixels, {})
        known.update((image, []) for image in first_use if path_fault(image))  # VL009 told; nothing outside is opened
        images = [image for image in first_use if image not in known]
        outcomes = inspect_pictures(self._safe(images), headers_only=headers_only, workers=count_workers(workers)) if images else ()
        for done, (index, outcome) in enumerate(outcomes, start=1):
            known[images[index]] = self._picture_faults(images[index], outcome, headers_only=headers_only)
            if on_progress:
                on_progress(self._paths.name, done, len(images))
        for image, (where, record_id) in first_use.items():
            for code, message in known[image]:
                self._add(where, code, f"{image}: {message}", record_id)

    def videos(
        self,
        first_use: dict[str, tuple[str, str]],
        lines: dict[str, MediaLine],
        *,
        headers_only: bool,
        workers: int,
        timeout_s: float,
    ) -> None:
        """Decode every kept video once, and compare it with its name and its media line."""
        videos = [video for video in first_use if not path_fault(video)]
        outcomes = inspect_videos(self._safe(videos), headers_only=headers_only, workers=count_workers(workers), timeout_s=timeout_s)
        for index, outcome in outcomes if videos else ():
            where, record_id = first_use[videos[index]]
            for code, message in _video_faults(videos[index], outcome, lines.get(videos[index])):
                self._add(where, code, f"{videos[index]}: {message}", record_id)

    def _safe(self, names: list[str]) -> list[SafePath]:
        return [below(self._paths.out.absolute(), name) for name in names]

    def _picture_faults(self, image: str, outcome: PictureFacts | Failure, *, headers_only: bool) -> list[tuple[str, str]]:
        if isinstance(outcome, Failure):
            return [("VL020" if outcome.code == "VL101" else "VL021", outcome.reason)]
        faults = []
        if outcome.mode != "RGB" or outcome.has_metadata:
            what = f"mode {outcome.mode}" if outcome.mode != "RGB" else "it carries metadata"
            faults.append(("VL022", f"{what}."))
        pixels = self.contract.pixels if self.contract else None
        if pixels is not None:
            size = f"{outcome.width}x{outcome.height}"
            if not pixels.min_pixels <= outcome.width * outcome.height <= pixels.max_pixels:
                faults.append(("VL024", f"{size} is not between {pixels.min_pixels:,} and {pixels.max_pixels:,} pixels."))
            elif not is_fixed_point(
                outcome.width, outcome.height, processor=pixels.processor, min_pixels=pixels.min_pixels, max_pixels=pixels.max_pixels
            ):
                faults.append(("VL023", f"{size} is not a size {pixels.processor} leaves alone."))
        if not headers_only and outcome.sha256 not in image:
            faults.append(("VL025", f"the digest of its bytes is {outcome.sha256[:12]}..."))
        return faults


def _video_faults(video: str, outcome: VideoFacts | Failure, line: MediaLine | None) -> Iterator[tuple[str, str]]:
    if isinstance(outcome, Failure):
        yield "VL026", f"{outcome.reason}."
        return
    if outcome.sha256 and outcome.sha256 not in video:
        yield "VL027", f"the digest of its bytes is {outcome.sha256[:12]}..."
    if line is None:
        return  # VL034 told
    there = (outcome.width, outcome.height, outcome.frames or line.frames)
    if there != (line.width, line.height, line.frames):
        said = f"{line.width}x{line.height} and {line.frames} frames"
        yield "VL027", f"it has {there[0]}x{there[1]} pixels and {there[2]} frames; the media file says {said}."
