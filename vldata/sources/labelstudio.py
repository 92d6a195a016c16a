"""Label Studio's JSON export: rectangles, polygons and key points in percent of the sides.

Rotated rectangles, polygons and ellipses become the boxes around them, counted and said; `<Labels>` gives the shape of its id a label.
A brush has no box, and a shape may have no label: their classes are not asked for there. Other results (text areas, choices) have no place,
which the census says. Of several annotations of a task the ground truth is taken, or else, a guess, the first that is not cancelled.
https://labelstud.io/guide/task_format
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.media.refs import SUFFIXES
from vldata.records.draft import Guess
from vldata.sources.faults import read_alone
from vldata.sources.labelled import EVERY_IMAGE, Labelled, LabelledSource, Thing, Wishes
from vldata.sources.labelledsets import make_sources
from vldata.sources.outlines import half_sides
from vldata.sources.unplaced import Known, LeftOut, unplaced
from vldata.sources.unplaced import names as whole

_LABELS = {"rectanglelabels": "rectangle", "polygonlabels": "polygon", "keypointlabels": "keypoint", "ellipselabels": "ellipse"}
_SHAPES = frozenset(_LABELS.values())
_NO_BOX = {
    "brushlabels": "brush",
    "brush": "brush",
    "vectorlabels": "vector",
    "vector": "vector",
    "bitmasklabels": "bitmask",
    "bitmask": "bitmask",
}

_VALUE = whole(
    *("x", "y", "width", "height", "rotation", "points", "closed", "radiusX", "radiusY", "labels", *_LABELS, *_NO_BOX),
    *("rle", "format", "text", "choices", "rating", "number", "taxonomy", "datetime", "pairwise", "ranker", "vertices", "imageDataURL"),
)
_RESULT: Known = {
    **whole("id", "type", "to_name", "from_name", "original_width", "original_height", "image_rotation", "origin", "readonly", "hidden"),
    **whole("locked", "from_id", "to_id", "direction"),  # of a relation, which is told by its type
    "value": _VALUE,
}
_TASK: Known = {
    **whole("id", "data", "inner_id", "project", "file_upload", "created_at", "updated_at", "updated_by", "comment_count", "allow_skip"),
    **whole("total_annotations", "cancelled_annotations", "total_predictions", "unresolved_comment_count", "last_comment_updated_at"),
    **whole("comment_authors", "state", "annotations"),
}
_ANNOTATION: Known = {
    **whole("id", "completed_by", "was_cancelled", "ground_truth", "created_at", "updated_at", "draft_created_at", "lead_time", "task"),
    **whole("unique_id", "import_id", "last_action", "bulk_created", "project", "updated_by", "last_created_by", "result_count"),
    **whole("parent_prediction", "parent_annotation", "prediction", "state"),
    "result": _RESULT,
}


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
        read_alone(root)
        raise DataError("no export of Label Studio is here.", where=str(root), cure="Export as JSON (not JSON-MIN), and give the file.")
    tasks = strictjson.read_json(file)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) and isinstance(task.get("data"), dict) for task in tasks):
        raise DataError("is not a list of tasks.", where=str(file), cure="Export as JSON (not JSON-MIN).")
    notes: Counter[str] = Counter()
    done = [(number, task) for number, task in enumerate(tasks) if _annotated(task)]
    if len(done) < len(tasks):  # not looked at yet is not the same as nothing there
        notes["Tasks without an annotation left out"] += len(tasks) - len(done)
    images = [_image(task, number, file, notes, wishes.ignore) for number, task in done]
    said = [(Guess if "a guess" in what else str)(f"{what}: {count:,}.") for what, count in sorted(notes.items())]
    return make_sources("label-studio", file.parent, images, annotations=[file], classes=(), notes=said, split=split, wishes=wishes)


def _looks_right(path: Path) -> bool:
    if not path.is_file():
        return False
    head = strictjson.read_head(path, 65_536)
    return b'"annotations"' in head and b'"data"' in head and head.lstrip()[:1] == b"["


def _image(task: dict[str, Any], number: int, file: Path, notes: Counter[str], ignore: tuple[str, ...]) -> Labelled:
    given = _annotated(task)
    if len(given) > 1:
        truth = [entry for entry in given if entry.get("ground_truth") is True]
        notes[
            "Further annotations left out, the ground truth taken" if truth else "Further annotations left out, the first taken, a guess"
        ] += 1
        given = truth or given
    named = [value for value in task["data"].values() if isinstance(value, str) and _places(value)]
    images = [value for value in named if _places(value)[0].lower().endswith(tuple(SUFFIXES))] or named
    address = images[0] if images else ""
    fault = "" if address else "its data name no image."
    if len(images) > 1:
        fault = f"its data name {len(images)} images, and which of them a box is on is not read."
    found = _Found(left=LeftOut(ignore, unplaced(task, _TASK)))
    found.left.add(unplaced(given[0], _ANNOTATION, "annotations[]"))
    found.left.add((f"data.{key}", value) for key, value in task["data"].items() if value != address and value not in (None, "", [], {}))
    results = [result if isinstance(result, dict) else {} for result in _listed(given[0].get("result"))]
    for result in with_labels(results):
        fault = fault or _take(result, found, notes)
    return Labelled(
        where=f"{file.name}[{number}]",
        names=_places(address) or ("",),
        things=tuple(found.things),
        shares=True,
        size=found.size,
        unboxed=frozenset(found.unboxed),
        lost=tuple(dict.fromkeys(found.lost)),
        fault=fault or found.left.fault,
        code="VL215" if found.left.fault and not fault else "VL201",
        unused=tuple(found.left.fates.items()),
    )


class _Found(msgspec.Struct):
    """What the results of a task hold."""

    left: LeftOut
    things: list[Thing] = []
    unboxed: set[str] = set()
    lost: list[tuple[str, str]] = []
    size: tuple[int, int] | None = None


def with_labels(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The results, a shape and the labels of its id (`<Rectangle>` with `<Labels>`) made one, as `<RectangleLabels>` has it."""
    labels = {result["id"]: result for result in results if result.get("type") == "labels" and isinstance(result.get("id"), str)}
    joined: list[dict[str, Any]] = []
    shaped: set[str] = set()
    for result in results:
        kind, mark = result.get("type"), result.get("id")
        if kind in (*_SHAPES, "brush") and isinstance(mark, str) and mark in labels and isinstance(result.get("value"), dict):
            told = labels[mark].get("value")
            names = told.get("labels") if isinstance(told, dict) else None
            joined.append({**result, "type": f"{kind}labels", "value": {**result["value"], f"{kind}labels": names}})
            shaped.add(mark)
        elif kind != "labels" or mark not in labels:
            joined.append(result)
    return joined + [result for mark, result in labels.items() if mark not in shaped]


