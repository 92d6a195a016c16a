"""COCO: instances with boxes (bbox as x, y, width, height in pixels).

One JSON file a split, as COCO, Roboflow, CVAT and Label Studio write it. `iscrowd` regions are left out and
counted; segmentations and keypoints have no place in a record of boxes, which the census says. https://cocodataset.org/#format-data
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.sources.labelled import EVERY_IMAGE, Labelled, LabelledSource, Thing, Wishes
from vldata.sources.labelledsets import make_sources
from vldata.sources.splitnames import split_word
from vldata.wording import counted

_KNOWN = frozenset({"id", "image_id", "category_id", "bbox", "area", "iscrowd"})
_EMPTY: tuple[Any, ...] = (None, [], {}, "", 0)


def open_source(
    source: Path | None = None,
    *,
    split: str = "",
    wishes: Wishes = EVERY_IMAGE,
) -> list[LabelledSource]:
    """COCO: objects with boxes, as the dataset, Roboflow, CVAT or Label Studio export them.

    Every split becomes a dataset of its own. Crowd regions are left out and counted.

    Args:
        source: The folder that holds annotations/ and the images, or one annotation file.
        split: Only this split: train, val or test.
        wishes: How objects are asked for.

    Raises:
        DataError: nothing that looks like COCO was found.
    """
    root = source or Path()
    files, aside = ([root], []) if root.is_file() else _find(root)
    folder = root.parent if root.is_file() else root
    if root.is_file() and root.parent.name == "annotations":
        folder = root.parent.parent
    images: list[Labelled] = []
    classes: dict[str, None] = {}
    crowds = 0
    for file in files:
        table = _read(file)
        names = {entry["id"]: str(entry["name"]) for entry in table["categories"]}
        classes.update(dict.fromkeys(names.values()))
        crowds += sum(1 for entry in table["annotations"] if entry.get("iscrowd"))
        images += _images(file, folder, table, names)
    notes = [f"{', '.join(file.name for file in aside)} left aside: instances_*.json holds their objects and more."] if aside else []
    notes += [f"{counted(crowds, 'crowd region')} left out: they are no single objects."] if crowds else []
    return make_sources("coco", folder, images, annotations=files, classes=list(classes), notes=notes, split=split, wishes=wishes)


def _find(root: Path) -> tuple[list[Path], list[Path]]:
    """The annotation files of a folder: JSON with images, annotations and categories, of boxes.

    COCO's own download has persons twice, in instances_* and in person_keypoints_*: the second list is of those that are left aside.
    """
    places = [root, root / "annotations", *(path for path in sorted(root.iterdir()) if path.is_dir())] if root.is_dir() else []
    found = []
    for path in dict.fromkeys(file for place in places if place.is_dir() for file in sorted(place.glob("*.json"))):
        with path.open("rb") as handle:
            head = handle.read(200_000)
        if b'"images"' in head or b'"annotations"' in head or b'"categories"' in head:
            table = strictjson.read_json(path)
            if _is_coco(table) and any(isinstance(entry, dict) and "bbox" in entry for entry in table["annotations"]):
                found.append(path)
    if not found:
        raise DataError(
            "no COCO annotation file was found.",
            where=str(root),
            cure="Give the folder that holds annotations/instances_*.json, or the file.",
        )
    aside = [file for file in found if file.with_name(file.name.replace("person_keypoints_", "instances_", 1)) in set(found) - {file}]
    return [file for file in found if file not in aside], aside


def _is_coco(table: Any) -> bool:
    return isinstance(table, dict) and all(isinstance(table.get(key), list) for key in ("images", "annotations", "categories"))


def _read(file: Path) -> dict[str, Any]:
    table: dict[str, Any] = strictjson.read_json(file)
    if not _is_coco(table):
        raise DataError("is not a COCO file.", where=str(file), cure="It needs the lists images, annotations and categories.")
    for key, needs in (("images", ("id", "file_name")), ("annotations", ("image_id", "category_id")), ("categories", ("id", "name"))):
        for number, entry in enumerate(table[key]):
            if not isinstance(entry, dict) or any(not isinstance(entry.get(name), int | str) for name in needs):
                raise DataError(f"{key}[{number}] lacks {' or '.join(needs)}.", where=str(file), cure="Export it again.")
    for key in ("images", "categories"):
        twice = [found for found, times in Counter(entry["id"] for entry in table[key]).items() if times > 1]
        if twice:  # which of them an annotation means cannot be told
            cure = "Files that were joined need new ids; join them with the tool that made them."
            raise DataError(f"the id {twice[0]!r} stands more than once in {key}.", where=str(file), cure=cure)
    return table


def _images(file: Path, folder: Path, table: dict[str, Any], names: dict[Any, str]) -> Iterator[Labelled]:
    by_image: dict[Any, list[tuple[int, dict[str, Any]]]] = {}
    for number, entry in enumerate(table["annotations"]):
        by_image.setdefault(entry["image_id"], []).append((number, entry))
    known = {image["id"] for image in table["images"]}
    if lost := [image_id for image_id in by_image if image_id not in known]:
        raise DataError(f"annotations name the image {lost[0]!r}, which is not in images.", where=str(file), cure="Export it again.")
    split = split_word(file.stem) or (split_word(file.parent.name) if file.parent != folder else "")
    below = file.parent.relative_to(folder).as_posix() if file.parent != folder and file.parent.is_relative_to(folder) else ""
    year = "".join(char for char in file.stem if char.isdigit())
    for number, image in enumerate(table["images"]):
        entries = by_image.get(image["id"], [])
        name = str(image["file_name"]).replace("\\", "/")
        places = (
            name,
            f"{below}/{name}",
            f"{split}{year}/{name}",
            f"{split}/{name}",
            f"images/{name}",
            f"images/{split}/{name}",
            f"images/{split}{year}/{name}",
        )
        fault = ""
        things: list[Thing] = []
        crowds: set[str] = set()
        unused: dict[str, str] = {}
        for place, entry in entries:
            if entry.get("iscrowd"):
                crowds.add(names.get(entry["category_id"], ""))
                continue
            thing = _thing(entry, names)
            if isinstance(thing, str):
                fault = fault or f"annotations[{place}]: {thing}"
                continue
            things.append(thing)
            unused |= {f"annotations[].{key}": "left out" for key, value in entry.items() if key not in _KNOWN and value not in _EMPTY}
        width, height = image.get("width"), image.get("height")
        size = (width, height) if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0 else None
        yield Labelled(
            where=f"{file.name}[images][{number}]",
            names=tuple(dict.fromkeys(place.lstrip("/") for place in places)),
            things=tuple(things),
            split=split,
            size=size,
            unboxed=frozenset(crowds),
            fault=fault,
            unused=tuple(unused.items()),
        )


def _thing(entry: dict[str, Any], names: dict[Any, str]) -> Thing | str:
    """An object, or why there is none."""
    label = names.get(entry["category_id"])
    if label is None:
        return f"no category {entry['category_id']!r}."
    box = entry.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(value, int | float) for value in box):
        return f"the bbox {box!r:.60} is not four numbers."
    x, y, width, height = box
    if width <= 0 or height <= 0:
        return f"the bbox {box!r:.60} has no area."
    return Thing(label, (float(x), float(y), float(x + width), float(y + height)))
