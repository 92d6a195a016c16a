"""Where predictions are to be written: found fit before anything is asked, so that no answer is paid for in vain."""

from __future__ import annotations

import os
from pathlib import Path

from vldata.errors import DataError, UsageError


def check_out(out: Path) -> None:
    """Hold `--out` to be a place for a file.

    Raises:
        UsageError: it is a folder or a device, or is in a folder that is not there.
        DataError: its folder cannot be written to.
    """
    if out.is_dir():
        raise UsageError(f"--out {str(out)!r} is a folder.", cure=f"Name a file in it, for example: --out {out / 'preds.jsonl'}")
    if out.exists() and not out.is_file():
        raise UsageError(f"--out {str(out)!r} is no file.", cure="Name a file, for example: --out preds.jsonl")
    if not out.parent.is_dir():
        raise UsageError(f"--out {str(out)!r}: there is no folder {str(out.parent)!r}.", cure="Make it first, or choose another place.")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise DataError("cannot be written to.", where=str(out.parent), cure="Choose another --out, or make this folder writable.")
