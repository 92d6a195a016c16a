"""SROIE (receipts with four fields) and FUNSD (forms with linked questions and answers): fields of a document as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.files.naming import natural_key
from vldata.files.strictjson import read_user_text
from vldata.sources.census import LEFT_OUT
from vldata.sources.layouts.base import LayoutPart, Question, head_of, named, read_json, split_of, text_of
from vldata.sources.unplaced import Known, unplaced_paths
from vldata.sources.unplaced import names as whole

_SROIE = ("company", "date", "address", "total")
_ASK_SROIE = "Read this receipt. Answer with a JSON object of the fields {}; leave out a field that is not there."
_ASK_FUNSD = "Read this form. Answer with a JSON object of its fields: the printed label of each, and what was filled in."
_FORM: Known = {"form": whole("id", "text", "label", "linking")}
_NO_FIELD = ("form[] that is no question with an answer", "left out")
_KEYS = ("entities", "key", "keys")


def find_sroie(folder: Path) -> Sequence[LayoutPart]:
    """Find img/ with entities/ (or key/) of the same names, in the folder or in one folder a split."""
    parts = []
    for root in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        keys = next((root / name for name in _KEYS if (root / name).is_dir()), None)
        if keys is None or not any((root / name).is_dir() for name in ("img", "image", "images")):
            continue
        files = sorted((path for path in keys.iterdir() if path.suffix in (".txt", ".json")), key=lambda path: natural_key(path.name))
        if not files or b'"company"' not in head_of(files[0]) + head_of(files[-1]):
            continue
        prefix = "" if root == folder else f"{root.name}/"
        split = split_of(root / "x", folder) if prefix else ""
        parts.append(LayoutPart(split=split, annotations=tuple(files), questions=_receipts(files, prefix)))
    return parts


def _receipts(files: Sequence[Path], prefix: str) -> Any:
    def read() -> Iterator[Question]:
        question = _ASK_SROIE.format(", ".join(_SROIE))
        for path in files:
            try:
                found = strictjson.loads(read_user_text(path))
            except strictjson.StrictJsonError as error:
                yield Question(id=path.stem, where=path.name, fault=f"it is {error}.")
                continue
            fields = {name: text_of(found.get(name)) for name in _SROIE} if isinstance(found, dict) else {}
            given = {name: text for name, text in fields.items() if text}
            more = sorted(found.keys() - set(_SROIE)) if isinstance(found, dict) else []
            yield Question(
                id=path.stem,
                where=path.name,
                images=named(path.stem, [f"{prefix}{name}" for name in ("img", "image", "images")]),
                text=question,
                answers=(json.dumps(given, ensure_ascii=False),) if given else (),
                fault="" if given and not more else f"it has fields that SROIE has not: {', '.join(more)}." if more else "it has no field.",
            )

    return read


def find_funsd(folder: Path) -> Sequence[LayoutPart]:
    """Find annotations/ of FUNSD beside images/, in the folder or in training_data/ and testing_data/."""
    parts = []
    for root in (folder, *sorted(path for path in folder.glob("*") if path.is_dir()), *sorted(folder.glob("dataset/*"))):
        files = sorted((root / "annotations").glob("*.json"), key=lambda path: natural_key(path.name)) if root.is_dir() else []
        if not files or b'"form"' not in head_of(files[0], 4_096):
            continue
        prefix = "" if root == folder else f"{root.relative_to(folder).as_posix()}/"
        split = split_of(root / "x", folder) if prefix else ""
        parts.append(LayoutPart(split=split, annotations=tuple(files), questions=_forms(files, prefix)))
    return parts


def _forms(files: Sequence[Path], prefix: str) -> Any:
    def read() -> Iterator[Question]:
        for path in files:
            table = read_json(path)
            entries = table.get("form") if isinstance(table, dict) else None
            if not isinstance(entries, list):
                raise DataError("holds no list 'form'.", where=str(path), cure="Fetch the file again.")
            fields = form_fields(entries)
            yield Question(
                id=path.stem,
                where=path.name,
                images=named(path.stem, (f"{prefix}images",)),
                text=_ASK_FUNSD,
                answers=(json.dumps(fields, ensure_ascii=False),) if fields else (),
                unused=(*dict.fromkeys((path, LEFT_OUT) for path in unplaced_paths(table, _FORM)), _NO_FIELD),
                fault="" if fields else "no question of it is linked with an answer.",
            )

    return read


def form_fields(entries: Sequence[Any]) -> dict[str, Any]:
    """The answers of a form by their questions, in reading order; several answers of one question, or questions of one text, are a list."""
    known = {entry["id"]: entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), int)}
    found: dict[str, list[str]] = {}
    for number, entry in known.items():
        if entry.get("label") != "question" or not (name := text_of(entry.get("text"))):
            continue
        pairs = [pair for pair in _listed(entry.get("linking")) if isinstance(pair, list) and len(pair) == 2 and number in pair]
        links = [
            pair[1] if pair[0] == number else pair[0] for pair in pairs
        ]  # either way round: question and answer are told by their labels
        answers = [
            text_of(known[other].get("text")) for other in links if isinstance(other, int) and known.get(other, {}).get("label") == "answer"
        ]
        if texts := [text for text in answers if text]:
            found.setdefault(name, []).extend(texts)
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in found.items()}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
