"""YOLO: a label file beside every image, `class x y width height` in shares of the sides, and a data.yaml with the class names.

Polygons (segmentation) become the boxes around them, key points of pose labels are left out; both are counted and said. A sixth number is
the confidence of a prediction, which is no annotation: such a file is refused. https://docs.ultralytics.com/datasets/detect/
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.files.naming import natural_key
from vldata.files.safeyaml import read_yaml
from vldata.media.refs import SUFFIXES
from vldata.sources.labelled import EVERY_IMAGE, Labelled, LabelledSource, Thing, Wishes, make_sources
from vldata.sources.splitnames import split_word
from vldata.wording import counted

_MOST_LABEL_BYTES = 16 * 1024 * 1024


def open_source(
    source: Path | None = None,
    *,
    split: str = "",
    wishes: Wishes = EVERY_IMAGE,
) -> list[LabelledSource]:
    """YOLO: images with label files, as Ultralytics and Roboflow lay them out.

    Every split of data.yaml becomes a dataset of its own. An image without a label file has no objects.

    Args:
        source: The folder that holds data.yaml.
        split: Only this split: train, val or test.
        wishes: How objects are asked for.

    Raises:
        DataError: there is no data.yaml, or it names no classes.
    """
    root = source or Path()
    file = root if root.is_file() else next((root / name for name in ("data.yaml", "dataset.yaml") if (root / name).is_file()), None)
    if file is None:
        raise DataError("no data.yaml is here.", where=str(root), cure="Give the folder that holds data.yaml, images/ and labels/.")
    table = read_yaml(file, numbered=True)
    classes = _classes(table, file)
    folder = file.parent
    notes: Counter[str] = Counter()
    points = _key_points(table)
    images: list[Labelled] = []
    labels: list[Path] = []
    for name, place in _places(table, folder):
        for path in sorted((path for path in place.rglob("*") if path.suffix.lower() in SUFFIXES), key=lambda path: natural_key(str(path))):
            label = _label_file(path)
            labels += [label] if label is not None else []
            images.append(_image(path, label, folder, name, classes, points, notes))
    said = [f"{counted(count, 'object')}: {what}." for what, count in sorted(notes.items())]
    if lost := sorted({path for place in {label.parent for label in labels} for path in place.glob("*.txt")} - {*labels} - _lists(folder)):
        said.append(f"{counted(len(lost), 'label file')} without an image left out, the first {lost[0].name}.")
    return make_sources("yolo", folder, images, annotations=[file, *labels], classes=classes, notes=said, split=split, wishes=wishes)


def _lists(folder: Path) -> set[Path]:
    """Text files beside labels that list classes or images."""
    return {path.resolve() for name in ("classes.txt", "train.txt", "val.txt", "test.txt", "README*.txt") for path in folder.rglob(name)}


def _classes(table: dict[Any, Any], file: Path) -> list[str]:
    """The class names, by number."""
    names = table.get("names")
    if isinstance(names, dict) and names.keys() == set(range(len(names))):
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names or not all(isinstance(name, str | int | float) for name in names):
        raise DataError("names no classes.", where=str(file), cure="Add names: a list, or a number and a name each, counted from 0.")
    if isinstance(table.get("nc"), int) and table["nc"] != len(names):
        raise DataError(f"nc is {table['nc']}, but there are {len(names)} names.", where=str(file), cure="Correct one of them.")
    return [str(name) for name in names]


def _key_points(table: dict[Any, Any]) -> int:
    """How many numbers of a line are key points."""
    shape = table.get("kpt_shape")
    return shape[0] * shape[1] if isinstance(shape, list) and len(shape) == 2 and all(isinstance(n, int) for n in shape) else 0


def _places(table: dict[Any, Any], folder: Path) -> list[tuple[str, Path]]:
    """The folders of images of each split, below the folder of data.yaml."""
    base = str(table.get("path") or ".")
    found: dict[Path, str] = {}
    for name in ("train", "val", "valid", "test"):
        given = table.get(name)
        for text in given if isinstance(given, list) else [given]:
            if not isinstance(text, str):
                continue
            tries = [folder / base / text, folder / text, folder / text.removeprefix("../"), folder / text.removeprefix("./")]
            place = next((path for path in tries if path.is_dir() and path.resolve().is_relative_to(folder.resolve())), None)
            if place is None:
                raise DataError(f"{name}: the folder {text!r} is not here.", where=str(folder), cure="Correct data.yaml.")
            # Many files name one folder for train and val: it is one split, not two.
            found.setdefault(place.resolve(), "" if place.resolve() in found else name)
    if not found:
        guesses = [folder / "images"] if (folder / "images").is_dir() else []
        found = {
            path.resolve(): split_word(path.name) for place in guesses for path in (sorted(place.iterdir()) or [place]) if path.is_dir()
        }
    return [(name, path) for path, name in found.items()]


def _label_file(image: Path) -> Path | None:
    """The label file of an image: the last folder called images becomes labels, or it is beside the image."""
    parts = list(image.parts)
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    for path in (Path(*parts).with_suffix(".txt"), image.with_suffix(".txt")):
        if path.is_file() and not path.is_symlink():
            return path
    return None


def _image(path: Path, label: Path | None, folder: Path, split: str, classes: list[str], points: int, notes: Counter[str]) -> Labelled:
    name = path.relative_to(folder.resolve()).as_posix() if path.is_relative_to(folder.resolve()) else path.name
    if label is None:
        return Labelled(where=name, names=(name,), things=(), split=split, shares=True)
    where = f"{label.parent.name}/{label.name}"
    if label.stat().st_size > _MOST_LABEL_BYTES:
        return Labelled(where=where, names=(name,), things=(), split=split, fault="the label file is larger than 16 MiB.")
    things: list[Thing] = []
    for number, line in enumerate(label.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        thing = _thing(line.split(), classes, points, notes)
        if isinstance(thing, str):
            return Labelled(where=f"{where}:{number}", names=(name,), things=(), split=split, fault=thing)
        things.append(thing)
    return Labelled(where=where, names=(name,), things=tuple(things), split=split, shares=True)


def _thing(words: list[str], classes: list[str], points: int, notes: Counter[str]) -> Thing | str:
    """An object, or why the line is none."""
    try:
        number, values = int(words[0]), [float(word) for word in words[1:]]
    except ValueError:
        return f"the line {' '.join(words)!r:.60} is not a class and numbers."
    if not 0 <= number < len(classes):
        return f"there is no class {number}: data.yaml names {len(classes)}."
    if any(not -0.01 <= value <= 1.01 for value in values[: 4 if points else None]):
        return f"the values of {' '.join(words)!r:.60} are no shares between 0 and 1."
    if len(values) == 4 or (points and len(values) == 4 + points):
        if points and len(values) > 4:
            notes["key points left out"] += 1
        x, y, width, height = values[:4]
        corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    elif len(values) == 5:
        return "the line has six numbers, the last a confidence: these are predictions, not labels."
    elif len(values) >= 6 and len(values) % 2 == 0:
        notes["polygons written as the boxes around them"] += 1
        across, down = values[::2], values[1::2]
        corners = (min(across), min(down), max(across), max(down))
    else:
        return f"the line has {len(values)} numbers behind the class; a box has 4."
    return Thing(classes[number], corners)
