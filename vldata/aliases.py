"""Places that a user knows by another name: a folder on this machine that stands for a bucket is called by its URL wherever we speak."""

from __future__ import annotations

from pathlib import Path

_known: dict[str, str] = {}


def call_it(folder: Path, name: str) -> None:
    """Remember what a folder, and everything below it, is called."""
    _known[str(folder)] = name


def named(text: str) -> str:
    """Put the names in place of the folders; the longest first, since one may lie in another."""
    for folder in sorted(_known, key=len, reverse=True):
        if folder in text:
            text = text.replace(folder, _known[folder])
    return text


def stands_for_another(folder: Path) -> bool:
    """Whether a folder lies below one that has another name: what is written there will be read elsewhere."""
    return any(folder.absolute().is_relative_to(known) for known in _known)
