"""Published datasets as their authors lay them out: the layout is told from the files and said."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from vldata.errors import DataError, UsageError
from vldata.files.paths import PathError, find_below
from vldata.media.refs import FileRef, FormatRule
from vldata.records.boxes import Box, Target, Wish, target_for
from vldata.records.draft import Draft, Part, Reject, Setting, Slot, Traits, Turn
from vldata.sources.choices import TEMPLATE, letter_of, written
from vldata.sources.layouts import captions, choices, forms, screens, vqa
from vldata.sources.layouts.base import Layout, LayoutPart, Question

LAYOUTS: dict[str, Layout] = {
    "vqav2": Layout(
        title="VQAv2, OK-VQA: questions and annotations apart", task="vqa", find=vqa.find_vqav2, keys=("question_type", "answer_type")
    ),
    "gqa": Layout(title="GQA: questions by id", task="vqa", find=vqa.find_gqa, keys=("question_type", "full_answer")),
    "data-list": Layout(title="TextVQA, DocVQA, InfographicVQA", task="vqa", find=vqa.find_data_lists, keys=("question_type",)),
    "coco-captions": Layout(title="COCO captions: images and their sentences", task="caption", find=captions.find_captions),
    "scienceqa": Layout(title="ScienceQA: problems.json", task="choices", find=choices.find_scienceqa, keys=choices.SCIENCEQA_META),
    "ai2d": Layout(title="AI2D: a JSON a diagram", task="choices", find=choices.find_ai2d, keys=("category",)),
    "sroie": Layout(title="SROIE: receipts and their fields", task="json", find=forms.find_sroie),
    "funsd": Layout(title="FUNSD: forms and their fields", task="json", find=forms.find_funsd),
    "screenspot": Layout(
        title="ScreenSpot: instructions and what to click", task="grounding", find=screens.find_screenspot, keys=("category", "platform")
    ),
}
"""The layouts that are known. A new one is a module in `layouts/`, a line here and a test."""

LayoutName = Literal["auto", "vqav2", "gqa", "data-list", "coco-captions", "scienceqa", "ai2d", "sroie", "funsd", "screenspot"]
_SHORT = "{question}\nAnswer with a word or a short phrase."


class OfficialSource(msgspec.Struct, frozen=True, kw_only=True):
    """Questions of one split; see `vldata.records.draft.Source` for the fields."""

    converter: str = "official"
    name: str
    said: tuple[str, ...]
    columns: tuple[str, ...]
    annotations: tuple[Path, ...]
    media_root: Path
    settings: dict[str, Setting]
    image_format: FormatRule = "auto"
    total: int | None = None
    traits: Traits
    layout: str
    task: str
    split: str
    template: str
    target: Target
    keys: tuple[str, ...]
    part: LayoutPart
    ignore: tuple[str, ...] = ()

    def drafts(self) -> Iterator[Draft | Reject]:
        """Yield every question in the order of its file; an id that stands twice is rejected the second time by the rules of records."""
        for question in self.part.questions():
            record_id = f"{self.layout}/{self.split + '/' if self.split else ''}{question.id}"
            if fault := question.fault or self._missing(question):
                yield Reject(record_id, question.where, "VL201", fault)
                continue
            if strange := next((name for name in question.strange if name not in self.ignore), ""):
                what = f"{strange!r} is known to change what is learned, and this dataset has no such field"
                yield Reject(record_id, question.where, "VL215", f"{what}; --ignore {strange} leaves it out.")
                continue
            place: Path | None = None
            if question.images:
                try:
                    place = next(
                        (found for name in question.images if (found := find_below(self.media_root, name)) and found.is_file()), None
                    )
                except PathError as error:
                    yield Reject(record_id, question.where, "VL111", f"{error}.")
                    continue
                if place is None:
                    yield Reject(record_id, question.where, "VL202", f"the image {question.images[0]!r} is not on disk.")
                    continue
            yield self._draft(question, record_id, place)

    def _missing(self, question: Question) -> str:
        if not question.text:
            return "it has no question."
        return "" if question.answers or question.choices or question.box else "it has no answer."

    def _draft(self, question: Question, record_id: str, place: Path | None) -> Draft:
        text = f"{question.context}\n{question.text}" if question.context else question.text
        asked = self.template.replace("{question}", text).replace("{choices}", written(question.choices) if question.choices else "")
        answer: tuple[Part, ...]
        references: tuple[str, ...] | None
        if question.choices:
            letter = letter_of(question.right)
            answer, references = (letter,), tuple(dict.fromkeys((letter, question.choices[question.right])))
        elif question.box is not None:
            answer, references = self._point(question.box), None
        else:
            answer, references = (question.answers[0],), question.answers
        media = (FileRef(path=str(place.absolute()), source=place.relative_to(self.media_root).as_posix()),) if place else ()
        meta = {"source": self.layout, "task": self.task, "split": self.split, **{key: question.meta.get(key, "") for key in self.keys}}
        if "choices" in self.columns:
            meta["choices"] = json.dumps(list(question.choices), ensure_ascii=False)
        if "source_bbox" in self.columns:
            meta["source_bbox"] = json.dumps(question.box)
        return Draft(
            id=record_id,
            where=question.where,
            turns=(Turn("user", ((Slot(0),) if place else ()) + (asked,)), Turn("assistant", answer)),
            media=media,
            references=references,
            meta={**meta, "extra": ""},
            unused=question.unused,
        )

    def _point(self, box: tuple[float, float, float, float]) -> tuple[Part, ...]:
        middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        return ('{"point_2d": ', Box(0, middle, "pixels", self.target), "}")


def find_layout(folder: Path, wanted: LayoutName) -> tuple[str, Sequence[LayoutPart]]:
    """The layout of a folder and its parts.

    Raises:
        DataError: it is none that is known, or could be two.
    """
    names = list(LAYOUTS) if wanted == "auto" else [wanted]
    found = {name: parts for name in names if (parts := LAYOUTS[name].find(folder))}
    if not found:
        shown = "; ".join(f"{name} ({layout.title})" for name, layout in LAYOUTS.items())
        what = "no official layout was found." if wanted == "auto" else f"it is not laid out as {wanted}."
        raise DataError(what, where=str(folder), cure=f"Known are {shown}. Other files: vldata convert jsonl or sharegpt.")
    if len(found) > 1:
        raise DataError(
            f"holds several layouts: {', '.join(found)}.", where=str(folder), cure="Name one with --layout, or give its folder."
        )
    return next(iter(found.items()))


def cure_of(folder: Path) -> str:
    """The command that reads a folder which is laid out as one that is known; "" for any other."""
    try:
        name, _ = find_layout(folder, "auto") if folder.is_dir() else ("", ())
    except (DataError, OSError):
        return ""
    return f"The folder is laid out as {LAYOUTS[name].title}: vldata convert official {folder}" if name else ""


def open_source(
    source: Path,
    *,
    layout: LayoutName = "auto",
    split: str = "",
    prompt: str = "",
    boxes: Wish = "auto",
    processor: str = "qwen3-vl",
    ignore: tuple[str, ...] = (),
) -> list[OfficialSource]:
    """Convert a published dataset as its authors lay it out.

    VQAv2, OK-VQA, GQA, TextVQA, DocVQA, InfographicVQA, COCO captions, ScienceQA, AI2D, SROIE, FUNSD and ScreenSpot.

    Args:
        source: The folder of the annotations and images.
        layout: Which of them it is; auto tells it from the files and says so.
        split: Only this split; without it each becomes a dataset.
        prompt: How questions are put: a text with {question}, and {choices} for multiple choice.
        boxes: How points are written: as the models of --processor were trained (auto), in pixels, or from 0 to 1000.
        processor: The family of the model.
        ignore: Fields that may be left out although they change meaning.

    Raises:
        UsageError: a prompt without {question}, or no such split.
        DataError: the folder is not laid out as any that is known, or as several.
    """
    if not source.is_dir():
        raise DataError("is not a folder.", where=str(source), cure="Give the folder that holds annotations and images.")
    name, parts = find_layout(source, layout)
    told = LAYOUTS[name]
    usual = TEMPLATE if told.task == "choices" else _SHORT if told.task == "vqa" else "{question}"
    template = prompt or usual
    needed = ["{question}", "{choices}"] if told.task == "choices" else ["{question}"]
    if lacking := [word for word in needed if word not in template]:
        raise UsageError(f"--prompt has no {lacking[0]}.", cure=f"For example: --prompt {usual!r}")
    splits = Counter(part.split for part in parts)
    if split and split not in splits:
        raise UsageError(
            f"--split {split!r} is not there.", where=str(source), cure=f"There are {', '.join(filter(None, splits)) or 'none'}."
        )
    if repeated := [part for part, count in splits.items() if count > 1]:
        files = ", ".join(part.annotations[0].name for part in parts if part.split == repeated[0])
        raise DataError(
            f"several files are of the split {repeated[0]!r}: {files}.", where=str(source), cure="Give the folder of one version."
        )
    chosen = [part for part in parts if not split or part.split == split]
    target = target_for(boxes, processor)
    made = [_source(source, name, told, part, template, target, said=not number) for number, part in enumerate(chosen)]
    return [msgspec.structs.replace(one, ignore=tuple(ignore)) for one in made]


def _source(folder: Path, name: str, told: Layout, part: LayoutPart, template: str, target: Target, *, said: bool) -> OfficialSource:
    keys, dataset = told.keys, re.sub(r"[^a-z0-9]+", "_", part.dataset).strip("_") or name
    more = (("choices",) if told.task == "choices" else ()) + (("source_bbox",) if told.task == "grounding" else ())
    files = ", ".join(path.name for path in part.annotations[:2]) + (
        f" and {len(part.annotations) - 2:,} more" if len(part.annotations) > 2 else ""
    )
    sentences = (f"{folder}: laid out as {told.title}; every question is put as {template!r}.",) if said else ()
    return OfficialSource(
        name=f"{dataset.replace('-', '_')}{'_' + part.split if part.split else ''}",
        said=(*sentences, f"{part.split or 'all'}: {files}.", *part.said),
        columns=("source", "task", "split", *keys, *more, "extra"),
        annotations=part.annotations,
        media_root=folder,
        settings={"layout": name, "split": part.split, "prompt": template},
        traits=Traits(coordinate_space=target if told.task == "grounding" else "none"),
        layout=dataset,
        task=told.task,
        split=part.split,
        template=template,
        target=target,
        keys=keys,
        part=part,
    )
