"""Named pipes, sockets and devices where a file is meant: opening one may wait for ever, and reading one may never end."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from vldata.errors import DataError, UsageError

# What a shell hands over by name: `<(zcat answers.jsonl.gz)`, a redirected stream, or nowhere.
_HANDED = ("/dev/fd/", "/dev/std", "/proc/self/fd/", "/dev/null")
CURE = "Nothing waits for what may never come: give a regular file, or what came out of it."


def special_kind(path: str | os.PathLike[str]) -> str:
    """Say what stands at a path that is neither file nor folder; "" for those two, for nothing, and for what a shell hands over."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - a text that is no path at all raises less this way
    except (OSError, ValueError):
        return ""
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode) or os.fspath(path).startswith(_HANDED):
        return ""
    return "a named pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"


def refuse_special(path: Path) -> None:
    """Refuse to open what is no file.

    Raises:
        DataError: with what it is.
    """
    if kind := special_kind(path):
        raise DataError(f"is {kind}, not a file.", where=str(path), cure=CURE)


def refuse_special_given(given: Mapping[str, Any]) -> None:
    """Refuse them among the values of a command line, before anything is opened.

    Raises:
        UsageError: with the first.
    """
    for value in given.values():
        for one in value if isinstance(value, list | tuple) else (value,):
            for path in (one, one.rpartition("=")[0]) if isinstance(one, str) else (one,):
                if isinstance(path, str | PurePath) and (kind := special_kind(path)):
                    raise UsageError(f"is {kind}, not a file or folder.", where=str(path), cure=CURE)
