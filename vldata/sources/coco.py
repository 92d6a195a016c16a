"""COCO: instances with boxes (bbox as x, y, width, height in pixels).

One JSON file a split, as COCO, Roboflow, CVAT and Label Studio write it. Regions with `iscrowd` or `ignore` are left out and
counted; segmentations have no place in a record of boxes, which the census says. With `--shapes points` key points are asked for,
labelled ones, hidden or not. https://cocodataset.org/#format-data
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.sources.faults import read_alone
from vldata.sources.labelled import EVERY_IMAGE, Labelled, LabelledSource, Thing, Wishes
from vldata.sources.labelledsets import make_sources
from vldata.sources.outlines import around_turned
from vldata.sources.splitnames import split_word
from vldata.sources.unplaced import LeftOut, of_the_file, unplaced
from vldata.sources.unplaced import names as whole
from vldata.wording import counted

_KNOWN = frozenset({"id", "image_id", "category_id", "bbox", "area", "iscrowd", "ignore"})
_OF_IMAGES = frozenset({"id", "file_name", "width", "height", "coco_url", "neg_category_ids", "not_exhaustive_category_ids"})
_SAID_OF_IMAGES = frozenset({"license", "flickr_url", "date_captured"})  # of every image of COCO itself; they say nothing of its objects
_OF_FILE = {**whole("images", "annotations"), "categories": whole("id", "name", "supercategory", "keypoints", "skeleton")}
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
    if wishes.shapes == "points" and aside:  # the key points are in those
        files, aside = aside, [file for file in files if "instances_" in file.name]
    folder = root.parent if root.is_file() else root
    if root.is_file() and root.parent.name == "annotations":
        folder = root.parent.parent
    images: list[Labelled] = []
    classes: list[str] = []
    joints: dict[Any, list[str]] = {}
    crowds = scored = ignored = rotated = 0
    strange: list[tuple[str, Any]] = []
    over: dict[str, None] = {}
    for file in files:
        table = _read(file)
        strange += unplaced(table, _OF_FILE)
        _check_corners(file, table)
        if wishes.shapes == "points":
            joints |= _joints(table)
        names = {entry["id"]: str(entry["name"]).strip() for entry in table["categories"]}
        above = _only_above(table, names)
        over |= dict.fromkeys(above)
        classes += [name for name in names.values() if name not in above and (file == files[0] or name not in classes)]
        scored += sum(1 for entry in table["annotations"] if "score" in entry)
        crowds += sum(1 for entry in table["annotations"] if entry.get("iscrowd"))
        ignored += sum(1 for entry in table["annotations"] if entry.get("ignore") and not entry.get("iscrowd"))
        rotated += sum(1 for entry in table["annotations"] if _angle(entry))
        images += _images(file, folder, table, names, _Reading(joints, wishes.ignore))
    if joints:
        classes = list(dict.fromkeys(name for points in joints.values() for name in points))
    notes = [f"{', '.join(file.name for file in aside)} left aside: of the same images."] if aside else []
    notes += of_the_file(strange, wishes.ignore, where=str(folder))
    if scored and "score" in wishes.ignore:
        notes.append(f"{counted(scored, 'annotation')} with a score, as predictions have: taken as what is there, however low the score.")
    notes += [f"Not asked for, since it only stands above other classes and has no object: {', '.join(over)}."] if over else []
    partial = sum(1 for image in images if image.judged is not None)
    notes += [f"{counted(partial, 'image')} judged for some classes alone (neg_category_ids), and asked for those."] if partial else []
    notes += [f"{counted(crowds, 'crowd region')} left out: they are no single objects."] if crowds else []
    told = f"{counted(ignored, 'region')} marked `ignore` left out; where there is one, nothing is asked that may be in it."
    notes += [told] if ignored else []
    notes += [f"{counted(rotated, 'turned box')} (attributes.rotation, CVAT) written as the boxes around them."] if rotated else []
    return make_sources("coco", folder, images, annotations=files, classes=classes, notes=notes, split=split, wishes=wishes)


def _find(root: Path) -> tuple[list[Path], list[Path]]:
    """The annotation files of a folder: JSON with images, annotations and categories, of boxes.

    COCO's own download has persons twice, in instances_* and in person_keypoints_*: the second list is of those that are left aside.
    """
    places = [root, root / "annotations", *(path for path in sorted(root.iterdir()) if path.is_dir())] if root.is_dir() else []
    found = []
    for path in dict.fromkeys(file for place in places if place.is_dir() for file in sorted(place.glob("*.json")) if file.is_file()):
        head = strictjson.read_head(path, 200_000)
        if b'"images"' in head or b'"annotations"' in head or b'"categories"' in head:
            table = strictjson.read_json(path)
            if _is_coco(table) and any(
                isinstance(entry, dict) and ("bbox" in entry or entry.get("segmentation")) for entry in table["annotations"]
            ):
                found.append(path)
    if not found:
        read_alone(root / "annotations")
        read_alone(root)
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
    for key, needs in (("images", ("id",)), ("annotations", ("image_id", "category_id")), ("categories", ("id", "name"))):
        for number, entry in enumerate(table[key]):
            if not isinstance(entry, dict) or any(not isinstance(entry.get(name), int | str) for name in needs):
                raise DataError(f"{key}[{number}] lacks {' or '.join(needs)}.", where=str(file), cure="Export it again.")
    for number, entry in enumerate(table["images"]):
        if not _name_of(entry):
            raise DataError(f"images[{number}] lacks file_name.", where=str(file), cure="Export it again.")
    for key in ("images", "categories"):
        twice = [found for found, times in Counter(entry["id"] for entry in table[key]).items() if times > 1]
        if twice:  # which of them an annotation means cannot be told
            cure = "Files that were joined need new ids; join them with the tool that made them."
            raise DataError(f"the id {twice[0]!r} stands more than once in {key}.", where=str(file), cure=cure)
    return table


def _name_of(image: dict[str, Any]) -> str:
    """The file of an image; LVIS gives its address alone, which ends in it."""
    name = image.get("file_name")
    if isinstance(name, int | str) and str(name):
        return str(name).replace("\\", "/")
    address = image.get("coco_url")
    return "/".join(address.split("/")[-2:]) if isinstance(address, str) else ""


def _check_corners(file: Path, table: dict[str, Any]) -> None:
    """Refuse boxes that are two corners: where their area is that of the corners, and not that of a width and height.

    Raises:
        DataError: with both readings of the first.
    """
    sides = corners = 0
    first = ""
    for entry in table["annotations"]:
        box, area = entry.get("bbox"), entry.get("area")
        if not _are_numbers(box) or not isinstance(area, int | float) or area <= 0:
            continue
        x, y, width, height = box
        if abs(width * height - area) <= 1 + 0.01 * area:
            sides += 1
        elif width > x and height > y and abs((width - x) * (height - y) - area) <= 1 + 0.01 * area:
            corners += 1
            first = first or f"{box} has the area {area:g}: {width:g} x {height:g} as x, y, width, height, but as two corners just that"
    if corners > sides:
        cure = "COCO counts x, y, width, height; write the boxes so, or correct the areas."
        raise DataError(
            f"boxes look like two corners in {corners:,} of {len(table['annotations']):,} annotations: {first}.", where=str(file), cure=cure
        )


class _Reading(NamedTuple):
    """The names of the key points of each category that has some, and fields that may be left out."""

    joints: dict[Any, list[str]]
    ignore: tuple[str, ...]


def _images(file: Path, folder: Path, table: dict[str, Any], names: dict[Any, str], reading: _Reading) -> Iterator[Labelled]:
    by_image: dict[Any, list[tuple[int, dict[str, Any]]]] = {}
    for number, entry in enumerate(table["annotations"]):
        by_image.setdefault(entry["image_id"], []).append((number, entry))
    known = {image["id"] for image in table["images"]}
    if lost := [image_id for image_id in by_image if image_id not in known]:
        raise DataError(f"annotations name the image {lost[0]!r}, which is not in images.", where=str(file), cure="Export it again.")
    split = split_word(file.stem) or (split_word(file.parent.name) if file.parent != folder else "")
    for number, image in enumerate(table["images"]):
        judged, partial = _judged(image, names)
        found = _Objects(names, reading, partial)
        for place, entry in by_image.get(image["id"], []):
            found.add(place, entry)
        known_of_images = _OF_IMAGES | _SAID_OF_IMAGES
        found.left.add((f"images[].{key}", value) for key, value in image.items() if key not in known_of_images and value not in _EMPTY)
        width, height = image.get("width"), image.get("height")
        size = (width, height) if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0 else None
        yield Labelled(
            where=f"{file.name}[images][{number}]",
            names=_places(file, folder, split, image),
            things=tuple(found.things),
            split=split,
            size=size,
            unboxed=frozenset(found.crowds),
            lost=tuple(sorted(found.unmarked)) + tuple((label, "class not marked everywhere") for label in sorted(partial)),
            judged=judged,
            fault=found.fault or found.left.fault,
            code="VL215" if found.left.fault and not found.fault else "VL201",
            unused=tuple(found.left.fates.items()),
        )


def _places(file: Path, folder: Path, split: str, image: dict[str, Any]) -> tuple[str, ...]:
    """Where the image may be, the likeliest first: relative to the folder, unless it is named by a whole path."""
    name = _name_of(image)
    bare = name.rpartition("/")[2] if "file_name" not in image else ""
    part = file.stem.partition("_")[2]
    below = file.parent.relative_to(folder).as_posix() if file.parent != folder and file.parent.is_relative_to(folder) else ""
    year = "".join(char for char in file.stem if char.isdigit())
    places = (
        *((bare, f"images/{bare}") if bare else ()),
        f"images/{part}/{name}",  # CVAT: the images of instances_default.json are in images/default
        name,
        f"{below}/{name}",
        f"{split}{year}/{name}",
        f"{split}/{name}",
        f"images/{name}",
        f"images/{split}/{name}",
        f"images/{split}{year}/{name}",
    )
    if name.startswith("/"):
        return tuple(dict.fromkeys(places))
    return tuple(dict.fromkeys("/".join(part for part in place.split("/") if part) for place in places))


class _Objects:
    """The objects of one image.

    Args:
        names: of the categories.
        reading: key points, and what may be left out.
        partial: classes that are not marked everywhere in the image.
    """

    def __init__(self, names: dict[Any, str], reading: _Reading, partial: Collection[str]) -> None:
        self._names, self._joints, self._partial = names, reading.joints, partial
        self.things: list[Thing] = []
        self.fault = ""
        self.crowds: set[str] = set()
        self.unmarked: set[tuple[str, str]] = set()
        self.left = LeftOut(reading.ignore)

    def add(self, place: int, entry: dict[str, Any]) -> None:
        """Read one annotation, which stands at this place of the list."""
        category = entry["category_id"]
        if entry.get("iscrowd") or entry.get("ignore"):
            self.crowds.add(self._names.get(category, ""))
            return
        if category in self._joints:
            found = points_of(entry, self._joints[category])
            if isinstance(found, str):
                self.fault = self.fault or f"annotations[{place}]: {found}"
            elif not found:  # where its points are nobody has said
                self.unmarked |= {(name, "joint that is not marked") for name in self._joints[category]}
            else:
                self.things += found
            return
        thing = _thing(entry, self._names)
        if isinstance(thing, str):
            self.fault = self.fault or f"annotations[{place}]: {thing}"
            return
        if thing.label not in self._partial:
            self.things.append(thing)
        self.left.add((f"annotations[].{key}", value) for key, value in entry.items() if key not in _KNOWN and value not in _EMPTY)


def _only_above(table: dict[str, Any], names: dict[Any, str]) -> list[str]:
    """Classes without an object that are the supercategory of others: Roboflow's first one, of which every object is one, too."""
    used = {entry["category_id"] for entry in table["annotations"]}
    parents = {
        str(entry.get("supercategory")).strip() for entry in table["categories"] if str(entry["name"]).strip() != entry.get("supercategory")
    }
    return [name for key, name in names.items() if name in parents and key not in used]


