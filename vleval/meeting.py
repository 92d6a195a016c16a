"""Two tools' files of the same questions: the second gets the ids of the first, by a shared field, by the question, or in proven order."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from vldata.errors import DataError
from vleval.joining import JoinedRows
from vleval.pairing import Pairing, find_pairing, proofs, same_answer, some
from vleval.readers import Loaded
from vleval.references import References
from vleval.settings import Reading


def meet(joined: JoinedRows, loaded: Loaded, first: JoinedRows, first_loaded: Loaded, reading: Reading) -> JoinedRows:
    """Give the rows of a system the ids of the first one, where the two tools call one question by other names.

    Raises:
        DataError: neither a field, nor the questions, nor the order with its answers tells which rows belong together.
    """
    wanted = References(
        first_loaded.name,
        first.rows,
        has_ids=first_loaded.has_ids,
        taken=first_loaded.taken,
        columns=first_loaded.columns if len(first.rows) == len(first_loaded.rows) else {},
    )
    given = replace(loaded, rows=joined.rows, columns=loaded.columns if len(joined.rows) == len(loaded.rows) else {})
    pairing = None if reading.by_order else find_pairing(given, wanted)
    if pairing is None:
        pairing = _in_order(given, wanted, reading)
    names = [name or row.id for name, row in zip(pairing.names, joined.rows, strict=True)]
    joined.how = f"by {pairing.how}"
    joined.guesses += pairing.guesses
    joined.notes.append(f"{loaded.name} and {first_loaded.name} are joined by {pairing.how}.")
    targets = {row.id: row for row in wanted.rows}
    respelt = 0
    rows = []
    for row, name in zip(joined.rows, names, strict=True):
        target = targets.get(name)
        references = row.references
        if target is not None and references != target.references and same_answer(row, target):
            references, respelt = target.references, respelt + 1
        rows.append(
            row if row.id == name and references is row.references else msgspec.structs.replace(row, id=name, references=references)
        )
    if respelt:
        joined.notes.append(f"{loaded.name}: {respelt:,} rows spell their references otherwise; those of {first_loaded.name} are used.")
    joined.rows = rows
    return joined


def _in_order(given: Loaded, wanted: References, reading: Reading) -> Pairing:
    """Pair line by line.

    Raises:
        DataError: the files differ in length, or a pair is of two questions or not proven to be of one.
    """
    where = f"{given.name} against {wanted.name}"
    shown = f"{given.name} has {some([row.id for row in given.rows])}, {wanted.name} has {some([row.id for row in wanted.rows])}"
    if len(given.rows) != len(wanted.rows):
        raise DataError(
            f"no id or question in common, and {len(given.rows):,} rows for {len(wanted.rows):,}: {shown}.",
            where=where,
            cure="Compare files of the same questions, or name the ids: --id-field",
        )
    said = proofs(given.rows, wanted.rows)
    wrong = next((number for number, verdict in enumerate(said, start=1) if verdict.startswith("other")), 0)
    if wrong or (not all(said) and not reading.by_order):
        what = f"row {wrong:,} is of another question in each" if wrong else "nothing proves that their order is the same"
        cure = "Give both the same ids, or --references that both join with" + (
            "." if wrong else "; --by-order says that the order is the same."
        )
        raise DataError(f"no id or question in common, and {what}: {shown}.", where=where, cure=cure)
    return Pairing([row.id for row in wanted.rows], "their order" + (", which every pair proves" if all(said) else ", as asked"))
