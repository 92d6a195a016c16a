"""VQAv2 and OK-VQA (questions and annotations apart), GQA, TextVQA, DocVQA and InfographicVQA: the official JSON of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import DataError
from vldata.sources.compressed import stem_of
from vldata.sources.layouts.base import (
    LayoutPart,
    Question,
    changes_meaning,
    head_of,
    json_files,
    left_out,
    named,
    read_json,
    split_of,
    text_of,
    texts_of,
    with_file_fields,
)
from vldata.sources.splitnames import SPLITS, split_word
from vldata.sources.unplaced import names as whole
from vldata.sources.unplaced import unplaced_paths

Read = Callable[[], Iterator[Question]]

_AGAIN = "Fetch the file again."
_ASKED = frozenset({"image_id", "question", "question_id"})
_ANSWERED = frozenset({"question_type", "multiple_choice_answer", "answers", "image_id", "answer_type", "question_id"})
_HEAD = whole("questions", "annotations", "data_type", "data_subtype", "task_type", "num_choices")
_LIST = whole("data", "dataset_name", "dataset_version", "dataset_split", "dataset_type")
_GQA = frozenset({"question", "imageId", "answer", "fullAnswer", "types"})
_IDS = ("question_id", "questionId", "id")
_DATA = frozenset(
    {*_IDS, "question", "image_id", "image", "image_local_name", "answers", "answer", "question_types", "data_split", "set_name"}
)
_OBJECT = "the question is not an object."


def find_vqav2(folder: Path) -> Sequence[LayoutPart]:
    """Find `*questions*.json` with the `*annotations*.json` of the same split; visualqa.org's and OK-VQA's form."""
    questions = [path for path in json_files(folder, "*uestions*.json") if b'"questions"' in _ends_of(path)]
    answers = [path for path in json_files(folder, "*nnotations*.json") if b'"annotations"' in _ends_of(path)]
    parts: list[LayoutPart] = []
    alone: list[str] = []
    for path in questions:
        split = split_of(path, folder)
        mine = [other for other in answers if split_of(other, folder) == split]
        if len(mine) > 1:
            words = f"{len(mine)} annotation files of the split {split!r} go with it: {', '.join(other.name for other in mine)}."
            raise DataError(words, where=str(path), cure="Give the folder of one version.")
        if mine:
            parts.append(LayoutPart(split=split, annotations=(path, mine[0]), questions=_vqav2_reader(path, mine[0])))
        else:
            alone.append(path.name)
    if alone and not parts:
        cure = "Fetch the *annotations*.json of a split; questions of a test set have no answers to learn."
        raise DataError(f"VQAv2 questions without their annotations: {', '.join(alone)}.", where=str(folder), cure=cure)
    if parts and alone:
        parts[0] = msgspec.structs.replace(parts[0], said=(f"Without annotations, and left out: {', '.join(alone)}.",))
    return parts


def _ends_of(path: Path) -> bytes:
    """The first and last bytes of a file: the list that counts may be its first key or its last."""
    if path.suffix != ".json":
        return head_of(path, 64 << 20)
    with path.open("rb") as handle:
        handle.seek(max(0, path.stat().st_size - 65_536))
        return head_of(path) + handle.read()


def _vqav2_reader(questions: Path, answers: Path) -> Read:
    def read() -> Iterator[Question]:
        asked, given = read_json(questions), read_json(answers)
        known = {text_of(entry.get("question_id")): entry for entry in _listed(given, "annotations", answers) if isinstance(entry, dict)}
        rows = _listed(asked, "questions", questions)
        subset = text_of(asked.get("data_subtype") or given.get("data_subtype"))
        found = (
            _vqav2_question(entry, known.get(text_of(entry.get("question_id"))), f"{questions.name}[{number}]", subset)
            if isinstance(entry, dict)
            else Question(id=f"{number}", where=f"{questions.name}[{number}]", fault=_OBJECT)
            for number, entry in enumerate(rows)
        )
        yield from with_file_fields(found, (*unplaced_paths(asked, _HEAD), *unplaced_paths(given, _HEAD)))

    return read


def _vqav2_question(entry: dict[str, Any], told: Any, where: str, subset: str) -> Question:
    question_id, image_id = text_of(entry.get("question_id")) or where, entry.get("image_id")
    if not isinstance(told, dict):
        return Question(id=question_id, where=where, fault="no annotation has its question_id.")
    if told.get("image_id", image_id) != image_id:
        return Question(id=question_id, where=where, fault="its annotation is of another image.")
    return Question(
        id=question_id,
        where=where,
        images=_coco_places(image_id, subset),
        text=text_of(entry.get("question")),
        answers=chosen_first(texts_of(told.get("answers")), text_of(told.get("multiple_choice_answer"))),
        meta={"question_type": text_of(told.get("question_type")), "answer_type": text_of(told.get("answer_type"))},
        unused=(*left_out(entry, _ASKED), *left_out(told, _ANSWERED), *_fields_of(told, "answers", ("answer", "answer_id"))),
        strange=(*changes_meaning(entry, _ASKED), *changes_meaning(told, _ANSWERED)),
    )


def _fields_of(entry: dict[str, Any], key: str, known: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The fields inside a field that is read, of which only some are known."""
    inside = unplaced_paths({key: entry.get(key)}, {key: whole(*known)})
    return tuple((path, "left out") for path in dict.fromkeys(inside))


