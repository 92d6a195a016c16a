"""ScreenSpot: an instruction, a screenshot, and the box of what to click (njucckevin/SeeClick): x, y, width, height in pixels.

ScreenSpot-Pro has `img_size` in every row, and boxes as two corners, as its evaluator
reads them (likaixin2000/ScreenSpot-Pro-GUI-Grounding).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.sources.layouts.base import LayoutPart, Question, changes_meaning, head_of, json_files, left_out, read_json, text_of

_ASK = 'Where would you click to do this: {}? Answer with the point, as a JSON object {{"point_2d": [x, y]}}.'


def find_screenspot(folder: Path) -> Sequence[LayoutPart]:
    """Find `screenspot_*.json`: lists of objects with img_filename, bbox (x, y, width, height) and instruction."""
    files = [
        path for path in json_files(folder) if all(key in head_of(path, 8_192) for key in (b'"img_filename"', b'"instruction"', b'"bbox"'))
    ]
    pro = [path for path in files if b'"img_size"' in head_of(path, 8_192)]
    said = ("Rows have img_size: boxes are read as two corners, as ScreenSpot-Pro has them.",) if pro else ()
    return [LayoutPart(split="", annotations=tuple(files), questions=_screens(files), said=said)] if files else ()


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
                name, box = text_of(entry.get("img_filename")), _corners(entry)
                yield Question(
                    id=f"{path.stem}-{number}",
                    where=where,
                    images=(f"screenspot_imgs/{name}", f"images/{name}", name) if name else (),
                    text=_ASK.format(text_of(entry.get("instruction"))),
                    box=box if isinstance(box, tuple) else None,
                    meta={"category": text_of(entry.get("data_type")), "platform": text_of(entry.get("data_source"))},
                    unused=left_out(entry, _KNOWN),
                    strange=changes_meaning(entry, _KNOWN),
                    fault=box if isinstance(box, str) else "",
                )

    return read


_KNOWN = frozenset({"img_size", "img_filename", "bbox", "instruction", "data_type", "data_source"})


def _corners(entry: dict[str, Any]) -> tuple[float, float, float, float] | str:
    """The corners of what to click, or why they cannot be told."""
    value, size = entry.get("bbox"), entry.get("img_size")
    if not isinstance(value, list) or len(value) != 4 or not all(type(side) in (int, float) for side in value):
        return "its bbox is no list of four numbers."
    if max(value) <= 1:
        return f"its bbox {value} looks like shares of the sides (0-1), while ScreenSpot counts pixels: multiply by the sides."
    if size is None:
        return value[0], value[1], value[0] + value[2], value[1] + value[3]
    if value[2] <= value[0] or value[3] <= value[1]:
        return f"its bbox {value} is no two corners, as rows with img_size have them; is it x, y, width, height?"
    return value[0], value[1], value[2], value[3]
