"""Predictions files of other tools, recognised by content and read into rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import DataError, UsageError
from vleval.readers import openeqa, plain, tables, xlsx
from vleval.readers.collect import Collected, collect
from vleval.readers.containers import Container, Record, iter_records, look, place
from vleval.readers.fields import find_id, text_of
from vleval.readers.formats import FORMATS, Format, describe
from vleval.readers.source import PredictionsSource, open_source
from vleval.readers.taken import NOTHING, Taken, TakenGuess
from vleval.rows import Row
from vleval.settings import FieldNames, Reading

MARK_KEYS = ("mark", "score", "rating")
_MARKS = "Give {id: mark} as OpenEQA writes it, or lines with id and mark."


@dataclass(frozen=True)
class Loaded:
    """Rows as they are in the file.

    Attributes:
        name: the file as messages call it.
        format: a key of `formats.FORMATS`.
        has_ids: False when line numbers stand for ids.
        notes: sentences to be said aloud.
        taken: the fields that were read.
        guesses: what was decided without proof.
        columns: fields that may be an id: the rows' values in order, by name.
        fields_told: the user named the field of the prediction.
        samples: whether some rows are a further sample of a question; None where nobody looked.
    """

    name: str
    format: str
    rows: Sequence[Row]
    has_ids: bool
    notes: tuple[str, ...] = ()
    taken: Taken = NOTHING
    guesses: tuple[TakenGuess, ...] = ()
    columns: dict[str, Sequence[str]] = field(default_factory=dict)
    fields_told: bool = False
    samples: bool | None = None


def read_predictions(file: str | Path, *, reading: Reading = Reading(), group_by: str = "") -> Loaded:
    """Read a predictions file of any known tool.

    Args:
        file: a path, or `-` for stdin.
        reading: format, fields and encoding, where the user tells them.
        group_by: a field to keep as a group next to the usual ones.

    Raises:
        DataError: the file, or a record of it, cannot be understood; the message names the line.
        UsageError: an unknown format, or one that does not come in such a file.
    """
    if reading.format and reading.format not in FORMATS:
        raise UsageError(f"there is no format {reading.format!r}.", cure="Formats: " + ", ".join(FORMATS))
    encoding = reading.encoding
    with open_source(file) as source:
        found = look(source, encoding)
        name = reading.format or _recognise(source, found.container, found.first, reading.fields)
        kind = FORMATS[name]
        if found.container not in kind.containers:
            raise UsageError(f"{name} does not come as {found.container}.", cure="Leave --format out, or name the right one.")
        placed = _records(source, kind, found.container, encoding)
        loaded = loaded_of(collect(placed, kind, source.name, group_by=group_by, told=reading.fields), source.name, name)
        loaded = replace(loaded, fields_told=bool(reading.fields.prediction))
        if found.container == "xlsx":
            return replace(loaded, guesses=loaded.guesses + xlsx.further_sheets(source))
        if found.container not in ("csv", "tsv"):
            return loaded
        notes, guesses = tables.said_of(source, encoding)
        return replace(loaded, notes=loaded.notes + notes, guesses=loaded.guesses + guesses)


def read_records(file: str | Path, *, reading: Reading = Reading()) -> tuple[Loaded, list[dict[str, Any]]]:
    """Read a predictions file, and next to each row the whole record that it was made of.

    Raises:
        DataError: as `read_predictions`, or rows of the format are made of several records each.
    """
    loaded = read_predictions(file, reading=reading)
    with open_source(file) as source:
        kind = FORMATS[loaded.format]
        records = [record for _, record in _records(source, kind, look(source, reading.encoding).container, reading.encoding)]
    if len(records) != len(loaded.rows):
        raise DataError(f"has {len(records):,} records for {len(loaded.rows):,} answers.", where=str(file), cure="Give one answer an item.")
    return loaded, records


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
        samples=collected.samples,
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


def _recognise(source: PredictionsSource, container: Container, first: Record, told: FieldNames) -> str:
    for name, kind in FORMATS.items():
        if container in kind.containers and kind.recognise(first):
            return name
    if first and container in FORMATS["plain"].containers and (told.prediction or plain.has_context(first)):
        return "plain"  # whose reader names the fields that the answers may be in
    if not first:
        raise DataError("holds an empty object and no predictions.", where=source.name)
    raise DataError(
        f"has an unknown format: its first record has {describe(first)}.",
        where=source.name,
        cure="Name the field of the answers, --prediction-field NAME. All formats: vleval score --list",
    )


def _records(source: PredictionsSource, kind: Format, container: Container, encoding: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The records of a file with their places for messages, one for each answer."""
    placed: Iterator[tuple[str, Record]] = ((place(source, spot), record) for spot, record in iter_records(source, container, encoding))
    if kind.explode is not None:
        placed = _exploded(source, kind.explode, placed)
    yield from placed if kind.gather is None else kind.gather(placed)


def _exploded(
    source: PredictionsSource, explode: Callable[[Record, str], list[tuple[str, Record]]], placed: Iterator[tuple[str, Record]]
) -> Iterator[tuple[str, Record]]:
    for where, record in placed:
        for inner, part in explode(record, where):
            yield (place(source, inner) if inner else where), part
