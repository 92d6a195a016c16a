"""Paths that annotations name: below a root, regular, and without tricks."""

from __future__ import annotations

import re
from pathlib import Path

from vldata.errors import UsageError

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:").match
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*").fullmatch  # surely good, and quickly told


class PathError(ValueError):
    """Why a path may not be used; the message is a clause."""


def path_fault(path: str) -> str:
    """Say why a media path may not stand in a record, or "" for a good one.

    Good is a relative POSIX path that stays below its folder, without a scheme, a backslash or control characters.
    """
    if _PLAIN(path):
        return ""
    if not path:
        return "is empty"
    if any(ord(char) < 32 or ord(char) == 127 or 0xD800 <= ord(char) <= 0xDFFF for char in path):
        return "holds a control character"
    if "\\" in path:
        return "holds a backslash"
    if path.startswith(("/", "~")):
        return "is not relative"
    if _SCHEME(path):
        return "has a scheme or drive"
    if any(part in ("", ".", "..") for part in path.split("/")):
        return "climbs or has empty parts"
    return ""


def find_below(root: Path, name: str, *, follow_links: bool = False) -> Path | None:
    """Return `root / name` if something is there, None if nothing is.

    Args:
        root: the folder that must hold it.
        name: a relative POSIX path from an annotation.
        follow_links: accept links that lead out of the root.

    Raises:
        PathError: the name is not a plain relative path, or leads out of the root.
    """
    plain = name.removeprefix("./")
    if fault := path_fault(plain):
        raise PathError(f"{name!r} {fault}")
    path = root / plain
    try:
        real = path.resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, RuntimeError) as error:
        raise PathError(f"{name!r} cannot be resolved: {error}") from None
    if not follow_links and not real.is_relative_to(root.resolve()):
        raise PathError(f"{name!r} is a link that leads out of {root}; --follow-links allows that")
    return path


def check_listed(source: Path, name: str, path: Path, *, follow_links: bool, roots: tuple[Path, ...] = ()) -> str:
    """Judge where an entry of a list of datasets leads; returns the sentence to say of one that leads out and is wanted, else "".

    Whoever wrote the list may name any file of this machine, whose text would then stand in records and findings.

    Args:
        source: the list, a dataset_info.json or a meta file.
        name: the entry.
        path: what it leads to.
        follow_links: the user wants entries that lead out.
        roots: folders that the user named, beside that of the list.

    Raises:
        UsageError: it leads out, and nobody said that it may.
    """
    real = path.resolve()
    if any(real.is_relative_to(folder.resolve()) for folder in (source.parent, *roots)):
        return ""
    what = f"{name!r} is outside the folder of {source.name}, at {real}"
    if follow_links:
        return f"Warning: {what}: whoever wrote {source.name} chose it, and --follow-links allows it."
    raise UsageError(
        f"{what}, and nothing of it was read: whoever wrote {source.name} chose it.",
        where=str(source),
        cure="If you mean that file, add --follow-links; or put it beside the list.",
    )


_ARCHIVES = (".zip", ".7z", ".rar", ".gz", ".tgz", ".bz2", ".xz", ".zst")


def refuse_archive(path: Path) -> None:
    """Say that a packed source must be unpacked.

    Raises:
        UsageError: it is packed.
    """
    if path.suffix.lower() in _ARCHIVES and path.is_file():
        raise UsageError("is an archive.", where=str(path), cure="Unpack it, and give what was in it.")
