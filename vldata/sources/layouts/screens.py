"""ScreenSpot: an instruction, a screenshot, and the box of what to click (njucckevin/SeeClick)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.sources.layouts.base import Part, Question, head_of, json_files, left_out, read_json, text_of

_ASK = 'Where would you click to do this: {}? Answer with the point, as a JSON object {{"point_2d": [x, y]}}.'


def find_screenspot(folder: Path) -> Sequence[Part]:
    """Find `screenspot_*.json`: lists of objects with img_filename, bbox (x, y, width, height) and instruction."""
    files = [
        path for path in json_files(folder) if all(key in head_of(path, 8_192) for key in (b'"img_filename"', b'"instruction"', b'"bbox"'))
    ]
    return [Part(split="", annotations=tuple(files), questions=_screens(files))] if files else ()


def _screens(files: Sequence[Path]) -> Any:
    def read() -> Iterator[Question]:
        for path in files:
            entries = read_json(path)
            if not isinstance(entries, list):
                raise DataError("holds no list.", where=str(path), cure="Fetch the file again.")
            for number, entry in enumerate(entries):
                where = f"{path.name}[{number}]"
                if not isinstance(entry, dict):
                    yield Question(id=where, where=where, fault="the row is not an object.")
                    continue
                name, box = text_of(entry.get("img_filename")), _corners(entry.get("bbox"))
                yield Question(
                    id=f"{path.stem}-{number}",
                    where=where,
                    images=(f"screenspot_imgs/{name}", f"images/{name}", name) if name else (),
                    text=_ASK.format(text_of(entry.get("instruction"))),
                    box=box,
                    meta={"category": text_of(entry.get("data_type")), "platform": text_of(entry.get("data_source"))},
                    unused=left_out(entry, _KNOWN),
                    fault="" if box else "its bbox is no list of x, y, width and height.",
                )

    return read


_KNOWN = frozenset({"img_filename", "bbox", "instruction", "data_type", "data_source"})


def _corners(value: Any) -> tuple[float, float, float, float] | None:
    """Corners of x, y, width and height."""
    if not isinstance(value, list) or len(value) != 4:
        return None
    if not all(isinstance(side, (int, float)) and not isinstance(side, bool) for side in value):
        return None
    return value[0], value[1], value[0] + value[2], value[1] + value[3]
