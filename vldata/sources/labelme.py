"""LabelMe: one JSON file an image, with shapes in pixels.

Rectangles become boxes and points points; polygons, circles and lines become the boxes around them, counted and said. Shapes of one label
and one group_id are parts of one object, as the project's own labelme2coco.py takes them; `__ignore__` marks what is not annotated.
https://github.com/wkentaro/labelme
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.files.naming import natural_key
from vldata.sources.labelled import EVERY_IMAGE, Labelled, LabelledSource, Thing, Wishes
from vldata.sources.labelledsets import make_sources
from vldata.sources.splitnames import split_word
from vldata.sources.unplaced import LeftOut, names, unplaced
from vldata.wording import counted

_KNOWN = frozenset({"label", "points", "shape_type", "group_id"})
_OF_FILE = names("version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth")
_IGNORE = "__ignore__"


def open_source(
    source: Path | None = None,
    *,
    split: str = "",
    wishes: Wishes = EVERY_IMAGE,
) -> list[LabelledSource]:
    """LabelMe: a JSON file of shapes for each image.

    Args:
        source: The folder of JSON files and images.
        split: Only this split: train, val or test.
        wishes: How objects are asked for.

    Raises:
        DataError: no annotation was found.
    """
    root = source or Path()
    files = (
        sorted((path for path in root.rglob("*.json") if path.is_file()), key=lambda path: natural_key(str(path)))
        if root.is_dir()
        else [root]
    )
    folder = root if root.is_dir() else root.parent
    notes: Counter[str] = Counter()
    images = [image for file in files if (image := _image(file, folder, notes, wishes.ignore)) is not None]
    if not images:
        raise DataError("no LabelMe annotation was found.", where=str(root), cure="Give the folder of JSON files that LabelMe saved.")
    groups, ignored = notes.pop("group", 0), notes.pop(_IGNORE, 0)
    said = [f"{counted(count, kind)} written as the boxes around them." for kind, count in sorted(notes.items())]
    said += [f"{counted(groups, 'shape')} joined to objects with those of their group_id and label."] if groups else []
    said += (
        [f"{counted(ignored, 'region')} labelled {_IGNORE} left out; where there is one, nothing is asked that may be in it."]
        if ignored
        else []
    )
    return make_sources("labelme", folder, images, annotations=files, classes=(), notes=said, split=split, wishes=wishes)


def _image(file: Path, folder: Path, notes: Counter[str], ignore: tuple[str, ...]) -> Labelled | None:
    where = file.relative_to(folder).as_posix()
    table = strictjson.read_json(file)
    if not isinstance(table, dict) or not isinstance(table.get("shapes"), list):
        return None
    below = Path(where).parent
    name = str(table.get("imagePath") or "").replace("\\", "/").rpartition("/")[2]
    own = [(below / f"{file.stem}{suffix}").as_posix() for suffix in (".jpg", ".png", ".jpeg")]
    things: list[Thing] = []
    ignores = False
    groups: dict[tuple[str, str], int] = {}
    fault = ""
    unused = LeftOut(ignore, unplaced(table, _OF_FILE))
    if _tells(table.get("flags")):
        unused.add([("flags", table["flags"])])
    for number, shape in enumerate(table["shapes"]):
        thing = _thing(shape, notes) if isinstance(shape, dict) else "it is not an object."
        if isinstance(thing, str):
            fault = fault or f"shapes[{number}]: {thing}"
            continue
        if thing.label == _IGNORE:
            ignores = True
            notes[_IGNORE] += 1
            continue
        unused.add((f"shapes[].{key}", value) for key, value in shape.items() if key not in _KNOWN and _tells(value))
        group = (thing.label, str(shape["group_id"])) if shape.get("group_id") is not None and len(thing.values) == 4 else None
        if group in groups:
            things[groups[group]] = _joined(things[groups[group]], thing)
            notes["group"] += 1
            continue
        if group:
            groups[group] = len(things)
        things.append(thing)
    width, height = table.get("imageWidth"), table.get("imageHeight")
    size = (width, height) if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0 else None
    return Labelled(
        where=where,
        names=((below / name).as_posix(),) if name else tuple(own),
        stand_ins=tuple(own) if name and Path(name).stem != file.stem else (),
        things=tuple(things),
        split=split_word(below.name),
        size=size,
        unboxed=frozenset({""}) if ignores else frozenset(),
        fault=fault or unused.fault,
        code="VL215" if unused.fault and not fault else "VL201",
        unused=tuple(unused.fates.items()),
    )


def _tells(value: Any) -> bool:
    """Whether a field says something: of flags, those that are set."""
    return any(value.values()) if isinstance(value, dict) else bool(value)


def _joined(one: Thing, other: Thing) -> Thing:
    """The box around two parts of one object."""
    (a, b, c, d), (e, f, g, h) = one.values, other.values
    return Thing(one.label, (min(a, e), min(b, f), max(c, g), max(d, h)))


def _thing(shape: dict[str, Any], notes: Counter[str]) -> Thing | str:
    """An object, or why there is none."""
    label, points, kind = shape.get("label"), shape.get("points"), shape.get("shape_type") or "polygon"
    if not isinstance(label, str) or not label.strip():
        return "it has no label."
    if not isinstance(points, list) or not points or not all(_is_point(point) for point in points):
        return "its points are no pairs of numbers."
    across, down = [float(point[0]) for point in points], [float(point[1]) for point in points]
    if kind == "point":
        return Thing(label.strip(), (across[0], down[0]))
    if kind == "circle" and len(points) == 2:
        radius = ((across[1] - across[0]) ** 2 + (down[1] - down[0]) ** 2) ** 0.5
        across, down = [across[0] - radius, across[0] + radius], [down[0] - radius, down[0] + radius]
    if kind != "rectangle":
        notes[str(kind)] += 1
    corners = (min(across), min(down), max(across), max(down))
    if corners[2] <= corners[0] or corners[3] <= corners[1]:
        return "it has no area."
    return Thing(label.strip(), corners)


def _is_point(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(number, int | float) for number in value)
