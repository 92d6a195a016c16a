"""What is installed here and what it lacks: versions, decoders, memory limits, and traps that cost people hours."""

from __future__ import annotations

import platform
import resource
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import msgspec

from vldata.errors import install_line

Level = Literal["good", "note", "bad"]

CORE = ("pillow", "av", "msgspec", "jsonschema", "numpy", "polars", "aiohttp", "sacrebleu", "rouge-score", "jieba", "rapidfuzz")
EXTRAS: dict[str, tuple[str, ...]] = {
    "decord": ("decord",),
    "hf": ("datasets", "huggingface-hub"),
    "train": ("torch", "transformers", "peft", "accelerate"),
    "qlora": ("bitsandbytes",),
    "evaluate": ("evaluate",),
    "detection": ("pycocotools",),
}
QWEN3_VL_NEEDS = (4, 57)  # the first transformers release that knows qwen3_vl


class Line(msgspec.Struct, frozen=True):
    """One thing looked at: how it is, and what to do when it is not good."""

    level: Level
    what: str
    cure: str = ""


def examine(folder: Path) -> list[Line]:
    """Look at this machine and at the folder a user works in."""
    lines = [Line("good", f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")]
    lines += [_package(name) for name in CORE]
    lines += [_extra(extra, names) for extra, names in EXTRAS.items()]
    lines += _transformers()
    lines += _limits()
    lines += _folder(folder)
    return lines


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _package(name: str) -> Line:
    found = _version(name)
    return Line("good", f"{name} {found}") if found else Line("bad", f"{name} is missing", "Install vlkit again.")


def _extra(extra: str, names: tuple[str, ...]) -> Line:
    versions = {name: _version(name) for name in names}
    missing = [name for name, found in versions.items() if found is None]
    if missing:
        return Line("note", f"extra [{extra}] is not installed ({', '.join(missing)})", f"When you need it: {install_line(extra)}")
    return Line("good", f"extra [{extra}]: {', '.join(f'{name} {found}' for name, found in versions.items())}")


def _transformers() -> list[Line]:
    found = _version("transformers")
    if found is None:
        return []
    numbers = tuple(int(part) for part in found.split(".")[:2] if part.isdigit())
    if numbers < QWEN3_VL_NEEDS:
        return [Line("bad", f"transformers {found} does not know qwen3_vl", "pip install --upgrade 'transformers>=4.57' (with the quotes)")]
    return []


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