def chosen_first(answers: Sequence[str], chosen: str = "") -> tuple[str, ...]:
    """Answers as often as people gave them, the one to learn first: the one that the dataset chose, else the commonest."""
    first = chosen or (Counter(answers).most_common(1)[0][0] if answers else "")
    if not first:
        return ()
    rest = list(answers)
    if first in rest:
        rest.remove(first)
    return (first, *rest)


def _coco_places(image_id: Any, subset: str) -> tuple[str, ...]:
    """COCO's image of a number: COCO_train2014_000000000009.jpg in the folder of its subset, in images/, or beside; 2017 has no prefix."""
    if isinstance(image_id, bool) or not isinstance(image_id, int):
        return named(text_of(image_id), ("images", "")) if text_of(image_id) else ()
    bare = f"{image_id:012d}.jpg"
    names = [f"COCO_{subset}_{bare}", bare] if subset else [bare]
    folders = [subset, f"images/{subset}", "images", ""] if subset else ["images", ""]
    return tuple(f"{folder}/{name}" if folder else name for name in names for folder in folders)


def _listed(value: Any, key: str, path: Path) -> list[Any]:
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, list):
        raise DataError(f"holds no list {key!r}.", where=str(path), cure=_AGAIN)
    return found


def find_gqa(folder: Path) -> Sequence[LayoutPart]:
    """Find GQA's `*_questions.json`: objects of questions by id, each with an imageId; numbered files are one."""
    versions: dict[tuple[str, str], list[Path]] = {}
    for path in json_files(folder, "*questions*.json"):
        if b'"imageId"' in head_of(path):
            versions.setdefault((split_of(path, folder), stem_of(path).rstrip("_0123456789")), []).append(path)
    return [LayoutPart(split=split, annotations=tuple(files), questions=_gqa_reader(files)) for (split, _), files in versions.items()]


def _gqa_reader(files: Sequence[Path]) -> Read:
    def read() -> Iterator[Question]:
        for path in files:
            yield from _gqa_questions(path)

    return read


def _gqa_questions(path: Path) -> Iterator[Question]:
    table = read_json(path)
    if not isinstance(table, dict):
        raise DataError("holds no object of questions.", where=str(path), cure=_AGAIN)
    for key, entry in table.items():
        where = f"{path.name}[{key!r}]"
        if isinstance(entry, dict):
            yield _gqa_question(key, entry, where)
        else:
            yield Question(id=key, where=where, fault=_OBJECT)