def _joints(table: dict[str, Any]) -> dict[Any, list[str]]:
    """The names of the key points of each category; with the category where two have the same."""
    named = {
        entry["id"]: [str(name) for name in entry["keypoints"]]
        for entry in table["categories"]
        if isinstance(entry.get("keypoints"), list) and entry["keypoints"]
    }
    times = Counter(name for names in named.values() for name in set(names))
    titles = {entry["id"]: str(entry["name"]).strip() for entry in table["categories"]}
    return {key: [name if times[name] == 1 else f"{titles[key]} {name}" for name in names] for key, names in named.items()}


def points_of(entry: dict[str, Any], names: list[str]) -> list[Thing] | str:
    """The key points of an object (x, y, v for each, as the format has them), or why they cannot be read; v of 0 is not labelled.

    A place counts from the corner of the image; key points lie in the middle of their pixel only in some tools, half a pixel at most.
    """
    values = entry.get("keypoints") or []
    if not isinstance(values, list) or not all(isinstance(value, int | float) for value in values):
        return "its keypoints are no numbers."
    if values and len(values) != 3 * len(names):
        return f"it has {len(values)} numbers for {len(names)} key points."
    triples = zip(values[::3], values[1::3], values[2::3], strict=True)
    return [Thing(name, (float(x), float(y))) for name, (x, y, seen) in zip(names, triples, strict=False) if seen > 0]


