"""The rows that are looked at: of a dataset of ours, or of a file as somebody has it; and each as every trainer takes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import yaml

from vldata.datasets.dataset import Dataset
from vldata.errors import DataError, UsageError, VlkitError
from vldata.exports import llamafactory, swift, trl
from vldata.exports.plan import ExportPlan
from vldata.exports.turns import typed_parts
from vldata.files.paths import check_listed
from vldata.linting.llamafactory.entry import guess_entry, read_registry
from vldata.linting.reading import Broken
from vldata.linting.tables import first_rows, rows_of
from vldata.media.video_tokens import LLAMAFACTORY_FRAME_PIXELS, llamafactory_video_tokens, swift_video_tokens
from vldata.models.families_of import model_type_of
from vldata.models.layout import refuse_own_code
from vldata.output.folder import DATASET_INFO
from vldata.records.parts import TASKS, said_of
from vldata.records.record import Record

MOST_ROWS = 50
_CUT_IN_PATCHES = frozenset({"qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe"})
_KINDS = {".jsonl": "json", ".json": "json", ".csv": "csv", ".parquet": "parquet"}
_CLIPS = {"video_max_pixels": LLAMAFACTORY_FRAME_PIXELS}
Settings = dict[str, dict[str, Any]]
Convert = Callable[..., Any]  # `vldata.api.convert.convert`, which stands above this room


@dataclass(frozen=True)
class Case:
    """One row: its number, what it is called, the record of it and the folder of its media; without a record `note` says why.

    `raw` is the row as it stands in somebody's file; None of a dataset of ours.
    """

    row: int
    name: str
    record: Record | None
    folder: Path
    raw: dict[str, Any] | None = None
    note: str = ""


@dataclass(frozen=True)
class Subject:
    """What is looked at. `entry` is what LLaMA-Factory reads a foreign file by; `settings` what each trainer runs with unless told."""

    path: Path
    root: Path
    cases: tuple[Case, ...]
    dataset: Dataset | None
    settings: Settings
    entry: dict[str, Any] = field(default_factory=dict)
    said: tuple[str, ...] = ()


def parse_rows(text: str) -> list[int]:
    """Read `1-3,7`: numbers of rows, from 1.

    Raises:
        UsageError: another form, or more than can be shown.
    """
    numbers: dict[int, None] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        first, mark, last = part.partition("-")
        if not first.isdecimal() or (mark and not last.isdecimal()) or int(first) < 1 or len(first + last) > 12:
            raise UsageError(f"--rows {part!r} is no number of a row.", cure="For example: --rows 1-3,17")
        end = int(last) if mark else int(first)
        if end - int(first) >= MOST_ROWS or len(numbers) > MOST_ROWS:
            raise UsageError(f"--rows {text!r} is more than {MOST_ROWS} rows.", cure="Look at fewer at a time.")
        numbers.update(dict.fromkeys(range(int(first), end + 1)))
    if not numbers:
        raise UsageError("--rows names no row.", cure="For example: --rows 1-3")
    return sorted(numbers)


def open_dataset(target: Path, rows: Sequence[int], *, finer: int = 1) -> Subject:
    """Open rows of a dataset of ours. `finer`: how many times as many tokens the tokenizer cuts text into as a published one.

    Raises:
        DataError: there is no such dataset or row, or it holds no samples of SFT.
    """
    dataset = Dataset(target)
    if tasks := [part for part in dataset.contract.parts if part in TASKS]:
        raise DataError(
            f"holds {said_of(tasks)}; an X-ray is made of SFT samples.", where=str(target), cure="make consumers trains on them."
        )
    wanted, cases = set(rows), []
    for number, record in enumerate(dataset, 1):
        if number in wanted:
            cases.append(Case(number, record.id, record, dataset.paths.out))
        if number >= max(wanted):
            break
    if not cases:
        raise DataError(f"has {len(dataset):,} records, none of the rows asked for.", where=str(target), cure="Give --rows.")
    plan = ExportPlan(target, dataset.paths.out)
    pixels, cutoff = dataset.contract.pixels, finer * plan.cutoff()
    clips = dataset.contract.videos is not None
    limits = {"image_max_pixels": pixels.max_pixels, "image_min_pixels": pixels.min_pixels}
    templates = yaml.safe_load(llamafactory.template_lines(plan))
    settings: Settings = {
        "llamafactory": {**templates, "cutoff_len": finer * plan.cutoff(llamafactory_video_tokens), **limits, **(_CLIPS if clips else {})},
        "swift": {"max_length": finer * plan.cutoff(swift_video_tokens), "MAX_PIXELS": pixels.max_pixels, "MIN_PIXELS": pixels.min_pixels},
        "trl": {"max_length": None},
    }
    said = (
        *_not_there(wanted, cases),
        f"Trainers run with what our exports write for them: cutoff {cutoff:,}, {pixels.max_pixels:,} pixels an image.",
    )
    return Subject(target, dataset.paths.out, tuple(cases), dataset, settings, said=said)


def open_foreign(path: Path, rows: Sequence[int], entry_name: str, work: Path, convert: Convert, *, follow_links: bool = False) -> Subject:
    """Open rows of a file as somebody has it, or of an entry of their dataset_info.json; ours is a conversion of each row.

    Raises:
        DataError: there is no such file or row.
        UsageError: the entry is not named, unknown, or leads out of the folder of the list without `follow_links`.
    """
    file, entry, led = _foreign_file(path, entry_name, follow_links=follow_links)
    reader = rows_of(file, _KINDS.get(file.suffix, "json"))
    if not entry:
        entry = guess_entry(file.stem, file.name, first_rows(reader, 50)).given
    wanted, cases = set(rows), []
    for number, (line, raw) in enumerate(reader(), 1):
        if number in wanted:
            name = f"{file.name}:{line}"
            if isinstance(raw, Broken) or not isinstance(raw, dict):
                why = raw.reason if isinstance(raw, Broken) else f"a {type(raw).__name__}, no object"
                cases.append(Case(number, name, None, file.parent, {}, f"the line is no row: {why}"))
            else:
                cases.append(_converted(Case(number, name, None, file.parent, raw), entry, work / f"ours-{number}", convert))
        if number >= max(wanted):
            break
    if not cases:
        raise DataError("has none of the rows asked for.", where=str(file), cure="Give --rows, from 1.")
    said = (
        *filter(None, [led]),
        *_not_there(wanted, cases),
        "Not a dataset of ours: ours is what `vldata convert` makes of each row, and trainers run with their own defaults.",
    )
    return Subject(file, file.parent, tuple(cases), None, {"llamafactory": {"template": "qwen3_vl_nothink"}}, entry, said)


def _not_there(wanted: set[int], cases: Sequence[Case]) -> Iterator[str]:
    if lost := sorted(wanted - {case.row for case in cases}):
        yield f"Not there: {'rows' if len(lost) > 1 else 'row'} {', '.join(map(str, lost))}."


def _foreign_file(path: Path, entry_name: str, *, follow_links: bool) -> tuple[Path, dict[str, Any], str]:
    """The file of rows, its entry, and what is to be said of where the entry leads."""
    registry = path / DATASET_INFO if path.is_dir() else path
    if registry.name != DATASET_INFO:
        if path.suffix not in _KINDS:
            raise DataError("is no file of rows.", where=str(path), cure=f"Give DIR/NAME of a dataset, or a file: {', '.join(_KINDS)}.")
        return path, {}, ""
    entries, fault = read_registry(registry) if registry.is_file() else ({}, f"no {DATASET_INFO} here")
    if fault:
        raise DataError(f"{fault}.", where=str(path), cure="Give DIR/NAME of a dataset, or a file of rows.")
    if not entry_name and len(entries) != 1:
        raise UsageError(f"{str(registry)!r} lists {len(entries)} datasets.", cure=f"--dataset: {', '.join(list(entries)[:20])}")
    name = entry_name or next(iter(entries))
    if name not in entries or not isinstance(entries[name].get("file_name"), str):
        raise UsageError(f"no entry {name!r} with a file.", cure=f"Entries are {', '.join(list(entries)[:20])}.")
    file = registry.parent / entries[name]["file_name"]
    if not file.is_file() or file.suffix not in _KINDS:
        raise DataError("is no file of rows.", where=str(file), cure="Correct the entry's file_name.")
    return file, entries[name], check_listed(registry, name, file, follow_links=follow_links)


def _converted(case: Case, entry: dict[str, Any], folder: Path, convert: Convert) -> Case:
    """Convert one row by itself, at the processor's published limits, into images without loss."""
    folder.mkdir(parents=True)
    (folder / "row.jsonl").write_bytes(msgspec.json.encode(case.raw) + b"\n")
    (folder / DATASET_INFO).write_text(json.dumps({"row": {**entry, "file_name": "row.jsonl"}}), encoding="utf-8")
    out, why = folder / "out", []
    limits = {"min_pixels": 65_536, "max_pixels": 16_777_216, "max_rejects": 1.0, "image_format": "png"}
    common = {"out": out, "name": "row", "image_root": case.folder, "videos": "keep", "workers": 1, "repair": True, **limits}
    for source, given in ((folder / DATASET_INFO, {"dataset": "row"}), (folder / "row.jsonl", {})):
        try:
            made = convert("sharegpt", source, overwrite=True, **common, **given)
        except VlkitError as error:
            why.append(" ".join(str(error).split())[:300])
            continue
        if record := next((record for one in made for name in one.names for record in Dataset(out / name)), None):
            return Case(case.row, case.name, record, out, case.raw)
        why += [reject.reason for one in made for reject in one.rejects]
    return Case(case.row, case.name, None, folder, case.raw, f"not converted: {why[0] if why else 'nothing was written'}")


