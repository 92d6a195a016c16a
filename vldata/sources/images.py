"""A folder of images that nobody has labelled, each with one question: records to ask a model, without an answer to learn."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from vldata.errors import DataError, UsageError
from vldata.files.naming import natural_key
from vldata.files.paths import PathError, find_below
from vldata.media.pixels import DEFAULT
from vldata.media.refs import FileRef, FormatRule
from vldata.records.boxes import Target, Wish, target_for
from vldata.records.draft import Draft, Reject, Setting, Slot, Traits, Turn
from vldata.sources.labelled import Language
from vldata.sources.shards import PICTURE_SUFFIXES
from vldata.wording import counted

COLUMNS = ("source", "task", "file", "extra")
_ASK: dict[Language, str] = {
    "en": "Locate every object of these classes: {classes}. Answer with a JSON list of {{{fields}}}; with [] where there is none.",
    "zh": "请找出图中属于以下类别的所有目标：{classes}。以 JSON 列表回答，每项为 {{{fields}}}；没有则回答 []。",
}
_LABEL: dict[Language, str] = {"en": "class", "zh": "类别"}


class ImageFolder(msgspec.Struct, frozen=True, kw_only=True):
    """Images of one folder; see `vldata.records.draft.Source` for the fields."""

    converter: str = "images"
    name: str = "unlabelled"
    said: tuple[str, ...]
    columns: tuple[str, ...] = COLUMNS
    annotations: tuple[Path, ...] = ()
    media_root: Path
    settings: dict[str, Setting]
    image_format: FormatRule = "auto"
    total: int | None
    traits: Traits
    names: tuple[str, ...]
    question: str
    task: str

    def drafts(self) -> Iterator[Draft | Reject]:
        """Yield the question of every image, in natural order of their names."""
        for name in self.names:
            try:
                place = find_below(self.media_root, name)
            except PathError as error:
                yield Reject(name, name, "VL111", f"{error}.")
                continue
            if place is None:
                yield Reject(name, name, "VL202", "the image is not on disk any more.")
                continue
            yield Draft(
                id=name,
                where=name,
                turns=(Turn("user", (Slot(0), self.question)),),
                media=(FileRef(path=str(place.absolute()), source=name),),
                references=(),
                meta={"source": self.converter, "task": self.task, "file": name, "extra": ""},
                solution="",
                unanswered=True,
            )


def detection_question(classes: Sequence[str], attributes: Sequence[str], language: Language) -> str:
    """Return the question for the objects of some classes, with further fields of each."""
    fields = ['"bbox_2d": [x1, y1, x2, y2]', f'"label": {_LABEL[language]}', *(f'"{name}": ...' for name in attributes)]
    return _ASK[language].format(classes=("、" if language == "zh" else ", ").join(classes), fields=", ".join(fields))


def split_words(text: str) -> tuple[str, ...]:
    """Return the words of a list that a user wrote with commas of either script."""
    return tuple(dict.fromkeys(word for piece in text.replace("，", ",").replace("、", ",").split(",") if (word := piece.strip())))


def open_source(
    folder: Path,
    *,
    prompt: str = "",
    classes: str = "",
    attributes: str = "",
    language: Language = "en",
    boxes: Wish = "auto",
    processor: str = DEFAULT,
) -> ImageFolder:
    """Make one question of every image in a folder: records to ask a model (vleval predict, vleval detect), which nothing trains on.

    Args:
        folder: A folder of images, with folders in it or not.
        prompt: The question, the same for every image.
        classes: Ask for the boxes of these classes instead: "car,person".
        attributes: Further fields of each box, for example "colour,state".
        language: Of the question for boxes: en or zh.
        boxes: How boxes are to be written: as the models of --processor were trained (auto), in pixels, or from 0 to 1000.
        processor: The family of the model that will be asked.

    Raises:
        UsageError: neither a prompt nor classes are given, or both.
        DataError: the folder holds no image.
    """
    named, wanted = split_words(classes), split_words(attributes)
    if bool(prompt.strip()) == bool(named):
        raise UsageError(
            "what is to be asked of the images?" if not named else "--prompt and --classes are two questions.",
            cure='Give --prompt "Describe the picture.", or --classes car,person for boxes.',
        )
    if wanted and not named:
        raise UsageError("--attributes are fields of boxes.", cure="Give --classes too.")
    if not folder.is_dir():
        raise DataError("is not a folder.", where=str(folder), cure="Give a folder of images.")
    names = sorted(_names(folder), key=lambda name: (natural_key(name), name))
    if not names:
        raise DataError("holds no image.", where=str(folder), cure=f"Image files end in {', '.join(sorted(PICTURE_SUFFIXES))}.")
    target: Target = target_for(boxes, processor)
    question = detection_question(named, wanted, language) if named else prompt.strip()
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
    return ImageFolder(
        said=(f"{counted(len(names), 'image')}, each asked: {question}",),
        media_root=folder,
        settings={"prompt": question, "classes": ", ".join(named), "attributes": ", ".join(wanted), "files": digest},
        total=len(names),
        traits=Traits(parts=("solution",), coordinate_space=target if named else "none"),
        names=tuple(names),
        question=question,
        task="detection" if named else "question",
    )


def _names(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.suffix.lower() in PICTURE_SUFFIXES and not any(part.startswith(".") for part in name.split("/")) and path.is_file():
            yield name
