"""ScienceQA (problems.json) and AI2D (a JSON a diagram): multiple choice as their authors publish it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.sources.layouts.base import LayoutPart, Question, changes_meaning, head_of, left_out, read_json, text_of
from vldata.sources.splitnames import SPLITS
from vldata.sources.unplaced import names as whole
from vldata.sources.unplaced import unplaced_paths

SCIENCEQA_META = ("subject", "topic", "category", "skill", "grade")
_PROBLEM = frozenset({"question", "choices", "answer", "hint", "image", "split", *SCIENCEQA_META})
_EXPLAINED = frozenset({"solution"})  # why the answer is right: left out, and said
_FILE = whole("imageName", "questions")
_DIAGRAM = frozenset({"abcLabel", "answerTexts", "correctAnswer", "questionId"})


def find_scienceqa(folder: Path) -> Sequence[LayoutPart]:
    """Find problems.json: problems by id, each with its split; images in SPLIT/ID/image.png."""
    path = next((place for place in (folder / "problems.json", folder / "data" / "scienceqa" / "problems.json") if place.is_file()), None)
    if path is None or b'"choices"' not in head_of(path):
        return ()
    table = read_json(path)
    if not isinstance(table, dict):
        raise DataError("holds no object of problems.", where=str(path), cure="Fetch the file again.")
    splits = dict.fromkeys(text_of(entry.get("split")) for entry in table.values() if isinstance(entry, dict))
    files = (path, *(place for place in (path.with_name("pid_splits.json"),) if place.is_file()))
    return [LayoutPart(split=SPLITS.get(split, split), annotations=files, questions=_problems(table, split, path.name)) for split in splits]


def _problems(table: dict[str, Any], split: str, name: str) -> Any:
    def read() -> Iterator[Question]:
        for key, entry in table.items():
            if not isinstance(entry, dict):
                yield Question(id=key, where=f"{name}[{key!r}]", fault="the problem is not an object.")
            elif text_of(entry.get("split")) == split:
                yield _problem(key, entry, name, split)

    return read


def _problem(key: str, entry: dict[str, Any], name: str, split: str) -> Question:
    image = text_of(entry.get("image"))
    places = [f"{root}{folder}/{key}/{image}" for root in ("", "images/") for folder in (split, "")] if image else []
    return Question(
        id=key,
        where=f"{name}[{key!r}]",
        images=tuple(place.replace("//", "/").lstrip("/") for place in places),
        text=text_of(entry.get("question")),
        context=text_of(entry.get("hint")),
        meta={what: text_of(entry.get(what)) for what in SCIENCEQA_META},
        unused=left_out(entry, _PROBLEM),
        strange=changes_meaning(entry, _PROBLEM | _EXPLAINED),
        **_choice(entry.get("choices"), entry.get("answer")),
    )


def _choice(choices: Any, right: Any) -> dict[str, Any]:
    texts = tuple(text_of(choice) for choice in choices) if isinstance(choices, list) else ()
    if len(texts) < 2 or not all(texts):
        return {"fault": "it has no two choices, or an empty one."}
    if isinstance(right, bool) or not isinstance(right, int) or not 0 <= right < len(texts):
        return {"fault": f"its answer {right!r} is no place among {len(texts)} choices."}
    return {"choices": texts, "right": right}


def find_ai2d(folder: Path) -> Sequence[LayoutPart]:
    """Find AI2D: questions/NAME.png.json beside images/."""
    root = next((place for place in (folder, folder / "ai2d") if (place / "questions").is_dir()), None)
    files = sorted((root / "questions").glob("*.json")) if root else []
    if root is None or not files or b'"imageName"' not in head_of(files[0]):
        return ()
    prefix = "" if root == folder else f"{root.name}/"
    return [LayoutPart(split="", annotations=tuple(files), questions=_diagrams(files, prefix))]


def _diagrams(files: Sequence[Path], prefix: str) -> Any:
    def read() -> Iterator[Question]:
        for path in files:
            table = read_json(path)
            asked = table.get("questions") if isinstance(table, dict) else None
            if not isinstance(asked, dict):
                yield Question(id=path.name, where=path.name, fault="it holds no questions.")
                continue
            file_fields = tuple((f"{name} (of the file)", "left out") for name in unplaced_paths(table, _FILE))
            image = text_of(table.get("imageName")) or path.name.removesuffix(".json")
            for text, entry in asked.items():
                entry = entry if isinstance(entry, dict) else {}
                yield Question(
                    id=text_of(entry.get("questionId")) or f"{path.stem}/{text}",
                    where=f"{path.name}[{text!r}]",
                    images=(f"{prefix}images/{image}", f"{prefix}{image}"),
                    text=text.strip(),
                    meta={"category": "labels in the diagram" if entry.get("abcLabel") else "texts"},
                    unused=(*left_out(entry, _DIAGRAM), *file_fields),
                    strange=changes_meaning(entry, _DIAGRAM),
                    **_choice(entry.get("answerTexts"), entry.get("correctAnswer")),
                )

    return read
