"""What a row says about itself: its id, its meta columns, and the fields that have no place of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vldata.records.draft import Guess
from vldata.sources.compressed import stem_of
from vldata.sources.splitnames import split_word

META_FIELDS = ("category", "kind", "split", "subset", "language", "scene", "episode")
_SPLITS = frozenset({"split", "data_split"})
ID_FIELDS = ("id", "question_id", "questionId", "question_ID", "qid", "uid", "uuid", "sample_id", "__key__")


def id_of(row: dict[str, Any], prefix: str, number: int) -> str:
    """Return the id of a record: the row's own, or its number in the file."""
    field = id_field(row)
    return f"{prefix}/{row[field]}" if field else f"{prefix}/{number:08d}"


def id_field(row: dict[str, Any]) -> str:
    """Return the field that holds the id of a row, "" for none."""
    for field in ID_FIELDS:
        value = row.get(field)
        if (type(value) is str and value.strip()) or type(value) is int:
            return field
    return ""


def meta_columns(present: frozenset[str]) -> tuple[str, ...]:
    """Return the meta columns of a source in which these fields are."""
    return ("source", "task", *(field for field in META_FIELDS if field in present), "extra")


def dataset_name(path: Path) -> str:
    """Return the name a dataset takes from its file: the stem, with signs that no name may have replaced."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", stem_of(path)).strip("_.-")[:100]
    return name if name and name[0].isalnum() and name not in ("images", "dataset_info") else "dataset"


def plain(name: str) -> str:
    """A field's name as the tables of names write it: a sheet's "Image Path" is image_path."""
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def mixed_splits(rows: Iterable[dict[str, Any]]) -> str:
    """Warn where rows of one file name several splits, which then are one dataset; "" where they do not."""
    given = [(key, text) for row in rows for key, text in row.items() if isinstance(text, str) and text and plain(key) in _SPLITS]
    return several_splits((text for _, text in given), next((key for key, _ in given if key != plain(key)), ""))


def several_splits(names: Iterable[str], odd: str = "") -> str:
    """Warn where these are names of several splits; `odd` is how the column is called where nothing can be told apart by it later."""
    found = sorted(set(names))
    if len({split_word(name) for name in found} - {""}) < 2:
        return ""
    cure = "take them apart with `vldata filter DIR/NAME --where split=...` before training"
    if odd:
        cure = f"call the column {odd!r} {plain(odd)!r}, convert again, and take them apart with `vldata filter`"
    return Guess(f"Warning: rows of several splits ({', '.join(found[:6])}) stand in one file and become one dataset, a guess; {cure}.")


def is_own(row: dict[str, Any]) -> bool:
    """Whether a row is a record as we write them: its id, references and meta are then taken over as they are."""
    references, meta = row.get("references"), row.get("meta")
    return (
        type(references) is list
        and type(meta) is dict
        and type(row.get("id")) is str
        and all(type(text) is str for text in references)
        and all(type(text) is str for text in meta.values())
    )
