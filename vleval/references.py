"""References: the accepted answers that predictions are joined with, from a dataset of ours or any file that names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path

import msgspec

from vldata.errors import DataError, UsageError
from vldata.output.contract import read_contract
from vldata.output.folder import DatasetPaths
from vldata.records.record import Record, iter_records
from vldata.records.solutions import accepted_answers
from vleval.kept import KeptRows, kept, settled
from vleval.metrics.options import CoordSpace
from vleval.readers import coco, containers, tables
from vleval.readers.columns import ColumnsRead
from vleval.readers.containers import place
from vleval.readers.fields import IMAGE_KEYS, context_of, id_text, texts_of
from vleval.readers.formats import describe
from vleval.readers.plain import references_at
from vleval.readers.source import PredictionsSource, open_source
from vleval.readers.taken import NOTHING, Taken, TakenGuess, choose_reference, dig, has_path
from vleval.rows import Row, ids_of
from vleval.settings import Reading
from vleval.telling import repeated

SAMPLE = 1_000  # entries over which the fields are chosen


@dataclass(frozen=True)
class References:
    """Rows without predictions.

    Attributes:
        root: the folder their picture paths are relative to.
        coord_space: of boxes in the references, as the dataset's contract tells it; "" when unknown.
        taken: the fields that were read.
        guesses: what was decided without proof.
        columns: fields that may be an id, by plain name.
        notes: sentences to be said aloud.
        media: the media list of a dataset of ours.
    """

    name: str
    rows: Sequence[Row]
    has_ids: bool
    root: Path | None = None
    coord_space: CoordSpace = ""
    taken: Taken = NOTHING
    guesses: tuple[TakenGuess, ...] = ()
    columns: dict[str, Sequence[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    media: Path | None = None


def read_references(spec: str | Path, *, reading: Reading = Reading(), group_by: str = "") -> References:
    """Read references.

    Args:
        spec: a file (records, JSON, JSON Lines, table), or `DIR/NAME` for a dataset that `vldata` wrote.
        group_by: a field to keep as a group next to the usual ones.
        reading: fields and encoding, where the user tells them.

    Raises:
        DataError: nothing there, an entry without answers, or two entries with one id.
    """
    path = Path(spec)
    files = _dataset_files(path)
    if files:
        columns = ColumnsRead()
        rows, unwanted = KeptRows(Row), 0
        for file in files:
            for _, record in iter_records(file):
                row = record_row(record, group_by)
                unwanted += record.wanted is False and not row.references
                rows.append(row)
                columns.add({"id": record.id, "meta": record.meta})
        root = files[0].parent.parent if files[0].name.startswith("part-") else files[0].parent
        found = References(str(spec), _with_sizes(settled(rows), files[0]), has_ids=True, root=root, coord_space=_space_of(files[0]))
        if unwanted:
            cure = "Score another split, or filter them out: vldata filter DIR/NAME --where wanted=true"
            what = f"{unwanted:,} of {len(rows):,} records hold an answer that is not wanted, and no answer that is right"
            raise DataError(f"{what}.", where=str(spec), cure=cure)
        media = _paths_of(files[0]).media
        taken = Taken(id="id", reference="references")
        found = replace(found, taken=taken, columns=columns.found(), media=media if media.is_file() else None)
    else:
        found = _read_file(path, spec, group_by, reading)
    for name in repeated(ids_of(found.rows)):
        other = f"; {found.taken.id!r} is not: name another with --id-field." if found.taken.id else "."
        cure = "References need ids that are unique" + other
        raise DataError(f"two entries have the id {name!r}.", where=str(spec), cure=cure)
    return found


def record_row(record: Record, group_by: str = "") -> Row:
    """A record as a row without a prediction."""
    asked = [message.content for message in record.messages if message.role == "user"]
    question = asked[-1] if asked else ""
    context = context_of({"question": question, "images": list(record.images), "meta": record.meta}, record.id, group_by)
    return Row(id=record.id, prediction=None, references=accepted_answers(record), **context)


def _space_of(first_file: Path) -> CoordSpace:
    """The coordinate space that the dataset was written in."""
    paths = _paths_of(first_file)
    if not paths.contract.is_file():
        return ""
    space = read_contract(paths).coordinate_space
    return "" if space == "none" else space


def _paths_of(first_file: Path) -> DatasetPaths:
    """The files of the dataset that a record file belongs to."""
    base = first_file.parent if first_file.name.startswith("part-") else first_file.with_suffix("")
    return DatasetPaths(base.parent, base.name)


def _with_sizes(rows: Sequence[Row], first_file: Path) -> Sequence[Row]:
    """Give rows that ask for boxes the size of their first picture, which the dataset's media list knows."""
    if not any(row.task in ("detection", "grounding") for row in rows):
        return rows
    media = _paths_of(first_file).media
    if not media.is_file():
        return rows
    sizes: dict[str, tuple[int, int]] = {}
    with open_source(media) as source:
        for _, line in containers.iter_records(source, "jsonl"):
            sizes[str(line.get("path"))] = (int(line.get("width", 0)), int(line.get("height", 0)))

    def sized(row: Row) -> Row:
        if not row.images or row.images[0] not in sizes or row.width:
            return row
        width, height = sizes[row.images[0]]
        return msgspec.structs.replace(row, width=width, height=height)

    return kept(map(sized, rows), Row)


