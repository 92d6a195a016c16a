"""Where each trainer runs: a Python of its own, given, made by `--setup`, or this one where the trainer is installed here."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from vldata.errors import DataError, UsageError
from vldata.suggest import nearest

_TORCH = "torch==2.13.0"
_VISION = ("--no-deps", "torchvision==0.29.2")
READY = ".ready"


class Trainer(NamedTuple):
    """A trainer that can be asked: its title, the package that must import, and the installs that make its environment, in order.

    `module` is the probe; torchvision comes last and alone, since its wheel would replace torch by another build.
    """

    title: str
    package: str
    module: str
    steps: tuple[tuple[str, ...], ...] = ()


TRAINERS: dict[str, Trainer] = {
    "ours": Trainer("vltrain", "vltrain", "vltrain.xray"),
    "llamafactory": Trainer(
        "LLaMA-Factory",
        "llamafactory",
        "vldata.xrays.probes.llamafactory",
        (
            (_TORCH,),
            ("--no-deps", "llamafactory==0.9.5"),
            (
                _TORCH, "transformers==5.5.4", "datasets==4.0.0", "accelerate==1.11.0", "peft==0.18.1", "trl==0.24.0", "torchdata==0.11.0",
                "av==16.0.0", "tyro<0.9.0", "pillow", "numpy", "scipy", "pandas", "einops", "sentencepiece", "tiktoken", "safetensors",
                "fire", "omegaconf", "packaging", "protobuf", "pyyaml", "pydantic", "modelscope", "hf-transfer", "matplotlib",
            ),
            _VISION,
        ),
    ),
    "swift": Trainer(
        "ms-swift",
        "swift",
        "vldata.xrays.probes.swift",
        ((_TORCH,), (_TORCH, "ms-swift==4.6.0", "transformers==5.19.0", "qwen_vl_utils==0.0.14", "decord==0.6.0", "pillow"), _VISION),
    ),
    "trl": Trainer(
        "TRL",
        "trl",
        "vldata.xrays.probes.trl",
        ((_TORCH,), (_TORCH, "trl==1.16.0", "transformers==5.23.0", "peft==0.21.2", "datasets", "pillow")),
    ),
    "transformers": Trainer(
        "transformers", "transformers", "vldata.xrays.probes.transformers", ((_TORCH,), (_TORCH, "transformers==5.23.0", "pillow"))
    ),
}  # fmt: skip


def find_trainer(name: str) -> Trainer:
    """Return a trainer's line of the table.

    Raises:
        UsageError: there is none of this name.
    """
    if name not in TRAINERS:
        raise UsageError(f"no probe for {name!r}.{nearest(name, TRAINERS)}", cure=f"Known are {', '.join(TRAINERS)}.")
    return TRAINERS[name]


def default_folder() -> Path:
    """Where environments that `--setup` makes are."""
    return Path.home() / ".cache" / "vlkit" / "xray"


def parse_environments(given: Sequence[str]) -> dict[str, Path]:
    """Read NAME=PYTHON_OR_VENV.

    Raises:
        UsageError: another form, an unknown name, or no Python there.
    """
    found = {}
    for one in given:
        name, mark, place = one.partition("=")
        if not mark or not place:
            raise UsageError(f"--env {one!r} is no NAME=PATH.", cure="For example: --env trl=venvs/trl")
        find_trainer(name)
        found[name] = python_at(Path(place))
    return found


def python_at(place: Path) -> Path:
    """The Python of a virtual environment, or the file itself.

    Raises:
        UsageError: neither is there.
    """
    for file in (place / "bin" / "python", place / "Scripts" / "python.exe", place):
        if file.is_file():
            return file.absolute()  # links stay as they are: a venv is found by where its Python is
    raise UsageError(f"no Python in {str(place)!r}.", cure="Give a virtual environment's folder, or its bin/python.")


def find_python(name: str, given: dict[str, Path], folder: Path) -> Path:
    """Which Python runs a trainer.

    Raises:
        UsageError: none is known; it says how to make one.
    """
    if name in given:
        return given[name]
    if name == "ours":
        return Path(sys.executable)
    if (folder / name / READY).is_file():
        return python_at(folder / name)
    if importlib.util.find_spec(find_trainer(name).package) is not None:
        return Path(sys.executable)
    cure = f"Make one: vldata xray --setup {name}; or name yours: --env {name}=VENV"
    raise UsageError(f"no environment with {TRAINERS[name].title}.", cure=cure)


def set_up(name: str, folder: Path, tell: Callable[[str], None]) -> Path:
    """Make the environment of a trainer at its pinned versions, by uv where it is installed, else by venv and pip; returns it.

    Raises:
        DataError: an install fails.
        UsageError: the trainer needs none.
    """
    trainer, place = find_trainer(name), folder / name
    if not trainer.steps:
        raise UsageError(f"{name!r} runs in this environment.", cure=f"Others are {', '.join(key for key in TRAINERS if key != name)}.")
    if (place / READY).is_file():
        return place
    for step in _steps(place, trainer.steps):
        tell(" ".join(step)[:160])
        try:
            subprocess.run(step, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        except subprocess.CalledProcessError as error:
            why = " ".join(str(error.stderr).split())[-400:]
            raise DataError(f"{' '.join(step)[:80]} ... failed: {why}", where=str(place), cure="Mend it and run the same again.") from None
    (place / READY).touch()
    return place


def _steps(place: Path, installs: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    uv = shutil.which("uv")
    python = str(place / "bin" / "python")
    if not (place / "bin" / "python").is_file():
        yield [uv, "venv", "-q", str(place)] if uv else [sys.executable, "-m", "venv", str(place)]
    for packages in installs:
        yield [uv, "pip", "install", "-q", "--python", python, *packages] if uv else [python, "-m", "pip", "install", "-q", *packages]
