"""Predictions meet references: by id, or in order where a tool writes no ids. What does not match stops the run unless it is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from vldata.errors import DataError
from vleval.readers import Loaded
from vleval.references import References
from vleval.rows import Row
from vleval.settings import Allow

_SHOWN = 5


@dataclass
class Joined:
    """Rows that can be scored, and what was allowed on the way."""

    rows: list[Row]
    missing: int = 0
    duplicate: int = 0
    extra: int = 0
    notes: list[str] = field(default_factory=list)


def join(loaded: Loaded, references: References | None, allow: Allow) -> Joined:
    """Give every prediction its references.

    Raises:
        DataError: missing, duplicate or extra ids that were not allowed, or an order that cannot be trusted.
    """
    joined = Joined(rows=loaded.rows)
    if loaded.has_ids:
        _drop_duplicates(joined, loaded, allow)
    if references is None:
        return joined
    if not loaded.has_ids:
        return _join_in_order(joined, loaded, references, allow)
    names = _matching_ids(joined.rows, references, loaded)
    answers = {name: row for name, row in zip(names, joined.rows, strict=True)}
    known = {row.id for row in references.rows}
    extra = [name for name in names if name not in known]
    missing = [row.id for row in references.rows if row.id not in answers]
    where = f"{loaded.name} against {references.name}"
    if missing and len(missing) == len(references.rows):
        raise DataError(
            f"no id in common: predictions have {_some(names)}, references have {_some([row.id for row in references.rows])}.",
            where=where,
            cure="Give references of the same questions.",
        )
    _refuse(missing, allow.missing, "questions have no prediction", "--allow-missing counts them as wrong", where, len(known))
    _refuse(extra, allow.extra, "predictions have no reference", "--allow-extra leaves them out", where, len(names))
    joined.missing, joined.extra = len(missing), len(extra)
    other = sum(
        1 for row in references.rows if (own := answers.get(row.id)) and own.references and not _same_answer(own.references, row.references)
    )
    if other:
        joined.notes.append(f"{other:,} predictions carry other references than {references.name}; the latter are used.")
    joined.rows = [_merge(row, answers.get(row.id)) for row in references.rows]
    _say_allowed(joined)
    return joined


def join_marks(rows: Sequence[Row], known: Mapping[str, str], name: str) -> list[Row]:
    """Give every row the mark that a judge gave it; a row without one keeps none.

    Raises:
        DataError: no mark is for these rows.
    """
    short = {row.id: row.id.rsplit("/", 1)[-1] for row in rows}
    if known.keys().isdisjoint(short) and known.keys().isdisjoint(short.values()):
        raise DataError("marks none of these answers.", where=name, cure="Give the marks of the same questions.")
    return [
        msgspec.structs.replace(row, extra={**row.extra, "mark": mark})
        if (mark := known.get(row.id, known.get(short[row.id]))) is not None
        else row
        for row in rows
    ]


def missing_row(reference: Row) -> Row:
    """A question that nobody answered."""
    return msgspec.structs.replace(reference, prediction=None, error="missing")


def _drop_duplicates(joined: Joined, loaded: Loaded, allow: Allow) -> None:
    last: dict[str, Row] = {}
    for row in joined.rows:
        last[row.id] = row
    if len(last) == len(joined.rows):
        return
    seen: set[str] = set()
    repeated: dict[str, None] = {}
    for row in joined.rows:
        if row.id in seen:
            repeated[row.id] = None
        seen.add(row.id)
    _refuse(
        list(repeated), allow.duplicates, "ids appear more than once", "--allow-duplicates takes the last of each", loaded.name, len(last)
    )
    joined.duplicate = len(joined.rows) - len(last)
    joined.rows = list(last.values())
    joined.notes.append(f"{joined.duplicate:,} predictions share the id of a later one; the last of each is taken, as allowed.")


def _matching_ids(rows: Sequence[Row], references: References, loaded: Loaded) -> list[str]:
    """The predictions' ids in the references' spelling: as they are, after a source prefix, or as positions in a list without ids."""
    names = [row.id for row in rows]
    known = {row.id for row in references.rows}
    if not known.isdisjoint(names) and references.has_ids:
        return names
    if references.has_ids:
        short = {row.id.rsplit("/", 1)[-1]: row.id for row in references.rows}
        if len(short) == len(known) and not short.keys().isdisjoint(names):
            return [short.get(name, name) for name in names]
        return names
    if all(name.isascii() and name.isdigit() for name in names):
        positions = {int(name) for name in names}
        if 0 in positions and len(references.rows) not in positions:
            return [str(int(name) + 1) for name in names]
        if len(references.rows) in positions and 0 not in positions:
            return names
    raise DataError(
        f"{references.name} has no ids, and those of the predictions ({_some(names)}) are not positions in it.",
        where=loaded.name,
        cure="Add an id to each reference.",
    )


def _join_in_order(joined: Joined, loaded: Loaded, references: References, allow: Allow) -> Joined:
    where = f"{loaded.name} against {references.name}"
    told = all(row.references for row in joined.rows)
    short = len(references.rows) - len(joined.rows)
    if short < 0 or (short > 0 and not (allow.missing and told)):
        raise DataError(
            f"{len(joined.rows):,} predictions for {len(references.rows):,} references, and no ids to join them by.",
            where=where,
            cure="Complete the predictions, or add an id to each.",
        )
    for number, (row, reference) in enumerate(zip(joined.rows, references.rows, strict=False), start=1):
        if row.references and not _same_answer(row.references, reference.references):
            raise DataError(
                f"line {number} has the label {row.references[0][:60]!r}, but reference {number} is {reference.references[0][:60]!r}.",
                where=where,
                cure="The order differs: predictions without ids must stand in the references' order.",
            )
    answers: list[Row | None] = [*joined.rows, *([None] * short)]
    joined.rows = [_merge(reference, row) for reference, row in zip(references.rows, answers, strict=True)]
    joined.missing = short
    joined.notes.append(
        "Predictions and references are joined in order" + (", and every label agrees." if told else "; nothing proves the order.")
    )
    _say_allowed(joined)
    return joined


def _same_answer(own: Sequence[str], given: Sequence[str]) -> bool:
    texts = {text.strip() for text in given}
    return any(text.strip() in texts for text in own)


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


def _refuse(ids: Sequence[str], allowed: bool, fault: str, flag: str, where: str, of: int) -> None:
    if ids and not allowed:
        raise DataError(f"{len(ids):,} of {of:,} {fault}: {_some(ids)}.", where=where, cure=f"Complete the file, or give a flag: {flag}.")


def _say_allowed(joined: Joined) -> None:
    if joined.missing:
        joined.notes.append(f"{joined.missing:,} questions have no prediction; they count as wrong.")
    if joined.extra:
        joined.notes.append(f"{joined.extra:,} predictions have no reference; they are left out, as allowed.")


def _some(ids: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in ids[:_SHOWN])
    return shown + (", ..." if len(ids) > _SHOWN else "")