def _dataset_files(path: Path) -> list[Path]:
    """The record files of `DIR/NAME`; [] when the path is not a dataset's name."""
    if path.is_file():
        return [path] if _looks_like_records(path) else []
    single = path.with_name(path.name + ".jsonl")
    if single.is_file():
        return [single] if _looks_like_records(single) else []
    if path.is_dir():
        parts = sorted(path.glob("part-*.jsonl"))
        if parts:
            return parts
        names = sorted(file.name.removesuffix(".contract.json") for file in path.glob("*.contract.json"))
        if len(names) == 1:
            return _dataset_files(path / names[0])
        if names:
            raise UsageError(f"{str(path)!r} holds several datasets.", cure="Name one: " + ", ".join(str(path / name) for name in names))
    return []


def _looks_like_records(path: Path) -> bool:
    if path.suffix != ".jsonl":
        return False
    with open_source(path) as source:
        found = containers.look(source)
    return found.container == "jsonl" and {"id", "messages", "references", "meta"} <= found.first.keys()


def _read_file(path: Path, spec: str | Path, group_by: str, reading: Reading) -> References:
    if not path.exists() and str(spec) != "-":
        raise DataError("no such file or dataset.", where=str(spec), cure="Give a file, or DIR/NAME of a dataset that vldata wrote.")
    with open_source(path) as source:
        found = containers.look(source, reading.encoding)
        if found.container == "json-object" and coco.recognise_annotations(found.first):
            rows = coco.annotation_rows(found.first, source.name)
            return References(source.name, rows, has_ids=True, root=path.parent, taken=Taken(id="image_id", reference="annotations"))
        if found.container in ("eval", "json-object"):
            raise DataError(
                "references cannot be read from a log or an object without entries.",
                where=source.name,
                cure="Give a list of entries with answers.",
            )
        return _from_entries(source, found.container, path, group_by, reading)


def _from_entries(source: PredictionsSource, container: containers.Container, path: Path, group_by: str, reading: Reading) -> References:
    records = containers.iter_records(source, container, reading.encoding)
    head = list(islice(records, SAMPLE))
    taken = choose_reference([record for _, record in head], reading.fields)
    columns = ColumnsRead()
    rows = KeptRows(Row)
    numbered = 0
    kind = next((half for half in ("human", "augmented") if half in Path(source.name).stem.lower()), "")
    for spot, record in chain(head, records):
        row = _entry_row(record, place(source, spot), taken, group_by, kind)
        rows.append(row)
        numbered += row.id == ""
        columns.add(record)
    if 0 < numbered < len(rows):
        raise DataError(f"{numbered:,} of {len(rows):,} entries have no id.", where=source.name, cure="Give every entry an id, or none.")
    found = settled(rows)
    if numbered:
        found = kept((msgspec.structs.replace(row, id=str(number)) for number, row in enumerate(rows, start=1)), Row)
    taken = msgspec.structs.replace(taken, id="") if numbered else taken
    notes, guesses = tables.said_of(source, reading.encoding) if container in ("csv", "tsv") else ((), ())
    notes = (f"{source.name}: {said}", *notes) if (said := taken.sentence()) else notes
    return References(
        source.name,
        found,
        has_ids=not numbered,
        root=path.parent,
        taken=taken,
        guesses=(*taken.guesses, *guesses),
        columns=columns.found(taken.reference),
        notes=notes,
    )


def _last_answer(record: containers.Record, where: str) -> tuple[str, ...]:
    """The answer of a training example: its last assistant turn (sharegpt, messages), or its output (alpaca)."""
    for key in ("messages", "conversations", "conversation"):
        turns = record.get(key)
        if isinstance(turns, list) and turns and isinstance(turns[-1], dict):
            last = turns[-1]
            if last.get("role", last.get("from")) in ("assistant", "gpt", "bot"):
                content = last.get("content", last.get("value"))
                if isinstance(content, list):
                    content = "".join(str(part.get("text", part.get("value", ""))) for part in content if isinstance(part, dict))
                return texts_of(content, key, where)
    return texts_of(record["output"], "output", where) if "output" in record else ()


def _entry_row(record: containers.Record, where: str, taken: Taken, group_by: str, kind: str) -> Row:
    references = references_at(record, taken.reference, where) if taken.reference else ()
    references = references or _last_answer(record, where)
    if not references:
        raise DataError(f"an entry without answers ({describe(record)}).", where=where, cure="Name their field: --reference-field NAME")
    context = context_of(record, where, group_by)
    if kind and "kind" not in context and any(key in record for key in IMAGE_KEYS):
        context["kind"] = kind
    identity = bool(taken.id) and has_path(record, taken.id)
    return Row(
        id=id_text(dig(record, taken.id, where), taken.id, where) if identity else "", prediction=None, references=references, **context
    )
