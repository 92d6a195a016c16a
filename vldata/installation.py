"""What is installed here and what it lacks: versions, decoders, memory limits, and traps that cost people hours."""

from __future__ import annotations

import platform
import re
import resource
import shutil
import sys
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec
from pathlib import Path

from vldata.errors import install_line
from vldata.models.examine import Line, examine_families, examine_model, installed, numbers

CORE = ("pillow", "av", "msgspec", "jsonschema", "numpy", "polars", "aiohttp", "sacrebleu", "rouge-score", "jieba", "rapidfuzz")
NOT_FOR_USERS = frozenset(("all", "dev", "docs"))  # all of the others together, and what a checkout needs
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(?:\[[^]]*\])?\s*(?:>=\s*(?P<floor>[\d.]+))?[^;]*;.*extra == ['\"](?P<extra>[\w-]+)['\"]")


def examine(folder: Path, model: Path | None = None) -> list[Line]:
    """Look at this machine, at the folder a user works in, and at a model folder."""
    lines = [Line("good", f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")]
    lines += [_package(name) for name in CORE]
    lines += [_extra(extra, floors) for extra, floors in extras().items()]
    if release := installed("transformers"):
        lines.append(examine_families(release))
    lines += _limits()
    lines += _folder(folder)
    return lines + (examine_model(model) if model is not None else [])


def extras() -> dict[str, dict[str, str]]:
    """Every extra of vlkit with its packages and the least version of each, "" for any, as the installed metadata have them."""
    try:
        told = requires("vlkit") or []
    except PackageNotFoundError:
        return {}
    found: dict[str, dict[str, str]] = {}
    for line in told:
        match = _REQUIREMENT.match(line)
        if match and match["extra"] not in NOT_FOR_USERS and match["name"] != "vlkit":
            found.setdefault(match["extra"], {})[match["name"]] = match["floor"] or ""
    return dict(sorted(found.items()))


def _package(name: str) -> Line:
    found = installed(name)
    return Line("good", f"{name} {found}") if found else Line("bad", f"{name} is missing", "Install vlkit again.")


def _extra(extra: str, floors: dict[str, str]) -> Line:
    versions = {name: installed(name) for name in floors}
    if missing := [name for name, found in versions.items() if not found]:
        return Line("note", f"extra [{extra}] is not installed ({', '.join(missing)})", f"When you need it: {install_line(extra)}")
    if old := [name for name, floor in floors.items() if floor and numbers(versions[name]) < numbers(floor)]:
        said = ", ".join(f"{name} {versions[name]} is older than {floors[name]}" for name in old)
        wanted = " ".join(f"'{name}>={floors[name]}'" for name in old)
        return Line("bad", f"extra [{extra}]: {said}", f"pip install --upgrade {wanted} (with the quotes)")
    return Line("good", f"extra [{extra}]: {', '.join(f'{name} {found}' for name, found in versions.items())}")


def _limits() -> list[Line]:
    lines = []
    if not sys.platform.startswith("linux"):
        lines.append(
            Line("note", "decoders run without a memory limit on this system", "A hostile file may use much memory; deadlines hold.")
        )
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 256:
        lines.append(Line("bad", f"only {soft} open files are allowed", "ulimit -n 1024"))
    return lines


def _folder(folder: Path) -> list[Line]:
    lines = []
    free = shutil.disk_usage(folder).free
    lines.append(Line("good" if free > 2**30 else "bad", f"{free / 2**30:.1f} GiB free in {folder}", "" if free > 2**30 else "Free some."))
    if (folder / "datasets").is_dir() and not (folder / "datasets" / "__init__.py").exists() and find_spec("datasets"):
        lines.append(Line("bad", "a folder called datasets/ shadows the datasets package in scripts run here", "Rename the folder."))
    for odd in sorted(folder.glob("=*")):
        lines.append(Line("note", f"a file called {odd.name!r}: a pip call without quotes made it", f"Remove it: rm './{odd.name}'"))
    return lines