class _One(Dataset):
    """A dataset of one of its records."""

    def __init__(self, whole: Dataset, record: Record) -> None:
        self.paths, self.contract, self._record = whole.paths, whole.contract, record

    def __iter__(self) -> Iterator[Record]:
        yield self._record


def rows_for(consumer: str, subject: Subject, out: Path) -> tuple[list[dict[str, Any]], dict[int, str]]:
    """Write every case as a trainer takes it, a file each; returns what its probe is told of each, and why a case cannot be written."""
    rows, lost = [], {}
    for case in subject.cases:
        folder = out / f"row{case.row}"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            rows.append({"row": case.row, **_row_for(consumer, subject, case, folder)})
        except VlkitError as error:
            lost[case.row] = f"not given to it: {str(error).splitlines()[0]}"
    return rows, lost


def _row_for(consumer: str, subject: Subject, case: Case, folder: Path) -> dict[str, Any]:
    if consumer in ("ours", "transformers"):
        if case.record is None:
            raise DataError(case.note)
        if consumer == "ours":
            return {"file": _write(folder / "record.jsonl", case.record), "folder": str(case.folder.absolute())}
        return {"file": _write(folder / "record.jsonl", _messages(case, subject.root))}
    if subject.dataset is None:
        if not case.raw:
            raise DataError(case.note)
        return {"file": _write(folder / "row.jsonl", case.raw), "entry": subject.entry}
    if case.record is None:
        raise DataError(case.note)
    plan = ExportPlan(subject.path, folder)
    plan.dataset = _One(subject.dataset, case.record)
    if consumer == "trl":
        return {"file": str(trl.write_rows(plan, "trl")[0].absolute()), "cast": True}
    if consumer == "swift":
        return {"file": str(swift.write_rows(plan)[0].absolute())}
    name, entry, _ = llamafactory.write_sharegpt(plan)
    return {"file": str((folder / name).absolute()), "entry": entry}


