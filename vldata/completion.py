"""What a shell completes: datasets of output folders, and names that a table holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from vldata.errors import VlkitError
from vldata.files import strictjson

_MOST_BYTES = 4_000_000  # of a registry that is read while somebody types
_MOST_FOLDERS = 200

Complete = Callable[[str], list[str]]


def complete_names(names: Iterable[str] | Callable[[], Iterable[str]]) -> Complete:
    """Complete one of these names, which are asked for when somebody types."""
    return lambda incomplete: [name for name in (names() if callable(names) else names) if name.startswith(incomplete)]


def complete_dataset(incomplete: str) -> list[str]:
    """Complete DIR/NAME from the registries of the folders here, or of the folder that is typed already.

    A registry is other people's file: what cannot be read completes nothing.
    """
    folder, slash, _ = incomplete.rpartition("/")
    if slash:
        found = [f"{folder}/{name}" for name in _registered(Path(folder or "/"))]
    else:
        found = [f"{here.name}/{name}" for here in _folders() for name in _registered(here)]
    return sorted(name for name in found if name.startswith(incomplete))


def _folders() -> list[Path]:
    try:
        return [path for path, _ in zip(sorted(Path().iterdir()), range(_MOST_FOLDERS), strict=False) if path.is_dir()]
    except OSError:
        return []


def _registered(folder: Path) -> list[str]:
    registry = folder / "dataset_info.json"
    try:
        if not registry.is_file() or registry.stat().st_size > _MOST_BYTES:
            return []
        entries = strictjson.read_json(registry)
    except (VlkitError, OSError, ValueError, RecursionError):
        return []
    return [name for name in entries if (folder / f"{name}.contract.json").is_file()] if isinstance(entries, dict) else []
