"""Files that a trainer gives to Python's own json, whole or line by line: what it stumbles on where other readers do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vldata.files.strictjson import LongLine, iter_line_blocks, read_head
from vldata.linting.consumer import RowSet, WholeFinding
from vldata.linting.outcomes import RowFinding
from vldata.linting.reading import open_json

_BOM = b"\xef\xbb\xbf"


def python_faults(parts: list[RowSet], prefix: str, whole: Callable[[Path], bool]) -> None:
    """Put before each part what Python's json cannot read of its files: 01 no JSON, 05 not the form of its name.

    Args:
        parts: as they were opened.
        prefix: of the consumer's codes.
        whole: whether a file is read whole, as one list; else it is read line by line.
    """
    for part in parts:
        for file, _ in part.files:
            listed = whole(file)
            if read_head(file, 3) == _BOM:
                part.first.append(WholeFinding(str(file), RowFinding(f"{prefix}01", "Unexpected UTF-8 BOM")))
            if (open_json(file).form == "list") != listed:
                part.first.append(WholeFinding(str(file), RowFinding(f"{prefix}05", "lines" if listed else "a list")))
            elif not listed and (fault := _line_fault(file)):
                part.first.append(WholeFinding(str(file), RowFinding(f"{prefix}01", fault)))


def _line_fault(file: Path) -> str:
    """Return the first line that is no JSON by itself: a blank one, or the beginning of an object that goes on."""
    for first, lines in iter_line_blocks(file, tell_long=True):
        for number, line in enumerate(lines, first):
            if type(line) is LongLine:
                continue
            text = line.strip()
            if not text:
                return f"line {number} is blank"
            if text[:1] == b"{" and text[-1:] != b"}":
                return f"the object of line {number} goes over several lines"
    return ""