def _messages(case: Case, root: Path) -> dict[str, Any]:
    """Content parts and images: of a foreign row the files as they are, where it lists as many as its record."""
    record = case.record
    assert record is not None
    images = [str((case.folder / image).absolute()) for image in record.images]
    raw = (case.raw or {}).get("images", (case.raw or {}).get("image"))
    listed = [raw] if isinstance(raw, str) else raw
    if (
        isinstance(listed, list)
        and len(listed) == len(images)
        and all(isinstance(name, str) and (root / name).is_file() for name in listed)
    ):
        images = [str((root / name).absolute()) for name in listed]
    return {"messages": [{"role": message.role, "content": typed_parts(message)} for message in record.messages], "images": images}


def _write(file: Path, value: Any) -> str:
    file.write_bytes(msgspec.json.encode(value) + b"\n")
    return str(file.absolute())


def refuse_model(model: Path) -> None:
    """Refuse a model folder of another kind, or whose configuration names code of its own: some trainers would run it without asking.

    Raises:
        DataError: it names the kind or the file.
    """
    refuse_own_code(model)
    kind = model_type_of(model)
    if kind not in _CUT_IN_PATCHES:
        cure = f"Known are {', '.join(sorted(_CUT_IN_PATCHES))}."
        raise DataError(f"is of type {kind!r}, and how its processor cuts images is not known to the X-ray.", where=str(model), cure=cure)