def _take(result: dict[str, Any], found: _Found, notes: Counter[str]) -> str:
    """Put one result where it belongs; return why the task cannot be used, "" for a good one."""
    kind = str(result.get("type") or "?")
    width, height = result.get("original_width"), result.get("original_height")
    if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
        if found.size not in (None, (width, height)):
            return f"its results say images of {found.size} and {(width, height)}."
        found.size = width, height
    if result.get("image_rotation") not in (None, 0):
        return f"image_rotation is {result['image_rotation']!r:.20}: the image was turned while it was annotated, and its file is not."
    names = _names(result, kind)
    if kind in _SHAPES or kind == "labels" or kind in _NO_BOX or (kind in _LABELS and not names):
        found.lost += [(name, _NO_BOX.get(kind, kind)) for name in sorted(names)] or [("", _NO_BOX.get(kind, _LABELS.get(kind, kind)))]
        return ""
    if kind not in _LABELS:
        found.left.add([(f"result.{kind}", None)])
        found.unboxed |= names
        return ""
    try:
        found.things += _things(result, notes)
    except (ValueError, TypeError, KeyError, AttributeError, ZeroDivisionError):
        return f"a result of the type {kind!r} has no numbers."
    return ""


def _names(result: dict[str, Any], kind: str) -> set[str]:
    """The labels of a result."""
    value = result.get("value")
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
    if kind == "keypoint":
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
        if value.get("rotation"):
            ratio = result["original_height"] / result["original_width"]
            rx, ry = half_sides(rx, ry * ratio, value["rotation"])
            ry /= ratio
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
