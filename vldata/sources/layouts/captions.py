"""COCO captions (captions_train2017.json): an image with the sentences that people wrote about it; NoCaps has that form too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.sources.layouts.base import (
    LayoutPart,
    Question,
    changes_meaning,
    head_of,
    json_files,
    left_out,
    read_json,
    split_of,
    text_of,
    with_file_fields,
)
from vldata.sources.unplaced import names as whole
from vldata.sources.unplaced import unplaced_paths

ASK = "Describe the image in one sentence."
_IMAGE = frozenset({"id", "file_name", "width", "height"})
_CAPTION = frozenset({"id", "image_id", "caption"})
_FILE = whole("images", "annotations")


def find_captions(folder: Path) -> Sequence[LayoutPart]:
    """Find `captions_*.json` of COCO's form: images and annotations by image_id."""
    files = [path for path in json_files(folder, "captions_*.json") if b'"images"' in head_of(path, 1 << 20)]
    return [LayoutPart(split=split_of(path, folder), annotations=(path,), questions=_reader(path)) for path in files]


def _reader(path: Path) -> Callable[[], Iterator[Question]]:
    def read() -> Iterator[Question]:
        table = read_json(path)
        yield from with_file_fields(_questions(table, path), unplaced_paths(table, _FILE))

    return read


def _questions(table: Any, path: Path) -> Iterator[Question]:
    images, annotations = (table.get(key) if isinstance(table, dict) else None for key in ("images", "annotations"))
    if not isinstance(images, list) or not isinstance(annotations, list):
        raise DataError("holds no lists 'images' and 'annotations'.", where=str(path), cure="Fetch the file again.")
    captions: dict[str, list[dict[str, Any]]] = {}
    for entry in annotations:
        if isinstance(entry, dict):
            captions.setdefault(text_of(entry.get("image_id")), []).append(entry)
    seen: set[str] = set()
    for number, image in enumerate(images):
        where = f"{path.name}.images[{number}]"
        number_of = text_of(image.get("id")) if isinstance(image, dict) else ""
        if not number_of or number_of in seen:
            yield Question(id=f"image {number}", where=where, fault="its id is missing, or stands twice.")
            continue
        seen.add(number_of)
        yield _question(image, number_of, captions.pop(number_of, []), where, path)
    for number_of in captions:
        yield Question(
            id=f"caption of {number_of}", where=path.name, fault=f"captions are of the image {number_of!r}, which is not in the file."
        )


def _question(image: dict[str, Any], number_of: str, told: Sequence[dict[str, Any]], where: str, path: Path) -> Question:
    name = text_of(image.get("file_name"))
    year = path.stem.removeprefix("captions_")
    texts = tuple(text for entry in told if (text := text_of(entry.get("caption"))))
    places = [f"{folder}/{name}" if folder else name for folder in (year, f"images/{year}", "images", "")] if name else []
    unused = dict(pair for entry in (image, *told) for pair in left_out(entry, _IMAGE | _CAPTION))
    fault = "" if name else "it has no file_name."
    strange = dict.fromkeys(name for entry in (image, *told) for name in changes_meaning(entry, _IMAGE | _CAPTION))
    return Question(
        id=number_of,
        where=where,
        images=tuple(places),
        text=ASK,
        answers=texts,
        unused=tuple(unused.items()),
        strange=tuple(strange),
        fault=fault or ("" if texts else "it has no caption: a test set cannot be learned."),
    )
