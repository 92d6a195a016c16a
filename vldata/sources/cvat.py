"""CVAT for images 1.1: one annotations.xml with boxes, polygons and points in pixels.

Polygons, polylines, ellipses, masks, cuboids and rotated boxes become the boxes around them, counted and said. A skeleton has no box:
its class is not asked for there. Tags are about the whole image, which the census says. https://docs.cvat.ai/docs/manual/advanced/formats/format-cvat/
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from vldata.errors import DataError
from vldata.sources.labelled import EVERY_IMAGE, Labelled, LabelledSource, Thing, Wishes
from vldata.sources.labelledsets import make_sources
from vldata.sources.outlines import half_sides, turned
from vldata.sources.safexml import read_xml
from vldata.sources.unplaced import Known, LeftOut, names, of_the_file, unplaced_xml
from vldata.wording import counted

_SHAPES = ("box", "polygon", "polyline", "points", "ellipse", "mask", "cuboid")
_CUBOID = [(f"x{corner}{face}", f"y{corner}{face}") for corner in ("tl", "bl", "tr", "br") for face in "12"]
_OF_SHAPES = names(
    *("@label", "@source", "@occluded", "@z_order", "@rotation", "@points", "@rle", "@left", "@top", "@width", "@height"),
    *("@xtl", "@ytl", "@xbr", "@ybr", "@cx", "@cy", "@rx", "@ry"),
    *(f"@{name}" for pair in _CUBOID for name in pair),
)
_OF_IMAGE: Known = {**names("@id", "@name", "@subset", "@width", "@height", "@task_id"), **dict.fromkeys(_SHAPES, _OF_SHAPES)}
_LABELS: Known = {"label": names("name", "color", "type", "attributes", "svg", "parent")}
_TASK: Known = {
    **names("id", "name", "size", "mode", "overlap", "bugtracker", "created", "updated", "subset", "start_frame", "stop_frame"),
    **names("frame_filter", "source", "organization", "dimension", "status", "cloud_storage_file", "bug_tracker"),
    "labels": _LABELS,
    "segments": {"segment": names("id", "start", "stop", "url")},
    **dict.fromkeys(("owner", "assignee"), names("username", "email")),
    "original_size": names("width", "height"),
}
_OF_FILE: Known = {
    **names("version"),
    "meta": {**names("dumped", "source"), **dict.fromkeys(("task", "job"), _TASK), "project": {**_TASK, "tasks": {"task": _TASK}}},
}


def open_source(
    source: Path | None = None,
    *,
    split: str = "",
    wishes: Wishes = EVERY_IMAGE,
) -> list[LabelledSource]:
    """CVAT: the annotations.xml of an export "CVAT for images 1.1".

    The subset of each image is its split.

    Args:
        source: The folder that holds annotations.xml and images/, or the XML file.
        split: Only this split: train, val or test.
        wishes: How objects are asked for.

    Raises:
        DataError: there is no such file.
    """
    root = source or Path()
    file = root if root.is_file() else root / "annotations.xml"
    if not file.is_file():
        raise DataError("no annotations.xml is here.", where=str(root), cure='Export as "CVAT for images 1.1", and give the folder.')
    tree = read_xml(file)
    if isinstance(tree, str):
        raise DataError(tree, where=str(file), cure="Export it again.")
    if tree.find("track") is not None:
        raise DataError("holds tracks of a video.", where=str(file), cure='Export as "CVAT for images 1.1" instead of "for video".')
    classes = [label.findtext("name") or "" for label in tree.iter("label") if label.findtext("name")]
    notes: Counter[str] = Counter()
    named = frozenset(name.strip() for name in classes)
    images = [_image(entry, file, notes, named, wishes.ignore) for entry in tree.iter("image")]
    said = of_the_file(unplaced_xml(_head(tree), _OF_FILE), wishes.ignore, where=str(file))
    said += [f"{counted(count, kind)} written as the boxes around them." for kind, count in sorted(notes.items())]
    return make_sources("cvat", file.parent, images, annotations=[file], classes=classes, notes=said, split=split, wishes=wishes)


def _head(tree: ElementTree.Element) -> ElementTree.Element:
    """The file without its images."""
    head = ElementTree.Element(tree.tag, tree.attrib)
    head.extend(child for child in tree if child.tag != "image")
    return head


def _image(entry: ElementTree.Element, file: Path, notes: Counter[str], classes: frozenset[str], ignore: tuple[str, ...]) -> Labelled:
    name, subset = entry.get("name", ""), entry.get("subset", "")
    things: list[Thing] = []
    fault = ""
    unboxed: set[str] = set()
    lost: dict[tuple[str, str], None] = {}
    unused = LeftOut(ignore, unplaced_xml(entry, _OF_IMAGE, "image"))
    for shape in entry:
        label = shape.get("label", "").strip()
        if shape.tag not in _SHAPES:
            if shape.tag == "tag":
                unboxed.add(label)
            else:
                lost[label, shape.tag] = None
            continue
        if classes and label and label not in classes:
            fault = fault or f"{shape.tag} {label!r}: the labels of the task do not list it."
            continue
        try:
            things.append(_thing(shape, notes))
        except (ValueError, TypeError) as error:
            fault = fault or f"{shape.tag} {shape.get('label')!r}: {error}."
    width, height = (int(text) if (text := entry.get(side, "")).isdecimal() else 0 for side in ("width", "height"))
    places = (f"images/{subset}/{name}", f"images/{name}", name, f"{subset}/{name}")
    return Labelled(
        where=f"{file.name}[image id={entry.get('id')}]",
        names=tuple(dict.fromkeys(place.lstrip("/").replace("//", "/") for place in places)),
        things=tuple(things),
        split=subset.lower() if subset.lower() != "default" else "",
        size=(width, height) if width > 0 and height > 0 else None,
        unboxed=frozenset(unboxed),
        lost=tuple(lost),
        fault=fault or unused.fault,
        code="VL215" if unused.fault and not fault else "VL201",
        unused=tuple(unused.fates.items()),
    )


def _thing(shape: ElementTree.Element, notes: Counter[str]) -> Thing:
    label = shape.get("label", "").strip()
    if not label:
        raise ValueError("it has no label")
    angle = float(shape.get("rotation", "0") or 0)
    corners: list[tuple[float, float]]
    if shape.tag == "ellipse":
        x, y, rx, ry = (float(shape.get(key, "")) for key in ("cx", "cy", "rx", "ry"))
        half, tall = half_sides(rx, ry, angle)
        corners, angle = [(x - half, y - tall), (x + half, y + tall)], 0
    elif shape.tag == "box":
        left, top, right, bottom = (float(shape.get(key, "")) for key in ("xtl", "ytl", "xbr", "ybr"))
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    elif shape.tag == "mask":
        left, top, width, height = (float(shape.get(key, "")) for key in ("left", "top", "width", "height"))
        corners = [(left, top), (left + width, top + height)]
    elif shape.tag == "cuboid":
        corners = [(float(shape.get(x, "")), float(shape.get(y, ""))) for x, y in _CUBOID]
    else:
        corners = [(float(x), float(y)) for x, _, y in (pair.partition(",") for pair in shape.get("points", "").split(";"))]
    if shape.tag == "points" and len(corners) == 1:
        return Thing(label, corners[0])
    if angle:
        corners = turned(corners, angle)
    if shape.tag != "box" or angle:
        notes["rotated box" if shape.tag == "box" else shape.tag] += 1
    across, down = [x for x, _ in corners], [y for _, y in corners]
    box = (min(across), min(down), max(across), max(down))
    if box[2] <= box[0] or box[3] <= box[1]:
        raise ValueError("it has no area")
    return Thing(label, box)
