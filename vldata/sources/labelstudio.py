"""Label Studio's JSON export: rectangles, polygons and key points in percent of the sides.

Rotated rectangles and polygons become the boxes around them, counted and said; other results (text areas, choices) have no place, which the
census says. Of several annotations of a task the first is taken that is not cancelled; the others are counted.
https://labelstud.io/guide/task_format
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.media.refs import SUFFIXES
from vldata.sources.labelled import EVERY_IMAGE, Labelled, LabelledSource, Thing, Wishes
from vldata.sources.labelledsets import make_sources

_LABELS = {"rectanglelabels": "rectangle", "polygonlabels": "polygon", "keypointlabels": "point", "ellipselabels": "ellipse"}


def open_source(
    source: Path | None = None,
    *,
    split: str = "",
    wishes: Wishes = EVERY_IMAGE,
) -> list[LabelledSource]:
    """Label Studio: the JSON export of an object detection project.

    Args:
        source: The folder that holds the export and the images, or the JSON file.
        split: Only this split: train, val or test.
        wishes: How objects are asked for.

    Raises:
        DataError: nothing that looks like an export was found.
    """
    root = source or Path()
    file = root if root.is_file() else next((path for path in sorted(root.glob("*.json")) if _looks_right(path)), None)
    if file is None:
        raise DataError("no export of Label Studio is here.", where=str(root), cure="Export as JSON (not JSON-MIN), and give the file.")
    tasks = strictjson.read_json(file)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) and isinstance(task.get("data"), dict) for task in tasks):
        raise DataError("is not a list of tasks.", where=str(file), cure="Export as JSON (not JSON-MIN).")
    notes: Counter[str] = Counter()
    done = [(number, task) for number, task in enumerate(tasks) if _annotated(task)]
    if len(done) < len(tasks):  # not looked at yet is not the same as nothing there
        notes["Tasks without an annotation left out"] += len(tasks) - len(done)
    images = [_image(task, number, file, notes) for number, task in done]
    said = [f"{what}: {count:,}." for what, count in sorted(notes.items())]
    return make_sources("label-studio", file.parent, images, annotations=[file], classes=(), notes=said, split=split, wishes=wishes)


def _looks_right(path: Path) -> bool:
    with path.open("rb") as handle:
        head = handle.read(65_536)
    return b'"annotations"' in head and b'"data"' in head and head.lstrip()[:1] == b"["


def _image(task: dict[str, Any], number: int, file: Path, notes: Counter[str]) -> Labelled:
    where = f"{file.name}[{number}]"
    given = _annotated(task)
    if len(given) > 1:
        notes["Further annotations of a task left out"] += len(given) - 1
    named = [value for value in task["data"].values() if isinstance(value, str) and _places(value)]
    images = [value for value in named if _places(value)[0].lower().endswith(tuple(SUFFIXES))] or named
    address = images[0] if images else ""
    things: list[Thing] = []
    unboxed: set[str] = set()
    unused: dict[str, str] = {}
    size = None
    fault = "" if address else "its data name no image."
    if len(images) > 1:
        fault = f"its data name {len(images)} images, and which of them a box is on is not read."
    for result in _listed(given[0].get("result")):
        kind = result.get("type") if isinstance(result, dict) else None
        if not isinstance(kind, str) or kind not in _LABELS:
            unused[f"result.{kind if isinstance(kind, str) else '?'}"] = "left out"
            unboxed |= _names(result, kind)
            continue
        try:
            things += _things(result, notes)
        except (ValueError, TypeError, KeyError, AttributeError):
            fault = fault or f"a result of the type {kind!r} has no numbers."
        width, height = result.get("original_width"), result.get("original_height")
        if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
            size = width, height
    return Labelled(
        where=where,
        names=_places(address) or ("",),
        things=tuple(things),
        shares=True,
        size=size,
        unboxed=frozenset(unboxed),
        fault=fault,
        unused=tuple(unused.items()),
    )


def _names(result: Any, kind: Any) -> set[str]:
    """The labels of a result that is no box: of a brush, for example."""
    value = result.get("value") if isinstance(result, dict) and isinstance(kind, str) else None
    return {label for label in _listed(value.get(kind)) if isinstance(label, str)} if isinstance(value, dict) else set()


def _annotated(task: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for entry in _listed(task.get("annotations")) if isinstance(entry, dict) and not entry.get("was_cancelled")]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _places(address: str) -> tuple[str, ...]:
    """Where the image of an address may be below the export's folder."""
    parts = urlsplit(address)
    local = parse_qs(parts.query).get("d", [""])[0]
    path = unquote(local or parts.path).replace("\\", "/").lstrip("/")
    name = path.rpartition("/")[2]
    if "." not in name:
        return ()
    bare = name.partition("-")[2] if len(name.partition("-")[0]) == 8 else ""  # uploads get eight characters and a dash before their name
    tries = [path, path.removeprefix("data/"), f"upload/{name}", f"images/{name}", name]
    tries += [f"{folder}{bare}" for folder in ("upload/", "images/", "")] if bare else []
    return tuple(dict.fromkeys(tries))


def _things(result: dict[str, Any], notes: Counter[str]) -> list[Thing]:
    kind = _LABELS[result["type"]]
    value = result["value"]
    labels = [str(label) for label in value[result["type"]]]
    if len(labels) > 1:
        notes["Objects with several labels, written once for each"] += 1
    if kind == "point":
        corners: tuple[float, ...] = (value["x"] / 100, value["y"] / 100)
    else:
        corners = _box(kind, value, result, notes)
    return [Thing(label, corners) for label in labels]


def _box(kind: str, value: dict[str, Any], result: dict[str, Any], notes: Counter[str]) -> tuple[float, ...]:
    """The box around a shape, in shares. A rotation is about the top left corner, in pixels of the image."""
    if kind == "polygon":
        points = [(x / 100, y / 100) for x, y in value["points"]]
        notes["Polygons written as the boxes around them"] += 1
    elif kind == "ellipse":
        x, y, rx, ry = (value[key] / 100 for key in ("x", "y", "radiusX", "radiusY"))
        points = [(x - rx, y - ry), (x + rx, y + ry)]
        notes["Ellipses written as the boxes around them"] += 1
    else:
        x, y, width, height = (value[key] / 100 for key in ("x", "y", "width", "height"))
        points = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        if angle := math.radians(value.get("rotation") or 0):
            ratio = result["original_height"] / result["original_width"]
            notes["Rotated boxes written as the boxes around them"] += 1
            points = [
                (
                    x + (a - x) * math.cos(angle) - (b - y) * ratio * math.sin(angle),
                    y + (a - x) / ratio * math.sin(angle) + (b - y) * math.cos(angle),
                )
                for a, b in points
            ]
    across, down = [a for a, _ in points], [b for _, b in points]
    return (min(across), min(down), max(across), max(down))
