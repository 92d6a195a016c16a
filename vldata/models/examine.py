"""What a model folder is, and what stands in its way: its files, its family, the transformers it needs. No torch, no weights."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import msgspec

from vldata.errors import VlkitError
from vldata.models.families import FAMILIES
from vldata.models.families.family import Family
from vldata.models.families_of import folder_family, model_type_of, read_json
from vldata.models.layout import ADAPTER_CONFIG, check_model_folder, give_folder, is_quantized, missing_files

Level = Literal["good", "note", "bad"]
_VIDEO = "video_preprocessor_config.json"


class Line(msgspec.Struct, frozen=True):
    """One thing looked at: how it is, and what to do when it is not good."""

    level: Level
    what: str
    cure: str = ""


def installed(package: str) -> str:
    """The version of a package that is installed here, or ""."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def numbers(text: str) -> tuple[int, ...]:
    """The first two numbers of a version."""
    return tuple(int("".join(char for char in part if char.isdigit()) or 0) for part in text.split("+")[0].split("."))[:2]


def knows(family: Family, release: str) -> bool:
    """Whether a release of transformers has every model type of a family."""
    return all(numbers(release) >= numbers(floor) for floor in family.since.values())


def examine_families(release: str) -> Line:
    """Which families the installed transformers knows."""
    lacking = [family for family in FAMILIES.values() if not knows(family, release)]
    if not lacking:
        return Line("good", f"transformers {release} has the model types of all {len(FAMILIES)} families")
    named = ", ".join(f"{family.title} ({max(family.since.values(), key=numbers)})" for family in lacking)
    newest = max((floor for family in lacking for floor in family.since.values()), key=numbers)
    return Line(
        "note", f"transformers {release} lacks model types of: {named}", f"pip install --upgrade 'transformers>={newest}' (with the quotes)"
    )


def examine_model(folder: Path) -> list[Line]:
    """Look at a model folder."""
    if not folder.is_dir():
        return [Line("bad", f"{folder}: no folder here", give_folder(str(folder)))]
    if (folder / ADAPTER_CONFIG).is_file() and not (folder / "config.json").is_file():
        base = read_json(folder, ADAPTER_CONFIG).get("base_model_name_or_path", "")
        return [Line("note", f"{folder} is an adapter of {base!r}, not a model", "vltrain merge makes a model of both.")]
    lines = []
    try:
        missing = missing_files(folder)
        lines += [Line("bad", f"{folder}: {name} is missing", "Copy it from where the model was published.") for name in missing]
        if not missing:
            check_model_folder(folder)
            lines.append(Line("good", f"{folder}: config, tokenizer, processor and chat template; every file of weights is whole"))
        quantized = is_quantized(folder)
    except VlkitError as error:
        return [*lines, Line("bad", f"{error.where}: {error.what}" if error.where else error.what, error.cure)]
    if quantized:
        lines.append(Line("note", "the weights are quantised: no adapter is merged onto them", "Keep the full-precision folder too."))
    kind = model_type_of(folder)
    return [*lines, *_family(folder, kind, folder_family(folder))] if kind else lines


def _family(folder: Path, kind: str, family: Family | None) -> list[Line]:
    if family is None:
        cure = "It trains padded, if transformers has it as AutoModelForImageTextToText; its images are not counted."
        return [Line("note", f"model_type {kind} is of no family that vlkit knows", cure)]
    lines = [Line("good", f"model_type {kind}: {family.title}")]
    floor, found = family.since[kind], installed("transformers")
    if not found:
        lines.append(
            Line("note", f"{kind} needs transformers {floor} or newer, and there is none here", f"pip install 'transformers>={floor}'")
        )
    elif numbers(found) < numbers(floor):
        lines.append(
            Line("bad", f"{kind} needs transformers {floor} or newer; here is {found}", f"pip install --upgrade 'transformers>={floor}'")
        )
    else:
        lines.append(Line("good", f"{kind} needs transformers {floor} or newer; here is {found}"))
    if lacking := [package for package in family.needs if not installed(package)]:
        lines.append(Line("bad", f"its processor needs {', '.join(lacking)}", f"pip install {' '.join(lacking)}"))
    if family.videos and not (folder / _VIDEO).is_file():
        lines.append(Line("note", f"{_VIDEO} is missing", "Servers and trainers that take videos read it: copy it from the base model."))
    return lines
