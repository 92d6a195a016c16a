"""Files for a bucket that name this machine's folder: their paths become relative to the folder that holds them, or they are not sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vldata.errors import UsageError
from vldata.files.durable import replace_atomic
from vldata.files.gate import below

_TEXT = (".jsonl", ".json", ".yaml", ".yml", ".py", ".txt", ".md", ".sh", ".html")
_BLOCK = 1 << 20


def make_relative(folder: Path, names: Sequence[str]) -> None:
    """Take a folder out of the files below it, so that they hold wherever it is copied to.

    Raises:
        UsageError: a file of another kind holds it.
    """
    within, whole = f"{folder}/".encode(), str(folder).encode()
    for name in names:
        file = below(folder, name)
        if not _holds(file.checked(), whole):
            continue
        if not name.endswith(_TEXT):
            raise UsageError(f"{name!r} names folders of this machine.", cure="Use --images copy or embed, or export to this machine.")
        with file.open() as lines, replace_atomic(folder / name) as out:
            for line in lines:
                out.write(line.replace(within, b"").replace(whole, b"."))


def _holds(file: Path, text: bytes) -> bool:
    tail = b""
    with file.open("rb") as handle:
        while block := handle.read(_BLOCK):
            if text in tail + block:
                return True
            tail = block[-len(text) :]
    return False
