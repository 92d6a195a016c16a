"""From the labelled images of a format to its sources, one a split: what is asked for, what cannot be, and what is said of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from vldata.errors import DataError
from vldata.files.paths import PathError, find_below
from vldata.records.draft import Guess, Traits
from vldata.sources.labelled import Labelled, LabelledSource, Shape, Wishes, plain_name
from vldata.sources.splitnames import SPLITS
from vldata.wording import counted

_CORNERS: dict[Shape, int] = {"boxes": 4, "points": 2}


def make_sources(
    converter: str,
    root: Path,
    images: Iterable[Labelled],
    *,
    annotations: Sequence[Path],
    classes: Sequence[str],
    notes: Sequence[str] = (),
    split: str = "",
    wishes: Wishes,
) -> list[LabelledSource]:
    """Make one source for each split of the images.

    Raises:
        DataError: there is no image, no object, or no such split.
    """
    found, twice = _once([_judged(image, root) for image in images])
    classes, bare = _without_background(classes, found)
    by_split = _by_split(found)
    if split and split not in by_split:
        raise DataError(f"there is no {split} split here.", where=str(root), cure=f"Found are: {', '.join(filter(None, by_split))}.")
    if not by_split:
        raise DataError("no annotated image was found.", where=str(root), cure="Give the folder as the annotation tool exported it.")
    shape, shape_said = _shape(found, wishes, root)
    by_split = {name: [_in_shape(image, shape) for image in part] for name, part in by_split.items()}
    asking = wishes.asking(shape)
    named = tuple(dict.fromkeys(classes)) or tuple(
        dict.fromkeys(thing.label for part in by_split.values() for image in part for thing in image.things)
    )
    notes = [*notes, *bare]
    if twice:
        notes.append(f"{counted(twice, 'object')} of the same class and place as another in its image left out.")
    said = [*notes, *shape_said, *_names_said(classes or named), *_stand_ins_said(found)]
    return [
        LabelledSource(
            converter=converter,
            name=f"{converter.replace('-', '_')}{'_' + name if name else ''}",
            said=(*(said if not number else ()), *_said(f"{converter}{' ' + name if name else ''}", by_split[name], named, wishes)),
            annotations=tuple(annotations),
            media_root=root,
            settings={
                "per": asking.per,
                "negatives": asking.negatives,
                "language": asking.language,
                "shapes": asking.shape,
                "split": name,
            },
            traits=Traits(coordinate_space=asking.target),
            split=name,
            classes=named,
            images=tuple(by_split[name]),
            asking=asking,
        )
        for number, name in enumerate([split] if split else by_split)
    ]


def _once(images: Sequence[Labelled]) -> tuple[list[Labelled], int]:
    """The images with each object once, and how many more there were: an answer that says one twice teaches to say it twice."""
    found = []
    more = 0
    for image in images:
        things = tuple(dict.fromkeys(image.things))
        more += len(image.things) - len(things)
        found.append(image if len(things) == len(image.things) else msgspec.structs.replace(image, things=things))
    return found, more


_BACKGROUND = frozenset({"background", "_background_", "__background__"})


def _without_background(classes: Sequence[str], images: Sequence[Labelled]) -> tuple[list[str], list[str]]:
    """The classes without one that stands for no class, and a sentence on it; it stays where an object has it."""
    left = [name for name in dict.fromkeys(classes) if name.lower() in _BACKGROUND]
    left = [name for name in left if not any(thing.label == name for image in images for thing in image.things)]
    said = [f"Not asked for, since it stands for no class and has no object: {', '.join(left)}."] if left else []
    return [name for name in classes if name not in left], said


def _by_split(images: Sequence[Labelled]) -> dict[str, list[Labelled]]:
    by_split: dict[str, list[Labelled]] = {}
    for image in images:
        by_split.setdefault(SPLITS.get(image.split.lower(), image.split.lower()), []).append(image)
    if len(by_split) > 1 and all(image.fault for image in by_split.get("", ())):  # what cannot be read cannot say its split
        first = next(name for name in by_split if name)
        by_split[first] += by_split.pop("", [])
    return by_split


def _judged(image: Labelled, root: Path) -> Labelled:
    """The image with the fault that can be told without its format: pixels that are shares, a name of two images."""
    if image.fault:
        return image
    if not image.shares and (small := next((thing for thing in image.things if len(thing.values) == 4 and max(thing.values) <= 1), None)):
        box = ", ".join(f"{value:g}" for value in small.values)
        fault = (
            f"the box {box} of {small.label!r} lies in the first pixel: this format counts pixels, and these look like shares of the sides."
        )
        return msgspec.structs.replace(image, fault=fault)
    if not image.stand_ins:
        return image
    named, standing = _first(image.names, root), _first(image.stand_ins, root)
    if named and standing and named != standing:
        fault = (
            f"it names the image {named!r}, but {standing!r} has the annotation file's own name: which of them it is about cannot be told."
        )
        return msgspec.structs.replace(image, fault=fault)
    return image if named or not standing else msgspec.structs.replace(image, names=image.stand_ins, stand_ins=(image.names[0],))


def _first(names: Sequence[str], root: Path) -> str:
    try:
        found = next((place for name in names if (place := find_below(root, name)) and place.is_file()), None)
    except PathError:
        return ""
    return found.name if found else ""


def _stand_ins_said(images: Sequence[Labelled]) -> list[str]:
    taken = [image for image in images if image.stand_ins and not image.fault and image.names[0].rpartition("/")[2] != image.stand_ins[0]]
    moved = [image for image in taken if len(image.stand_ins) == 1]
    if not moved:
        return []
    first = f"{moved[0].where} names {moved[0].stand_ins[0].rpartition('/')[2]!r}"
    return [Guess(f"{counted(len(moved), 'annotation')} taken, a guess, as of the image of their own name: {first}, which is not here.")]


def _shape(images: Sequence[Labelled], wishes: Wishes, root: Path) -> tuple[Shape, list[str]]:
    """What is asked for, and what is said of it.

    Raises:
        DataError: there is no such object.
    """
    counts = Counter(len(thing.values) for image in images for thing in image.things)
    shape: Shape = wishes.shapes if wishes.shapes != "auto" else "points" if counts[2] and not counts[4] else "boxes"
    other: Shape = "points" if shape == "boxes" else "boxes"
    if counts[_CORNERS[shape]]:
        left = counts[_CORNERS[other]]
        more = f"{other.capitalize()} left out: {left:,}; their classes are not asked for where they are (--shapes {other} asks for them)."
        return shape, [more] if left else []
    if counts[_CORNERS[other]]:
        raise DataError(
            f"no image has a labelled object as {shape}, but {counts[_CORNERS[other]]:,} as {other}.",
            where=str(root),
            cure=f"--shapes {other}",
        )
    if any(image.fault for image in images):
        return shape, []
    kinds = Counter(kind for image in images for _, kind in image.lost)
    if kinds:
        what = ", ".join(f"{count:,} × {kind}" for kind, count in kinds.most_common(4))
        raise DataError(f"no object can be asked for; there are {what}.", where=str(root), cure="Export with boxes or polygons.")
    raise DataError("no image has a labelled object.", where=str(root), cure="Look at the export: boxes may be in another file of it.")


def _in_shape(image: Labelled, shape: Shape) -> Labelled:
    """The image with the objects of a shape; the others are lost to it."""
    kept = tuple(thing for thing in image.things if len(thing.values) == _CORNERS[shape])
    if len(kept) == len(image.things):
        return image
    kind = "point" if shape == "boxes" else "box"
    others = tuple((thing.label, kind) for thing in image.things if len(thing.values) != _CORNERS[shape])
    return msgspec.structs.replace(image, things=kept, lost=(*image.lost, *dict.fromkeys(others)))


def _names_said(classes: Sequence[str]) -> list[str]:
    """Say which names are one class by two numbers, or one name in two spellings."""
    said: list[str] = []
    twice = [name for name, times in Counter(classes).items() if times > 1]
    if twice:
        said.append(Guess(f"The name {twice[0]!r} stands for several classes, which are taken, a guess, as one."))
    spelt: dict[str, list[str]] = {}
    for name in dict.fromkeys(classes):
        spelt.setdefault(plain_name(name), []).append(name)
    for names in spelt.values():
        if len(names) > 1:
            both = " and ".join(map(repr, names[:3]))
            said.append(
                Guess(f"The classes {both} differ in case or spaces alone: kept apart, a guess; correct the names if they are one.")
            )
    return said


def _said(title: str, images: Sequence[Labelled], classes: Sequence[str], wishes: Wishes) -> list[str]:
    things = sum(len(image.things) for image in images)
    said = [f"{title}: {counted(len(images), 'image')}, {counted(things, 'object')} of {len(classes)} classes."]
    empty = [image for image in images if not image.things and not image.fault and not image.lost]
    bare = sum(1 for image in empty if not image.unboxed)
    if bare and not wishes.negatives:
        said.append(f"{counted(bare, 'image')} without objects left out; --negatives 1 asks of them too, with [] as the answer.")
    if len(empty) > bare and wishes.per == "image":
        said.append(
            f"{counted(len(empty) - bare, 'image')} with crowds or tags alone left out: where nothing is to be found they do not say."
        )
    lost = Counter((label, kind) for image in images if not image.fault for label, kind in image.lost)
    if lost:
        what = ", ".join(f"{label or 'no label'} as {kind}" for (label, kind), _ in lost.most_common(4))
        count = sum(1 for image in images if image.lost and not image.fault)
        said.append(f"{counted(count, 'image')} with objects that have no {_one(wishes)}, whose class is not asked for there: {what}.")
    return said


def _one(wishes: Wishes) -> str:
    return "point" if wishes.shapes == "points" else "box"
