"""Pascal VOC: one XML file an image, boxes as xmin, ymin, xmax, ymax in pixels counted from 1.

As the development kit says, coordinates count from 1 and the last pixel is inside; here the corners become those around the pixels. Many
other writers count from 0, which a box that begins at 0 tells of the whole folder. Objects marked
`difficult` or `truncated` are kept and counted. http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import msgspec

from vldata.errors import DataError
from vldata.files.naming import natural_key
from vldata.records.draft import Guess
from vldata.sources.labelled import EVERY_IMAGE, Labelled, LabelledSource, Thing, Wishes
from vldata.sources.labelledsets import make_sources
from vldata.sources.outlines import around_turned
from vldata.sources.safexml import read_xml
from vldata.sources.splitnames import SPLITS, split_word
from vldata.sources.unplaced import LeftOut, names, unplaced_xml
from vldata.wording import counted

_SOURCE = names("database", "annotation", "image", "flickrid", "name", "filename", "path", "folder", "sourceImage", "sourceAnnotation")
_KNOWN = {
    **names("folder", "filename", "path", "segmented", "@verified"),
    "source": _SOURCE,
    "owner": _SOURCE,
    "size": names("width", "height", "depth"),
    "object": {**names("name", "deleted"), "bndbox": names("xmin", "ymin", "xmax", "ymax")},
}


def open_source(
    source: Path | None = None,
    *,
    split: str = "",
    wishes: Wishes = EVERY_IMAGE,
) -> list[LabelledSource]:
    """Pascal VOC: an XML file of objects for each image, as the dataset, LabelImg or Roboflow write it.

    The lists of ImageSets/Main give the splits, or else folders called train, valid and test.

    Args:
        source: The folder that holds Annotations/ and JPEGImages/, or XML files beside images.
        split: Only this split: train, val or test.
        wishes: How objects are asked for.

    Raises:
        DataError: no annotation was found.
    """
    root = source or Path()
    files = (
        sorted((path for path in root.rglob("*.xml") if path.is_file()), key=lambda path: natural_key(str(path)))
        if root.is_dir()
        else [root]
    )
    lists = _lists(root)
    left: Counter[str] = Counter()
    images = [image for file in files if (image := _image(file, root, lists, left, wishes.ignore)) is not None]
    if not images:
        raise DataError("no Pascal VOC annotation was found.", where=str(root), cure="Give the folder that holds Annotations/.")
    zeros = sum(1 for image in images for thing in image.things if 0 in thing.values[:2])
    if not zeros:
        images = [_from_one(image) for image in images]
    notes = [f"Splits by the lists of ImageSets/Main: {counted(len(set(lists.values())), 'split')}."] if lists else []
    notes += _counting(zeros, files)
    notes += [f"{counted(deleted, 'object')} marked as deleted left out."] if (deleted := left["deleted"]) else []
    notes += [f"{counted(count, 'turned box')} (rotation, CVAT) written as the boxes around them."] if (count := left["turned"]) else []
    return make_sources("voc", root, images, annotations=files, classes=(), notes=notes, split=split, wishes=wishes)


def _counting(zeros: int, files: Sequence[Path]) -> list[str]:
    """Say from which number pixels are taken as counted; a guess, unless boxes at 0 or the dataset's own name tell it."""
    if zeros:
        return [f"Pixels are taken as counted from 0, as {counted(zeros, 'box')} at an edge of 0 shows."]
    with files[0].open("rb") as handle:
        if b"PASCAL VOC" in handle.read(4_096).upper():
            return ["Pixels are taken as counted from 1, as Pascal VOC itself does."]
    return [Guess("Pixels are taken as counted from 1, as VOC does: no box begins at 0, which is a guess of one pixel at most.")]


def _lists(root: Path) -> dict[str, str]:
    """The split of each image name, by ImageSets/Main; lists of one class (cat_train.txt) and trainval say nothing new."""
    found: dict[str, str] = {}
    for path in sorted(root.rglob("ImageSets/Main/*.txt")) if root.is_dir() else []:
        if path.stem in SPLITS and path.is_file():
            found |= {line.split()[0]: path.stem for line in path.read_text(errors="replace").splitlines() if line.split()}
    return found


def _image(file: Path, root: Path, lists: dict[str, str], left: Counter[str], ignore: tuple[str, ...]) -> Labelled | None:
    where = file.relative_to(root).as_posix() if file != root else file.name
    tree = read_xml(file)
    if isinstance(tree, str):
        return Labelled(where=where, names=(where,), things=(), split=lists.get(file.stem, ""), fault=tree)
    if tree.tag != "annotation":
        return None
    name = (tree.findtext("filename") or f"{file.stem}.jpg").strip()
    below = Path(where).parent.as_posix()
    up = Path(where).parent.parent.as_posix()
    folders = (f"{up}/JPEGImages", f"{up}/images", below)
    own = tuple(f"{folder}/{file.stem}{suffix}".removeprefix("./") for folder in folders for suffix in (".jpg", ".png", ".jpeg"))
    things: list[Thing] = []
    fault = ""
    for number, entry in enumerate(tree.iter("object")):
        if (entry.findtext("deleted") or "").strip() in ("1", "true"):
            left["deleted"] += 1
            continue
        thing = _thing(entry)
        if isinstance(thing, str):
            fault = fault or f"object {number + 1}: {thing}"
        else:
            angle = _angle(entry)
            left["turned"] += bool(angle)
            things.append(msgspec.structs.replace(thing, values=around_turned(thing.values, angle)) if angle else thing)
    unused = LeftOut(ignore, unplaced_xml(tree, _KNOWN))
    width, height = (_number(tree.find(f"size/{side}")) for side in ("width", "height"))
    return Labelled(
        where=where,
        names=tuple(dict.fromkeys(f"{folder}/{name}".removeprefix("./") for folder in folders)),
        stand_ins=own if Path(name).stem != file.stem else (),
        things=tuple(things),
        split=lists.get(file.stem) or split_word(Path(where).parent.name),
        size=(round(width), round(height)) if width and height else None,
        fault=fault or unused.fault,
        code="VL215" if unused.fault and not fault else "VL201",
        unused=tuple(unused.fates.items()),
    )


def _thing(entry: ElementTree.Element) -> Thing | str:
    """An object, or why there is none."""
    label = (entry.findtext("name") or "").strip()
    values = [_number(entry.find(f"bndbox/{side}")) for side in ("xmin", "ymin", "xmax", "ymax")]
    if not label:
        return "it has no name."
    if any(value is None for value in values):
        return "its bndbox is not four numbers."
    left, top, right, bottom = (float(value or 0) for value in values)
    if right <= left or bottom <= top:
        return f"its box {left:g}, {top:g}, {right:g}, {bottom:g} has no area."
    return Thing(label, (left, top, right, bottom))


def _angle(entry: ElementTree.Element) -> float:
    """The degrees by which CVAT's box is turned clockwise about its middle; its export writes the box as if it were not."""
    named = {(one.findtext("name") or "").strip(): one.find("value") for one in entry.iterfind("attributes/attribute")}
    return (_number(named.get("rotation")) or 0.0) % 360


def _from_one(image: Labelled) -> Labelled:
    """The boxes of pixels counted from 1, the last of them inside, as corners around the pixels."""
    things = tuple(Thing(thing.label, (thing.values[0] - 1, thing.values[1] - 1, *thing.values[2:])) for thing in image.things)
    return msgspec.structs.replace(image, things=things)


def _number(entry: ElementTree.Element | None) -> float | None:
    try:
        value = float(entry.text or "") if entry is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None
