"""YOLO: a label file beside every image, `class x y width height` in shares of the sides, and a data.yaml with the class names.

Polygons (segmentation) become the boxes around them, key points of pose labels are left out; both are counted and said. A sixth number is
the confidence of a prediction, which is no annotation: such a file is refused. https://docs.ultralytics.com/datasets/detect/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from vldata.errors import DataError
from vldata.files.strictjson import read_bytes
from vldata.records.draft import Guess
from vldata.sources.labelled import EVERY_IMAGE, Labelled, LabelledSource, Thing, Wishes
from vldata.sources.labelledsets import make_sources
from vldata.sources.yolofolders import YoloLayout, find_layout, label_file, orphans
from vldata.wording import counted

_MOST_LABEL_BYTES = 16 * 1024 * 1024


def open_source(
    source: Path | None = None,
    *,
    split: str = "",
    wishes: Wishes = EVERY_IMAGE,
) -> list[LabelledSource]:
    """YOLO: images with label files, as Ultralytics, Roboflow, CVAT and Label Studio lay them out.

    Every split becomes a dataset of its own. An image without a label file has no objects.

    Args:
        source: The folder that holds data.yaml, obj.data or classes.txt.
        split: Only this split: train, val or test.
        wishes: How objects are asked for.

    Raises:
        DataError: nothing names the classes, or labels and images do not go together.
    """
    layout = find_layout(source or Path(), wishes.ignore)
    folder = layout.file.parent
    labels = {path: label_file(path) for _, path in layout.images}
    read = [(name, path, labels[path]) for name, path in layout.images]
    _check_pose(layout, [label for label in labels.values() if label is not None])
    notes: Counter[str] = Counter()
    owners = Counter(label for label in labels.values() if label is not None)
    lost = orphans(layout, {label for label in labels.values() if label is not None})
    images = [_image(path, label, folder, name, layout, notes) for name, path, label in read]
    images = [_shared(image, label, owners) for image, (_, _, label) in zip(images, read, strict=True)]
    said = [*layout.said, *(f"{counted(count, 'object')}: {what}." for what, count in sorted(notes.items()))]
    if lost:
        images = _without_guesses(images, labels, read, lost, folder)
        said.append(
            Guess(f"{counted(len(lost), 'label file')} without an image left out, a guess; the first is {_below(lost[0], folder)}.")
        )
    images, unlabelled = _without_unlabelled(images, read)
    said += unlabelled
    return make_sources(
        "yolo",
        folder,
        images,
        annotations=[layout.file, *dict.fromkeys(label for label in labels.values() if label is not None)],
        classes=list(layout.classes.values()),
        notes=said,
        split=split,
        wishes=wishes,
    )


Read = Sequence[tuple[str, Path, Path | None]]


def _without_guesses(images: list[Labelled], labels: dict[Path, Path | None], read: Read, lost: list[Path], folder: Path) -> list[Labelled]:
    """Refuse what label files without an image tell: that the images of a split, or one image, have their labels elsewhere.

    Raises:
        DataError: no image of a split has a label file, and label files have no image.
    """
    for name in dict.fromkeys(split for split, _, _ in read):
        mine = [path for split, path, _ in read if split == name]
        if not any(labels[path] for path in mine):
            image = _below(mine[0], folder)
            here = f"none of {counted(len(mine), 'image')} has a label file"
            what = f"{name or 'here'}: {here}, and {counted(len(lost), 'label file')} stand without an image"
            cure = "Names are compared with their case; labels/ has the same folders as images/."
            raise DataError(f"{what}: {image} and {_below(lost[0], folder)}, for example.", where=str(folder), cure=cure)
    spelt = {path.stem.casefold(): path.name for path in lost}
    return [
        msgspec.structs.replace(image, fault=f"it has no label file, but {spelt[path.stem.casefold()]!r} has no image: is it that?")
        if label is None and path.stem.casefold() in spelt
        else image
        for image, (_, path, label) in zip(images, read, strict=True)
    ]


def _without_unlabelled(images: list[Labelled], read: Read) -> tuple[list[Labelled], list[str]]:
    """Leave out splits without one label file: a test set without labels is no set of images of nothing."""
    splits = dict.fromkeys(split for split, _, _ in read)
    bare = [name for name in splits if not any(label for split, _, label in read if split == name)]
    if not bare or len(bare) == len(splits):
        return images, []
    said = [f"{name or 'no split'}: left out, since none of its images has a label file." for name in bare]
    return [image for image, (split, _, _) in zip(images, read, strict=True) if split not in bare], said


def _shared(image: Labelled, label: Path | None, owners: Counter[Path]) -> Labelled:
    if label is None or owners[label] < 2 or image.fault:
        return image
    return msgspec.structs.replace(
        image, fault=f"{label.name} is the label file of {owners[label]} images of one name: of which cannot be told."
    )


def _below(path: Path, folder: Path) -> str:
    return path.resolve().relative_to(folder.resolve()).as_posix() if path.resolve().is_relative_to(folder.resolve()) else path.name


def _check_pose(layout: YoloLayout, labels: Sequence[Path]) -> None:
    """Stop where long lines read as polygons, and as well as boxes with key points, and data.yaml does not say which.

    Raises:
        DataError: with both readings.
    """
    if layout.key_points is not None:
        return
    first = ""
    for path in labels:
        if path.stat().st_size > _MOST_LABEL_BYTES:
            continue
        for line in _lines(path):
            values = _numbers(line.split()[1:])
            if len(values) < 6:
                continue
            if not _may_be_pose(values):
                return
            first = first or f"{path.name}: {line.strip()}"
    if first:
        raise DataError(
            f"its lines read as polygons, and as boxes with key points inside: {first:.90}",
            where=str(layout.file),
            cure="Write kpt_shape: [N, 2] or [N, 3] into data.yaml for N key points, or kpt_shape: [0, 0] for polygons.",
        )


def _may_be_pose(values: list[float]) -> bool:
    """Whether numbers read as a box and key points inside it; the four corners of a rectangle (OBB) do not."""
    if len(values) == 8 and abs(values[0] + values[4] - values[2] - values[6]) + abs(values[1] + values[5] - values[3] - values[7]) < 0.01:
        return False
    x, y, width, height = values[:4]
    rest = values[4:]
    for step in (2, 3):
        if len(rest) % step or (step == 3 and not all(value in (0, 1, 2) for value in rest[2::3])):
            continue
        points = [pair for pair in zip(rest[::step], rest[1::step], strict=True) if pair != (0, 0)]
        if points and all(abs(a - x) <= width / 2 + 1e-6 and abs(b - y) <= height / 2 + 1e-6 for a, b in points):
            return True
    return False


def _lines(label: Path) -> list[str]:
    return [line for line in read_bytes(label).decode("utf-8-sig", errors="replace").splitlines() if line.strip()]


def _numbers(words: list[str]) -> list[float]:
    try:
        return [float(word) for word in words]
    except ValueError:
        return []


def _image(path: Path, label: Path | None, folder: Path, split: str, layout: YoloLayout, notes: Counter[str]) -> Labelled:
    name = _below(path, folder)
    if label is None:
        return Labelled(where=name, names=(name,), things=(), split=split, shares=True)
    where = f"{label.parent.name}/{label.name}"
    if label.stat().st_size > _MOST_LABEL_BYTES:
        return Labelled(where=where, names=(name,), things=(), split=split, fault="the label file is larger than 16 MiB.")
    things: list[Thing] = []
    for number, line in enumerate(read_bytes(label).decode("utf-8-sig", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        thing = _thing(line.split(), layout.classes, layout.key_points or 0, notes)
        if isinstance(thing, str):
            return Labelled(where=f"{where}:{number}", names=(name,), things=(), split=split, fault=thing)
        things.append(thing)
    return Labelled(where=where, names=(name,), things=tuple(things), split=split, shares=True)


def _thing(words: list[str], classes: dict[int, str], points: int, notes: Counter[str]) -> Thing | str:
    """An object, or why the line is none."""
    try:
        number, values = int(words[0]), [float(word) for word in words[1:]]
    except ValueError:
        return f"the line {' '.join(words)!r:.60} is not a class and numbers."
    if number not in classes:
        return f"there is no class {number}: {len(classes)} are named, from {min(classes)} to {max(classes)}."
    if any(not -0.01 <= value <= 1.01 for value in values[: 4 if points else None]):
        return f"the values of {' '.join(words)!r:.60} are no shares between 0 and 1."
    if len(values) == 4 or (points and len(values) == 4 + points):
        if points and len(values) > 4:
            notes["key points left out"] += 1
        x, y, width, height = values[:4]
        corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    elif len(values) == 5:
        return "the line has six numbers, the last a confidence: these are predictions, not labels."
    elif len(values) >= 6 and len(values) % 2 == 0 and not points:
        notes["polygons written as the boxes around them"] += 1
        across, down = values[::2], values[1::2]
        corners = (min(across), min(down), max(across), max(down))
    else:
        return f"the line has {len(values)} numbers behind the class; a box has 4."
    return Thing(classes[number], corners)
