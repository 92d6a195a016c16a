"""Predictions meet references: by id, or in order where a tool writes no ids. What does not match stops the run unless it is allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import overload

import msgspec
import numpy as np
from numpy.typing import NDArray

from vldata.errors import DataError
from vleval.kept import kept
from vleval.pairing import Pairing, agreement_of, find_pairing, proofs, same_answer, some
from vleval.readers import Loaded, coco
from vleval.readers.names import WEAK, plain_name
from vleval.readers.taken import TakenGuess
from vleval.references import References
from vleval.rows import Row, ids_of
from vleval.settings import Allow
from vleval.telling import repeated

_NEARLY_ALL = 0.95
_ENOUGH_FOR_MODELS = 10
_ALSO_TRUTH = frozenset({"output", "outputs", "response", "responses", "completion", "outputtext"})  # names that training data have too
_ENOUGH = 3  # rows from which answers that are all the truth are no chance


@dataclass
class JoinedRows:
    """Rows that can be scored, what was allowed on the way, how they were joined, and what was decided without proof."""

    rows: Sequence[Row]
    missing: int = 0
    duplicate: int = 0
    extra: int = 0
    notes: list[str] = field(default_factory=list)
    how: str = ""
    guesses: list[TakenGuess] = field(default_factory=list)


def join(loaded: Loaded, references: References | None, allow: Allow, *, by_order: bool = False) -> JoinedRows:
    """Give every prediction its references.

    Args:
        loaded: the predictions.
        references: what they are joined with; None where they carry their own.
        allow: which differences do not stop the run.
        by_order: join in order, whatever the ids are.

    Raises:
        DataError: missing, duplicate or extra ids that were not allowed, or an order that cannot be trusted.
    """
    joined = JoinedRows(rows=loaded.rows)
    if loaded.has_ids and not by_order:
        _drop_duplicates(joined, loaded, allow)
    if references is None:
        return joined
    if loaded.format == "coco-results" and references.taken.reference == "annotations":
        joined.rows = coco.with_names(joined.rows, references.rows)
        joined.notes.append("Categories of the results are called by their names in the annotations.")
    given = loaded if joined.rows is loaded.rows else replace(loaded, rows=joined.rows, columns={})
    pairing = _positions(given, references, by_order)
    if pairing is None and not by_order:
        pairing = find_pairing(given, references)
    if pairing is None:
        if loaded.has_ids and references.has_ids and not by_order and not _told_in_order(given, references):
            raise DataError(
                f"no id in common: predictions have {some(ids_of(given.rows))}, references have {some(ids_of(references.rows))}.",
                where=f"{loaded.name} against {references.name}",
                cure="Give references of the same questions, name the ids with --id-field, or join with --by-order.",
            )
        return _join_in_order(joined, given, references, allow, by_order)
    return _join_by_names(joined, pairing, given, references, allow)


def _join_by_names(joined: JoinedRows, pairing: Pairing, loaded: Loaded, references: References, allow: Allow) -> JoinedRows:
    given = joined.rows
    places = pairing.places_in(references.rows)
    answer_of = np.full(len(references.rows), -1, np.int32)  # of each question the last of its predictions
    answer_of[places[places >= 0]] = np.flatnonzero(places >= 0)
    extra, missing = np.flatnonzero(places < 0), np.flatnonzero(answer_of < 0)
    where = f"{loaded.name} against {references.name}"
    _refuse(
        _Some(references.rows, missing),
        allow.missing,
        "questions have no prediction",
        "--allow-missing counts them as wrong",
        where,
        len(references.rows),
    )
    _refuse(_Some(given, extra), allow.extra, "predictions have no reference", "--allow-extra leaves them out", where, len(given))
    joined.missing, joined.extra, joined.how = len(missing), len(extra), f"by {pairing.how}"
    joined.notes.append(f"Predictions and references are joined by {pairing.how}.")
    joined.guesses += pairing.guesses
    other = 0

    def merged() -> Iterator[Row]:
        nonlocal other
        for row, place in zip(references.rows, answer_of, strict=True):
            own = given[int(place)] if place >= 0 else None
            other += own is not None and bool(own.references) and not same_answer(own, row)
            yield _merge(row, own)

    joined.rows = kept(merged(), Row)
    if other:
        joined.notes.append(f"{other:,} predictions carry other references than {references.name}; the latter are used.")
    _refuse_gold(joined, loaded)
    _say_allowed(joined)
    return joined


def _refuse_gold(joined: JoinedRows, loaded: Loaded) -> None:
    """Stop where the field that was taken for the answers holds the truth.

    Raises:
        DataError: nearly all answers are a reference, letter for letter, and the field's name does not say that it is the model's.
    """
    field = loaded.taken.prediction
    weak, doubtful = plain_name(field) in WEAK, plain_name(field) in _ALSO_TRUTH
    if not (weak or doubtful) or loaded.taken.reference:  # a record with its own truth has it elsewhere
        return
    answered = same = 0
    for row in joined.rows:
        answered += row.prediction is not None
        same += row.prediction in row.references
    if same < _NEARLY_ALL * answered or not answered:
        return
    fault = f"{same:,} of {answered:,} answers, read from {field!r}, are the reference letter for letter"
    if answered >= (_ENOUGH if weak else _ENOUGH_FOR_MODELS) and not loaded.fields_told:
        raise DataError(
            f"{fault}: the field seems to hold the truth, not a model's answers.",
            where=loaded.name,
            cure=f"Name the field of the answers: --prediction-field NAME (--prediction-field {field} if it is this one).",
        )
    if not loaded.fields_told:
        joined.guesses.append(
            TakenGuess(f"{loaded.name}: {fault}; it may hold the truth.", f"--prediction-field {field} says that it does not.")
        )


def _told_in_order(loaded: Loaded, references: References) -> bool:
    """Whether the rows, in order, are the same questions as far as each pair can tell."""
    if len(loaded.rows) != len(references.rows):
        return False
    return all(said.startswith("same") for said in proofs(loaded.rows, references.rows))


def join_marks(rows: Sequence[Row], known: Mapping[str, str], name: str) -> Sequence[Row]:
    """Give every row the mark that a judge gave it; a row without one keeps none.

    Raises:
        DataError: no mark is for these rows.
    """
    short = {row.id: row.id.rsplit("/", 1)[-1] for row in rows}
    if known.keys().isdisjoint(short) and known.keys().isdisjoint(short.values()):
        raise DataError("marks none of these answers.", where=name, cure="Give the marks of the same questions.")
    marked = (
        msgspec.structs.replace(row, extra={**row.extra, "mark": mark})
        if (mark := known.get(row.id, known.get(short[row.id]))) is not None
        else row
        for row in rows
    )
    return kept(marked, Row)


def missing_row(reference: Row) -> Row:
    """A question that nobody answered."""
    return msgspec.structs.replace(reference, prediction=None, error="missing")


def _drop_duplicates(joined: JoinedRows, loaded: Loaded, allow: Allow) -> None:
    twice = repeated(ids_of(joined.rows))
    if not twice:
        return
    given = joined.rows
    joined.duplicate = sum(len(places) - 1 for places in twice.values())
    count = len(given) - joined.duplicate
    _refuse(list(twice), allow.duplicates, "ids appear more than once", "--allow-duplicates takes the last of each", loaded.name, count)
    last = {places[0]: places[-1] for places in twice.values()}  # the last stands where the first stood
    dropped = {place for places in twice.values() for place in places[1:]}
    walk = ((place, row) for place, row in enumerate(given) if place not in dropped)
    joined.rows = kept((given[last[place]] if place in last else row for place, row in walk), Row)
    joined.notes.append(f"{joined.duplicate:,} predictions share the id of a later one; the last of each is taken, as allowed.")


def _positions(loaded: Loaded, references: References, by_order: bool) -> Pairing | None:
    """Predictions whose ids are positions in a list without ids, from 0 or from 1, where each pair proves it or the order was asked for."""
    if references.has_ids or not loaded.has_ids or not all(row.id.isascii() and row.id.isdigit() for row in loaded.rows):
        return None
    positions = {int(row.id) for row in loaded.rows}
    count = len(references.rows)
    from_zero = 0 in positions and count not in positions
    if not from_zero and not (count in positions and 0 not in positions):
        return None
    names = [str(int(row.id) + from_zero) for row in loaded.rows]
    known = {row.id: row for row in references.rows}
    said = [agreement_of(row, known[name]) for row, name in zip(loaded.rows, names, strict=True) if name in known]
    if not by_order and not all(verdict.startswith("same") for verdict in said):
        return None
    return Pairing(names, f"position in {references.name}, counted from {'0' if from_zero else '1'}")


def _join_in_order(joined: JoinedRows, loaded: Loaded, references: References, allow: Allow, by_order: bool) -> JoinedRows:
    where = f"{loaded.name} against {references.name}"
    told = all(row.references for row in joined.rows)
    short = len(references.rows) - len(joined.rows)
    if short < 0 or (short > 0 and not (allow.missing and told)):
        raise DataError(
            f"{len(joined.rows):,} predictions for {len(references.rows):,} references, and no ids to join them by.",
            where=where,
            cure="Complete the predictions, or add an id to each.",
        )
    for number, pair in enumerate(zip(joined.rows, references.rows, strict=False), start=1):
        _check_pair(number, *pair, where)
    said = proofs(joined.rows, references.rows)
    proven = all(said)
    if not proven and not by_order:
        raise DataError(
            f"nothing proves that line {said.index('') + 1:,} answers that reference: they share no id, question or answer.",
            where=where,
            cure="Add an id to each, name it with --id-field, or say that the order is the same: --by-order",
        )
    answers: list[Row | None] = [*joined.rows, *([None] * short)]
    joined.rows = kept((_merge(reference, row) for reference, row in zip(references.rows, answers, strict=True)), Row)
    joined.missing, joined.how = short, "in order"
    proof = ", and every question agrees." if set(said) == {"same question"} else ", and every label agrees."
    joined.notes.append("Predictions and references are joined in order" + (proof if proven else ", as asked; nothing proves it."))
    _refuse_gold(joined, loaded)
    _say_allowed(joined)
    return joined


def _check_pair(number: int, row: Row, reference: Row, where: str) -> None:
    """Stop at a pair that cannot be one.

    Raises:
        DataError: the two ask other questions or accept other answers.
    """
    said = agreement_of(row, reference)
    cure = "The order differs: predictions without ids must stand in the references' order."
    if said == "other question":
        raise DataError(
            f"line {number} asks {row.question[:60]!r}, but reference {number} is {reference.question[:60]!r}.", where=where, cure=cure
        )
    if row.references and reference.references and not same_answer(row, reference):
        raise DataError(
            f"line {number} has the label {row.references[0][:60]!r}, but reference {number} is {reference.references[0][:60]!r}.",
            where=where,
            cure=cure,
        )


def _merge(reference: Row, answer: Row | None) -> Row:
    if answer is None:
        return missing_row(reference)
    return msgspec.structs.replace(
        reference,
        prediction=answer.prediction,
        error=answer.error,
        finish_reason=answer.finish_reason,
        question=reference.question or answer.question,
        choices=reference.choices or answer.choices,
        category=reference.category or answer.category,
        task=reference.task or answer.task,
        kind=reference.kind or answer.kind,
        lang=reference.lang or answer.lang,
        width=answer.width or reference.width,
        height=answer.height or reference.height,
        groups={**answer.groups, **reference.groups} if answer.groups else reference.groups,
        extra={**reference.extra, **answer.extra} if answer.extra else reference.extra,
        images=reference.images or answer.images,
    )


class _Some(Sequence[str]):
    """The ids of some rows, each read when it is asked for."""

    def __init__(self, rows: Sequence[Row], places: NDArray[np.intp]) -> None:
        self._rows, self._places = rows, places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, number: int) -> str: ...

    @overload
    def __getitem__(self, number: slice) -> list[str]: ...

    def __getitem__(self, number: int | slice) -> str | list[str]:
        if isinstance(number, slice):
            return [self._rows[int(place)].id for place in self._places[number]]
        return self._rows[int(self._places[number])].id


def _refuse(ids: Sequence[str], allowed: bool, fault: str, flag: str, where: str, of: int) -> None:
    if ids and not allowed:
        raise DataError(f"{len(ids):,} of {of:,} {fault}: {some(ids)}.", where=where, cure=f"Complete the file, or give a flag: {flag}.")


def _say_allowed(joined: JoinedRows) -> None:
    if joined.missing:
        joined.notes.append(f"{joined.missing:,} questions have no prediction; they count as wrong.")
    if joined.extra:
        joined.notes.append(f"{joined.extra:,} predictions have no reference; they are left out, as allowed.")
