"""Images with labelled objects: what the annotation formats (COCO, YOLO, Pascal VOC, LabelMe, CVAT, Label Studio) have in common.

A format's module reads its files into `Labelled` images; this module asks for their objects and writes the answers, boxes in the dialect of
the processor. One record an image, or one a class of each image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import msgspec

from vldata.files.paths import PathError, find_below
from vldata.flags import Flag, OptionGroup
from vldata.media.pixels import DEFAULT
from vldata.media.refs import FileRef, FormatRule
from vldata.records.boxes import Box, Target, Wish, target_for
from vldata.records.draft import Draft, Part, Reject, Setting, Slot, Traits, Turn

COLUMNS = ("source", "task", "split", "file", "extra")
Per = Literal["image", "class"]
Language = Literal["en", "zh"]
Shape = Literal["boxes", "points"]
Shapes = Literal["auto", "boxes", "points"]
_ASK: dict[tuple[Language, Shape], tuple[str, str]] = {
    ("en", "boxes"): (
        'Locate every object of these classes: {classes}. Answer with a JSON list of {{"bbox_2d": [x1, y1, x2, y2], "label": class}}.',
        'Locate every {classes}. Answer with a JSON list of {{"bbox_2d": [x1, y1, x2, y2], "label": class}}.',
    ),
    ("en", "points"): (
        'Point to every object of these classes: {classes}. Answer with a JSON list of {{"point_2d": [x, y], "label": class}}.',
        'Point to every {classes}. Answer with a JSON list of {{"point_2d": [x, y], "label": class}}.',
    ),
    ("zh", "points"): (
        '请指出图中属于以下类别的所有目标：{classes}。以 JSON 列表回答，每项为 {{"point_2d": [x, y], "label": 类别}}。',
        '请指出图中所有的{classes}。以 JSON 列表回答，每项为 {{"point_2d": [x, y], "label": 类别}}。',
    ),
    ("zh", "boxes"): (
        '请找出图中属于以下类别的所有目标：{classes}。以 JSON 列表回答，每项为 {{"bbox_2d": [x1, y1, x2, y2], "label": 类别}}。',
        '请找出图中所有的{classes}。以 JSON 列表回答，每项为 {{"bbox_2d": [x1, y1, x2, y2], "label": 类别}}。',
    ),
}
_NEGATIVES = "Also ask where nothing is to be found: of images without objects, and with --per class so many absent classes an image."
_SHAPES = "Ask for boxes or for points; auto asks for boxes, and for points where there is no box at all. What is not asked for is counted."
_BOXES = "How boxes are written: as the models of --processor were trained (auto), in pixels of the written image, or from 0 to 1000."


class Thing(msgspec.Struct, frozen=True):
    """An object of an image: its label, and a box (x1, y1, x2, y2) or a point (x, y)."""

    label: str
    values: tuple[float, ...]


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """An image as a format describes it.

    Attributes:
        where: `file:line` or `file[index]` of the annotation.
        names: places to look for the image, below the source folder, in order.
        size: the size that the annotation gives the image; None where it gives none.
        shares: the values of `things` are shares of the sides (0-1), not pixels.
        unboxed: labels of what the image shows without an object of its own (crowds, tags); "" for any label. It is not asked for where
            nothing is to be found.
        lost: objects that nothing can be written for (brushes), each as its label ("" for an unknown one) and what it is: since an answer
            would miss them, their labels are not asked for.
        judged: the labels that were looked for; None for all. What was not looked for is asked for only where it is in `things`.
        stand_ins: places of an image of the annotation file's own name, where that differs from the name in `names`.
        fault: why the annotation cannot be used; "" for a good one.
        code: of the fault.
        unused: fields without a place in the record, each with what becomes of it.
    """

    where: str
    names: tuple[str, ...]
    things: tuple[Thing, ...]
    split: str = ""
    size: tuple[int, int] | None = None
    shares: bool = False
    unboxed: frozenset[str] = frozenset()
    lost: tuple[tuple[str, str], ...] = ()
    judged: frozenset[str] | None = None
    stand_ins: tuple[str, ...] = ()
    fault: str = ""
    code: str = "VL201"
    unused: tuple[tuple[str, str], ...] = ()


class Questions(msgspec.Struct, frozen=True, kw_only=True):
    """How objects are asked for.

    Attributes:
        per: one question an image, or one for each class of each image.
        negatives: also ask where nothing is to be found: images without objects, and with `per` "class" so many absent classes.
    """

    per: Per = "image"
    negatives: int = 0
    language: Language = "en"
    shape: Shape = "boxes"
    target: Target = "0-1000"


class Wishes(OptionGroup, frozen=True, kw_only=True):
    """What a user says of the questions: the options that every annotation format has."""

    PANEL: ClassVar[str] = "Questions"

    per: Annotated[Per, Flag("One question an image, or one for each class of each image.")] = "image"
    negatives: Annotated[int, Flag(_NEGATIVES, least=0)] = 0
    language: Annotated[Language, Flag("Of the questions: en or zh.")] = "en"
    shapes: Annotated[Shapes, Flag(_SHAPES)] = "auto"
    boxes: Annotated[Wish, Flag(_BOXES)] = "auto"
    processor: str = DEFAULT
    ignore: Annotated[tuple[str, ...], Flag("Fields that may be left out although they change meaning.")] = ()

    def asking(self, shape: Shape) -> Questions:
        """The questions with the dialect of the processor."""
        target = target_for(self.boxes, self.processor)
        return Questions(per=self.per, negatives=self.negatives, language=self.language, shape=shape, target=target)


EVERY_IMAGE = Wishes()


class LabelledSource(msgspec.Struct, frozen=True, kw_only=True):
    """Images of one split; see `vldata.records.draft.Source` for the fields."""

    converter: str
    name: str
    said: tuple[str, ...]
    columns: tuple[str, ...] = COLUMNS
    annotations: tuple[Path, ...]
    media_root: Path
    settings: dict[str, Setting]
    image_format: FormatRule = "auto"
    total: int | None = None
    traits: Traits
    split: str
    classes: tuple[str, ...]
    images: tuple[Labelled, ...]
    asking: Questions

    def drafts(self) -> Iterator[Draft | Reject]:
        """Yield the questions of every image, in the order of the annotations."""
        places = [self._place(image) for image in self.images]
        times = Counter(places)
        for number, (image, place) in enumerate(zip(self.images, places, strict=True)):
            record_id = f"{self.converter}/{self.split or 'all'}/{number:07d}"
            if image.fault:
                yield Reject(record_id, image.where, image.code, image.fault)
            elif isinstance(place, PathError):
                yield Reject(record_id, image.where, "VL111", f"{place}.")
            elif place is None:
                yield Reject(record_id, image.where, "VL202", f"the image {image.names[0]!r} is not on disk.")
            elif times[place] > 1:
                fault = (
                    f"the image {place.name!r} is annotated {times[place]} times: which of them names all of its objects cannot be told."
                )
                yield Reject(record_id, image.where, "VL201", fault)
            else:
                yield from self._of(image, record_id, place)

    def _place(self, image: Labelled) -> Path | PathError | None:
        try:
            return next((found for name in image.names if (found := find_below(self.media_root, name)) and found.is_file()), None)
        except PathError as error:
            return error

    def _of(self, image: Labelled, record_id: str, place: Path) -> Iterator[Draft | Reject]:
        source = place.relative_to(self.media_root).as_posix()
        ref = FileRef(path=str(place.absolute()), source=source)
        lost = dict(image.lost)
        asked = () if "" in lost else tuple(label for label in self.classes if label not in lost and _was_looked_for(label, image))
        written = False
        for suffix, labels, things in self._questions(image, asked):
            written = True
            yield self._draft(image, f"{record_id}{suffix}", ref, labels, things)
        if lost and not written:
            what = ", ".join(f"{label or 'one without a label'!r} is a {kind}" for label, kind in lost.items())
            yield Reject(record_id, image.where, "VL201", f"no {self.asking.shape} can be written for its objects: {what}.")

    def _questions(self, image: Labelled, asked: Sequence[str]) -> Iterator[tuple[str, Sequence[str], tuple[Thing, ...]]]:
        """Yield a suffix of the id, the classes that are asked for, and the objects of the answer."""
        things = tuple(thing for thing in image.things if thing.label in asked)
        if self.asking.per == "image":
            if things or (self.asking.negatives and asked and not image.unboxed):
                yield "", asked, things
            return
        present = dict.fromkeys(thing.label for thing in things)
        for label in present:
            yield f"/{label}", (label,), tuple(thing for thing in things if thing.label == label)
        if "" in image.unboxed:
            return
        alike = {plain_name(label) for label in (*present, *image.unboxed)}
        absent = [label for label in asked if plain_name(label) not in alike]
        start = hash_place(image.where, len(absent))
        for label in (absent[start:] + absent[:start])[: self.asking.negatives]:
            yield f"/{label}", (label,), ()

    def _draft(self, image: Labelled, record_id: str, ref: FileRef, labels: Sequence[str], things: tuple[Thing, ...]) -> Draft:
        many, one = _ASK[self.asking.language, self.asking.shape]
        comma = "、" if self.asking.language == "zh" else ", "
        question = (many if len(labels) > 1 else one).format(classes=comma.join(labels))
        task = "detection" if self.asking.shape == "boxes" else "pointing"
        return Draft(
            id=record_id,
            where=image.where,
            turns=(Turn("user", (Slot(0), question)), Turn("assistant", _answer(image, things, self.asking.target))),
            media=(ref,),
            references=None,
            meta={"source": self.converter, "task": task, "split": self.split, "file": ref.source, "extra": ""},
            unused=image.unused,
        )


def _was_looked_for(label: str, image: Labelled) -> bool:
    return image.judged is None or label in image.judged or any(thing.label == label for thing in image.things)


def plain_name(label: str) -> str:
    """A class name without case and further spaces: what two ways of writing one name have in common."""
    return " ".join(label.casefold().split())


def hash_place(text: str, count: int) -> int:
    """Return a place in a list of `count`, the same for the same text on every machine."""
    import zlib

    return zlib.crc32(text.encode()) % count if count else 0


def _answer(image: Labelled, things: Sequence[Thing], target: Target) -> tuple[Part, ...]:
    space: Literal["0-1", "pixels"] = "0-1" if image.shares else "pixels"
    parts: list[Part] = ["["]
    for number, thing in enumerate(things):
        key = "bbox_2d" if len(thing.values) == 4 else "point_2d"
        parts.append(f'{", " if number else ""}{{"{key}": ')
        parts.append(Box(0, thing.values, space, target, image.size))
        parts.append(f', "label": {msgspec.json.encode(thing.label).decode()}}}')
    parts.append("]")
    return tuple(parts)
