"""LLaMA-Factory 0.9.5: a folder with dataset_info.json, or a file that somebody means to register."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vldata.errors import UsageError
from vldata.files.paths import check_listed
from vldata.linting.consumer import Consumer, Options, Rows, RowSet, WholeFinding, no_rows
from vldata.linting.llamafactory.behaviours import TABLE
from vldata.linting.llamafactory.entry import KINDS, RegistryEntry, faults_of, guess_entry, looks_like_registry, read_entry, read_registry
from vldata.linting.llamafactory.judge import DEFAULT_CUTOFF, LlamaFactoryJudge
from vldata.linting.outcomes import RowFinding
from vldata.linting.reading import open_json
from vldata.linting.tables import first_rows, rows_of

INFO = "dataset_info.json"
_SAMPLE = 50


def open_path(path: Path, options: Options) -> list[RowSet]:
    """Open a data folder, its dataset_info.json, or one file.

    Raises:
        DataError: there is nothing to read.
        UsageError: `dataset` names no entry.
    """
    registry = path / INFO if path.is_dir() else path
    if registry.name == INFO and registry.is_file():
        entries, fault = read_registry(registry)
        if fault:
            judge = LlamaFactoryJudge(read_entry("", {}), registry.parent, options, stage="sft", form="lines", where=str(registry))
            return [RowSet(registry.name, [], judge, first=[WholeFinding(str(registry), RowFinding("LF20", fault))])]
        if looks_like_registry(entries):
            return _registered(registry, entries, options)
    beside = path.parent / INFO
    if path.is_file() and beside.is_file() and not options.dataset:
        entries, _ = read_registry(beside)
        named = {name: entry for name, entry in entries.items() if entry.get("file_name") == path.name}
        if named:
            return _registered(beside, named, options, own=path)
    files = (
        sorted(one for one in path.iterdir() if one.is_file() and one.suffix[1:] in KINDS and one.name != INFO) if path.is_dir() else [path]
    )
    files = [file for file in files if file.suffix[1:] != "txt" or len(files) == 1]
    if not files:
        raise no_rows(path, tuple(f".{kind}" for kind in KINDS), f"LLaMA-Factory reads {', '.join(KINDS)}; a folder of them needs {INFO}.")
    return [_unregistered(file, options, first=file is files[0]) for file in files]


def _registered(registry: Path, entries: dict[str, dict[str, Any]], options: Options, *, own: Path | None = None) -> list[RowSet]:
    """Open entries of a list, or one that is for a file of the user's `own`."""
    if options.dataset and options.dataset not in entries:
        raise UsageError(f"no entry {options.dataset!r}.", where=str(registry), cure=f"Entries are {', '.join(list(entries)[:20])}.")
    parts = []
    for name, given in entries.items():
        if options.dataset in ("", name):
            parts.append(_part(read_entry(name, given), registry.parent, str(registry), options, own=own))
    return parts


def _unregistered(file: Path, options: Options, *, first: bool) -> RowSet:
    rows = first_rows(rows_of(file, KINDS.get(file.suffix[1:], "json")), _SAMPLE)
    entry = guess_entry(file.stem, file.name, rows)
    part = _part(entry, file.parent, str(file), options)
    named = ", ".join(f"{key} {value!r}" for key, value in entry.given["columns"].items())
    if first:
        part.said.append(
            f"No {INFO} names this, and without an entry LLaMA-Factory does not find it. Judged as if it had the complete one:"
        )
    part.said.append(f"  {file.name}: formatting {entry.formatting}, {named or 'no columns'}")
    return part


def _stage_of(entry: RegistryEntry, *, registered: bool) -> str:
    """Tell from its columns what an entry is for: a prompt alone is for pre-training."""
    if entry.ranking:
        return "rm"
    if entry.columns["kto_tag"]:
        return "kto"
    if not registered:  # nobody said that a question without an answer is for pre-training
        return "sft"
    asks_alone = entry.formatting == "alpaca" and entry.columns["prompt"] and not entry.columns["response"]
    return "pt" if asks_alone and not any(key in entry.given for key in ("hf_hub_url", "ms_hub_url", "script_url")) else "sft"


def _part(entry: RegistryEntry, folder: Path, where: str, options: Options, *, own: Path | None = None) -> RowSet:
    stage = options.stage or _stage_of(entry, registered=Path(where).name == INFO)
    first = [WholeFinding(where, found, 0 if found.code == "LF15" else None) for found in faults_of(entry, stage)]
    files: list[tuple[Path, Rows]] = []
    form = "lines"
    said = (
        []
        if options.stage or stage == "sft"
        else [f"{entry.name}: judged for the stage {stage}, as its columns say; --stage sft judges plain training."]
    )
    if not any(whole.found.code == "LF19" for whole in first):
        place = folder / entry.file_name
        if own is None and Path(where).name == INFO and place.exists() and entry.file_name:
            roots = (options.media_root,) if options.media_root else ()
            said += filter(None, [check_listed(Path(where), entry.name, place, follow_links=options.follow_links, roots=roots)])
        found = sorted(place.iterdir()) if place.is_dir() else [place]
        kinds = {KINDS.get(file.suffix[1:]) for file in found}
        if not place.exists() or not entry.file_name:
            first.append(WholeFinding(where, RowFinding("LF11", f"File {place} not found.")))
        elif None in kinds or len(kinds) > 1:
            odd = [file.name for file in found if KINDS.get(file.suffix[1:]) is None]
            first.append(WholeFinding(where, RowFinding("LF12", ", ".join(odd[:5]) or "several kinds in one folder")))
        else:
            files = [(file, rows_of(file, KINDS.get(file.suffix[1:], "json"))) for file in found]
            if found[0].suffix in (".json", ".jsonl"):
                opened = open_json(found[0])
                form = opened.form
                if opened.bom and form == "list":
                    first.append(WholeFinding(str(found[0]), RowFinding("LF04")))
    judge = LlamaFactoryJudge(entry, folder, options, stage=stage, form=form, where=where)
    by_entry = ((Path(where), entry.name),) if Path(where).name == INFO else ()
    return RowSet(entry.name, files, judge, (*by_entry, *((file, "") for file, _ in files)), said, first)


CONSUMER = Consumer(
    title="LLaMA-Factory",
    version="0.9.5",
    source="https://github.com/hiyouga/LLaMA-Factory, src/llamafactory",
    table=TABLE,
    open=open_path,
    default_cutoff=DEFAULT_CUTOFF,
    limit="cutoff_len",
    settings=frozenset({"image_max_pixels", "image_min_pixels", "train_on_prompt", "mask_history", "template"}),
)
