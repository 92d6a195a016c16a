"""What CI installs is held to digests: the file of hashes follows constraints.txt."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in _PIN.findall((ROOT / name).read_text())}


def test_every_package_has_the_pinned_version_and_digests() -> None:
    wanted, hashed = pins("constraints.txt"), pins("constraints.hashed.txt")
    assert hashed and {name: version for name, version in hashed.items() if wanted.get(name, version) != version} == {}, "make hashes"
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", (ROOT / "constraints.hashed.txt").read_text())[1:]
    assert all("--hash=sha256:" in entry for entry in entries) and not any("://" in entry or " @ " in entry for entry in entries)


def test_what_builds_and_tests_is_among_them() -> None:
    builds, tests = {"hatchling", "editables", "setuptools", "wheel"}, {"pytest", "ruff", "mypy", "torch", "transformers", "pillow"}
    assert builds | tests <= pins("constraints.hashed.txt").keys()