def _judged(image: dict[str, Any], names: dict[Any, str]) -> tuple[frozenset[str] | None, frozenset[str]]:
    """The classes that were looked for beside those with a box, and those of which not every object has one, as LVIS says."""
    absent, partial = image.get("neg_category_ids"), image.get("not_exhaustive_category_ids")
    found = [
        frozenset(names.get(key, "") for key in keys if isinstance(key, int | str)) if isinstance(keys, list) else None
        for keys in (absent, partial)
    ]
    return found[0], found[1] or frozenset()


def _are_numbers(box: Any) -> bool:
    return isinstance(box, list) and len(box) == 4 and all(isinstance(value, int | float) for value in box)


def _around(polygons: Any) -> list[float] | None:
    """The box (x, y, width, height) around polygons, None where there is none."""
    flat = [value for polygon in polygons if isinstance(polygon, list) for value in polygon] if isinstance(polygons, list) else []
    if len(flat) < 6 or len(flat) % 2 or not all(isinstance(value, int | float) for value in flat):
        return None
    across, down = flat[::2], flat[1::2]
    return [min(across), min(down), max(across) - min(across), max(down) - min(down)]


def _thing(entry: dict[str, Any], names: dict[Any, str]) -> Thing | str:
    """An object, or why there is none."""
    label = names.get(entry["category_id"])
    if label is None:
        return f"no category {entry['category_id']!r}."
    box = entry.get("bbox") or _around(entry.get("segmentation"))
    if box is None or not _are_numbers(box):
        return f"the bbox {box!r:.60} is not four numbers."
    angle = _angle(entry)
    drawn = _around(entry.get("segmentation")) if angle else None  # it is of the turned box, where it is written
    x, y, width, height = drawn or box
    if width <= 0 or height <= 0:
        return f"the bbox {box!r:.60} has no area."
    corners = (float(x), float(y), float(x + width), float(y + height))
    return Thing(label, around_turned(corners, angle) if angle and not drawn else corners)


def _angle(entry: dict[str, Any]) -> float:
    """The degrees by which CVAT's box is turned clockwise about its middle; its export writes the box as if it were not."""
    attributes = entry.get("attributes")
    angle = attributes.get("rotation") if isinstance(attributes, dict) else None
    return float(angle) % 360 if isinstance(angle, int | float) and not isinstance(angle, bool) and math.isfinite(angle) else 0.0