def _gqa_question(key: str, entry: dict[str, Any], where: str) -> Question:
    types = entry.get("types")
    kind = text_of(types.get("detailed")) if isinstance(types, dict) else ""
    image = text_of(entry.get("imageId"))
    return Question(
        id=key,
        where=where,
        images=named(image, ("images", "", "allImages/images")) if image else (),
        text=text_of(entry.get("question")),
        answers=texts_of(entry.get("answer")),
        meta={"question_type": kind, "full_answer": text_of(entry.get("fullAnswer"))},
        unused=(*left_out(entry, _GQA), *_fields_of(entry, "types", ("detailed",))),
        strange=changes_meaning(entry, _GQA),
    )


def find_data_lists(folder: Path) -> Sequence[LayoutPart]:
    """Find TextVQA, DocVQA and InfographicVQA: `{"data": [...]}` whose questions name their image by id, path or local name."""
    parts = []
    for path in json_files(folder):
        head = head_of(path)
        if b'"data"' not in head or b'"question"' not in head or not any(key in head for key in _DATA_KEYS):
            continue
        table = read_json(path)
        if isinstance(table, dict) and isinstance(table.get("data"), list):
            split = split_of(path, folder, table.get("dataset_split") or table.get("dataset_type"))
            dataset = text_of(table.get("dataset_name")).lower()
            parts.append(LayoutPart(split=split, annotations=(path,), questions=_data_reader(path, split), dataset=dataset))
    return parts


_DATA_KEYS = (b'"docId"', b'"image_id"', b'"image_local_name"', b'"ucsf_document_id"')


def _data_reader(path: Path, split: str) -> Read:
    def read() -> Iterator[Question]:
        table = read_json(path)
        found = (
            _data_question(entry, f"{path.name}.data[{number}]", f"{path.stem}-{number}", split)
            if isinstance(entry, dict)
            else Question(id=str(number), where=f"{path.name}.data[{number}]", fault=_OBJECT)
            for number, entry in enumerate(_listed(table, "data", path))
        )
        yield from with_file_fields(found, unplaced_paths(table, _LIST))

    return read


def _data_question(entry: dict[str, Any], where: str, usual: str, split: str) -> Question:
    answers = chosen_first(texts_of(entry.get("answers", entry.get("answer"))))
    return Question(
        id=next((text_of(entry[key]) for key in _IDS if entry.get(key) is not None), usual),
        where=where,
        images=_document_places(entry),
        text=text_of(entry.get("question")),
        answers=answers,
        meta={"question_type": ", ".join(texts_of(entry.get("question_types") or ""))},
        unused=left_out(entry, _DATA),
        strange=changes_meaning(entry, _DATA),
        fault=_other_split(entry, split) or ("" if answers else "it has no answer: a test set cannot be learned."),
    )


def _other_split(entry: dict[str, Any], split: str) -> str:
    """Why a row that says it is of another split than its file is refused; "" for a good one."""
    for key in ("data_split", "set_name"):
        own = split_word(text_of(entry.get(key)))
        if own and split and SPLITS.get(own, own) != split:
            return f"{key} says {entry[key]!r:.40}, but its file is of the split {split}."
    return ""


def _document_places(entry: dict[str, Any]) -> tuple[str, ...]:
    """`image` (documents/xnbl0037_1.png), `image_local_name` (20471.jpeg), or `image_id` of Open Images with any usual ending."""
    for key in ("image", "image_local_name"):
        if name := text_of(entry.get(key)):
            bare = name.rpartition("/")[2]
            return tuple(dict.fromkeys((name, f"images/{bare}", f"documents/{bare}", f"infographicsvqa_images/{bare}", bare)))
    stem = text_of(entry.get("image_id"))
    return named(stem, ("train_images", "test_images", "images", "")) if stem else ()
