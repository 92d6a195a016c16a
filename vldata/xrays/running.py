"""Runs a probe in its Python: a process of its own, with nothing of ours but the probes on its path, and no network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from vldata.xrays.views import Result

_PACKAGES = ("vldata", "vldata/xrays", "vldata/xrays/probes")


def run_probe(python: Path, module: str, out: Path, job: Mapping[str, Any], *, timeout_s: float) -> Result:
    """Run a probe over its rows and read what it wrote; whatever goes wrong there is the result's `error`.

    Args:
        python: which one.
        module: the probe.
        out: an empty folder: for the job, the result and images.
        job: model, settings, root and rows.
        timeout_s: for all rows together.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "job.json").write_text(json.dumps(job), encoding="utf-8")
    log = out / "log.txt"
    with log.open("wb") as said:
        try:
            done = subprocess.run(
                [str(python), "-m", module, str(out / "job.json")],
                cwd=out,
                env=_environment(module, out),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                check=False,
            )
            code: int | str = done.returncode
        except subprocess.TimeoutExpired:
            code = f"no end after {timeout_s:g} s"
        except OSError as error:
            code = f"cannot be started: {error}"
    result = out / "result.json"
    if not result.is_file():
        return Result({}, f"the probe ended with {code}: {_tail(log)}", ())
    try:
        return msgspec.json.decode(result.read_bytes(), type=Result)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Result({}, f"the probe wrote what is no result: {error}", ())


def _environment(module: str, out: Path) -> dict[str, str]:
    """No hub and no proxy of ours, the user's packages by their own Python alone; a probe finds a copy of the probes and nothing else."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "HF_", "VLKIT")) and not _is_secret(key)}
    ours = module.startswith("vltrain.")
    path = os.pathsep.join(entry for entry in sys.path if entry) if ours else str(copy_probes(out / "probes"))
    quiet = {"TOKENIZERS_PARALLELISM": "false", "TRANSFORMERS_VERBOSITY": "error", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    return {**kept, **quiet, **offline, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


def _is_secret(name: str) -> bool:
    """Whether a variable of the environment is named as keys and passwords are: a trainer's code has no use for one here."""
    return any(word in name.upper() for word in ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL"))


def copy_probes(folder: Path) -> Path:
    """Copy the probes as a package by themselves, so that no other module of this Python's can come before a trainer's own."""
    own = Path(__file__).parent / "probes"
    for package in _PACKAGES:
        (folder / package).mkdir(parents=True, exist_ok=True)
        (folder / package / "__init__.py").touch()
    for file in sorted(own.glob("*.py")):
        shutil.copyfile(file, folder / "vldata" / "xrays" / "probes" / file.name)
    return folder


def _tail(log: Path, lines: int = 3) -> str:
    text: Sequence[str] = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return " / ".join(line.strip() for line in text[-lines:])[-600:] or "it said nothing"
