"""Predictions files of other tools, recognised by content and read into rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from vldata.errors import DataError, UsageError
from vleval.readers import openeqa, plain
from vleval.readers.collect import Collected, collect
from vleval.readers.containers import iter_records, look, place
from vleval.readers.fields import find_id, text_of
from vleval.readers.formats import FORMATS, Format, describe
from vleval.readers.source import Source, open_source
from vleval.readers.taken import FieldNames, Guess, Taken
from vleval.rows import Row

MARK_KEYS = ("mark", "score", "rating")
_MARKS = "Give {id: mark} as OpenEQA writes it, or lines with id and mark."


@dataclass(frozen=True)
class Loaded:
    """Rows as they lie in the file.

    Attributes:
        name: the file as messages call it.
        format: a key of `formats.FORMATS`.
        has_ids: False when line numbers stand for ids.
        notes: sentences to be said aloud.
        taken: the fields that were read.
        guesses: what was decided without proof.
        columns: fields that may be an id, by plain name: the rows' values in order.
    """

    name: str
    format: str
    rows: list[Row]
    has_ids: bool
    notes: tuple[str, ...] = ()
    taken: Taken = Taken()
    guesses: tuple[Guess, ...] = ()
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read_predictions(file: str | Path, *, format: str = "", group_by: str = "", fields: FieldNames | None = None) -> Loaded:
    """Read a predictions file of any known tool.

    Args:
        file: a path, or `-` for stdin.
        format: a key of `formats.FORMATS`; "" to find out.
        group_by: a field to keep as a group beside the usual ones.
        fields: where the user says that id, prediction and reference lie.

    Raises:
        DataError: the file, or a record of it, cannot be understood; the message names the line.
        UsageError: an unknown format, or one that does not come in such a file.
    """
    if format and format not in FORMATS:
        raise UsageError(f"there is no format {format!r}.", cure="Formats: " + ", ".join(FORMATS))
    told = fields or FieldNames()
    with open_source(file) as source:
        found = look(source)
        name = format or _recognise(source, found.container, found.first, told)
        kind = FORMATS[name]
        if found.container not in kind.containers:
            raise UsageError(f"{name} does not come as {found.container}.", cure="Leave --format out, or name the right one.")
        placed = ((place(source, spot), record) for spot, record in _records(source, kind, found.container))
        return loaded_of(collect(placed, kind, source.name, group_by=group_by, told=told), source.name, name)


def loaded_of(collected: Collected, name: str, format: str) -> Loaded:
    """What a file's rows are called, with the sentences that are said of them.

    Raises:
        DataError: some records have an id and some have none.
    """
    rows, without_id = collected.rows, collected.without_id
    if 0 < len(without_id) < len(rows):
        raise DataError(
            f"has no id, and others have one ({len(without_id):,} of {len(rows):,} records are without).",
            where=without_id[0],
            cure="Give every prediction an id, or none of them; a file that mixes formats cannot be read.",
        )
    notes = [f"{name}: read as {FORMATS[format].title}."]
    taken = collected.taken if not without_id else msgspec.structs.replace(collected.taken, id="")
    if said := taken.sentence():
        notes.append(f"{name}: {said}")
    if collected.numbers:
        notes.append(f"{collected.numbers:,} answers are numbers; they are read as their text.")
    if without_id:
        notes.append("It has no ids: line numbers stand for them.")
    notes += collected.notes
    return Loaded(
        name,
        format,
        rows,
        has_ids=not without_id,
        notes=tuple(notes),
        taken=taken,
        guesses=taken.guesses,
        columns=collected.columns,
    )


def read_marks(file: str | Path) -> dict[str, str]:
    """A judge's marks by id: `{id: mark}` as OpenEQA writes it, or records with an id and a mark, score or rating.

    Raises:
        DataError: the file cannot be understood, a record has no mark, or an id is marked twice.
    """
    with open_source(file) as source:
        found = look(source)
        marks: dict[str, str] = {}
        if found.container == "json-object":
            if not openeqa.recognise_marks(found.first):
                raise DataError("is an object, but not one of marks.", where=source.name, cure=_MARKS)
            return {name: str(mark) for name, mark in found.first.items()}
        for spot, record in iter_records(source, found.container):
            where = place(source, spot)
            name = find_id(record, where)
            mark = next((text_of(record[key], key, where) for key in MARK_KEYS if record.get(key) is not None), None)
            if name is None or mark is None:
                raise DataError("has no id and mark.", where=where, cure=_MARKS)
            if marks.setdefault(name, str(mark)) != mark:
                raise DataError(f"marks {name!r} a second time, and otherwise.", where=where, cure="Keep one mark for each answer.")
        return marks


def _recognise(source: Source, container: str, first: dict[str, object], told: FieldNames) -> str:
    for name, kind in FORMATS.items():
        if container in kind.containers and kind.recognise(first):
            return name
    if first and container in FORMATS["plain"].containers and (told.prediction or plain.has_context(first)):
        return "plain"  # whose reader names the fields that the answers may be in
    if not first:
        raise DataError("holds an empty object and no predictions.", where=source.name)
    raise DataError(
        f"is of no known format: its first record has {describe(first)}.",
        where=source.name,
        cure="Name the field of the answers, --prediction-field NAME. All formats: vleval score --list",
    )


def _records(source: Source, kind: Format, container: str) -> Iterator[tuple[str, dict[str, object]]]:
    for spot, record in iter_records(source, container):  # type: ignore[arg-type]
        if kind.explode is None:
            yield spot, record
            continue
        for inner, part in kind.explode(record, place(source, spot)):
            yield (inner or spot), part
