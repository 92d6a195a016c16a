"""Which prediction answers which question: by a field that both sides share, by the question itself, or in order where each pair proves it.

Nothing is taken for the same without a look at what the rows say of themselves: where both sides tell the question, or the accepted
answers, and these differ, the pairs are wrong however well the ids fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from vldata.errors import DataError
from vleval.metrics.cjk import split_cjk
from vleval.metrics.text import vlkit_normal
from vleval.readers.names import plain_name
from vleval.readers.taken import Taken, TakenGuess
from vleval.rows import Row, ids_of
from vleval.telling import places_of, repeated

_TELLING = 8  # characters from which a line is a question of its own
_LOOKED_AT = 4_000  # characters of a question that are compared word by word
_SHOWN = 5


class PairSide(Protocol):
    """Predictions or references, as they were read."""

    @property
    def name(self) -> str:
        """The file."""

    @property
    def rows(self) -> Sequence[Row]:
        """Its rows."""

    @property
    def has_ids(self) -> bool:
        """Whether the rows have ids of their own."""

    @property
    def taken(self) -> Taken:
        """The fields that were read."""

    @property
    def columns(self) -> Mapping[str, Sequence[str]]:
        """Fields that may be an id."""


@dataclass(frozen=True)
class Pairing:
    """For every prediction the id of its question (its own where it has none), how that was found, and whether it is a guess.

    `places` says where the questions stand among the references, -1 for none; None where nobody looked.
    """

    names: Sequence[str]
    how: str
    guesses: tuple[TakenGuess, ...] = ()
    places: NDArray[np.int32] | None = None

    def places_in(self, wanted: Sequence[Row]) -> NDArray[np.int32]:
        """`places`, found by the names where they are not known."""
        return places_of(self.names, ids_of(wanted)) if self.places is None else self.places


def find_pairing(given: PairSide, wanted: PairSide) -> Pairing | None:
    """Pair by a shared field or by the questions; None where only the order is left.

    Raises:
        DataError: ids fit and the questions, or all the accepted answers, are others.
    """
    if (straight := _straight(given, wanted)) is not None:
        return straight
    known = {row.id: row for row in wanted.rows}
    partial: Pairing | None = None
    doubtful: Pairing | None = None
    contradiction = ""
    best = 0
    for found in (*_by_fields(given, wanted), *_by_questions(given, wanted)):
        overlap = sum(name in known for name in found.names)
        if not overlap:
            continue
        verdicts = _verdicts(given.rows, found.names, known)
        if fault := _contradiction(verdicts):
            contradiction = contradiction or f"{found.how}, but {fault}"
            continue
        if overlap in (len(found.names), len(known)) and len(set(found.names)) == len(found.names):
            if not verdicts["unlike question"]:
                return found
            doubtful = doubtful or _doubted(found, verdicts, given, wanted)
        elif overlap > best:
            best, partial = overlap, found
    if doubtful is None and partial is None and contradiction and given.has_ids:
        raise DataError(
            f"are of another set of questions: they join by {contradiction}.",
            where=f"{given.name} against {wanted.name}",
            cure="Give the references of these questions; --id-field names another id.",
        )
    return doubtful or partial


def _straight(given: PairSide, wanted: PairSide) -> Pairing | None:
    """Pair by the ids as they stand, where all of one side are found and nothing speaks against it; 20 bytes a row.

    The first of the ways of `_by_fields`, and the only one that does not hold both sides in memory.
    """
    if not given.has_ids or not wanted.has_ids:
        return None
    places = places_of(ids_of(given.rows), ids_of(wanted.rows))
    overlap = int((places >= 0).sum())
    if not overlap or overlap not in (len(given.rows), len(wanted.rows)):
        return None
    if len(np.unique(places)) < overlap or (overlap < len(places) and repeated(ids_of(given.rows))):
        return None
    pairs = ((row, wanted.rows[int(place)]) for row, place in zip(given.rows, places, strict=True) if place >= 0 and _tells(row))
    verdicts = _counted(pairs)
    if _contradiction(verdicts) or verdicts["unlike question"]:
        return None
    return Pairing(ids_of(given.rows), _named(given.taken.id, wanted.taken.id), _other_name(given, wanted), places)


def _tells(row: Row) -> bool:
    """Whether a row says anything of its question."""
    return bool(row.question or row.references)


def _doubted(found: Pairing, verdicts: Counter[str], given: PairSide, wanted: PairSide) -> Pairing:
    """A pairing whose ids fit while the questions are worded otherwise: tools put their own words around a question."""
    unlike, all_of = verdicts["unlike question"], verdicts["unlike question"] + verdicts["same question"]
    text = f"{given.name} and {wanted.name} join by {found.how}, and {unlike:,} of {all_of:,} questions are worded otherwise."
    return replace(found, guesses=(*found.guesses, TakenGuess(text, "--id-field names another id, --by-order joins by the order.")))


def _by_fields(given: PairSide, wanted: PairSide) -> Iterator[Pairing]:
    """Every way in which a field of one side may be that of the other, the most telling first."""
    ids, targets = [row.id for row in given.rows], [row.id for row in wanted.rows]
    if given.has_ids and wanted.has_ids:
        yield Pairing(ids, _named(given.taken.id, wanted.taken.id), _other_name(given, wanted))
        whole = {_whole(name): name for name in targets}
        if len(whole) == len(targets):
            yield Pairing(
                [whole.get(_whole(name), name) for name in ids], _named(given.taken.id, wanted.taken.id), _other_name(given, wanted)
            )
        short = {name.rsplit("/", 1)[-1]: name for name in targets}
        if len(short) == len(targets):
            yield Pairing([short.get(name, name) for name in ids], _named(given.taken.id, wanted.taken.id), _other_name(given, wanted))
    columns = _fitting(given)
    for plain, (name, values) in _fitting(wanted).items():
        to_id = dict(zip(values, targets, strict=True))
        if plain in columns:
            yield Pairing([to_id.get(value, "") for value in columns[plain][1]], _named(columns[plain][0], name))
        if given.has_ids and not _all_numbers(ids) and all(value in to_id for value in ids):
            yield Pairing([to_id[value] for value in ids], _named(given.taken.id, name))
    if wanted.has_ids and not _all_numbers(targets):
        known = set(targets)
        for name, values in columns.values():
            if known.issuperset(values):
                yield Pairing(list(values), _named(name, wanted.taken.id))


def _whole(name: str) -> str:
    """An id without the `.0` that a table gave a whole number."""
    return name[:-2] if name.endswith(".0") and name[:-2].isdigit() else name


def _fitting(side: PairSide) -> dict[str, tuple[str, Sequence[str]]]:
    """Plain name to name and values, of the fields that have one for each row."""
    return {plain_name(name): (name, values) for name, values in side.columns.items() if len(values) == len(side.rows)}


def _named(one: str, other: str) -> str:
    return repr(one) if plain_name(one) == plain_name(other) or not other else f"{one or 'id'!r} and {other!r}"


def _other_name(given: PairSide, wanted: PairSide) -> tuple[TakenGuess, ...]:
    """Numbers under different names may count from different places: that they are the same questions is then a guess."""
    one, other = given.taken.id, wanted.taken.id
    told = not one or not other or plain_name(one) in (plain_name(other), "customid")  # a custom id is what its writer chose
    if told or not _all_numbers(row.id for row in given.rows):
        return ()
    return (
        TakenGuess(
            f"{given.name}: its {one!r} is taken for {other!r} of {wanted.name}, since the numbers fit.", "--id-field names the id."
        ),
    )


def _all_numbers(names: Iterable[str]) -> bool:
    return all(name.isascii() and name.isdigit() for name in names)


def _by_questions(given: PairSide, wanted: PairSide) -> Iterator[Pairing]:
    """Pairs of one question, where no two rows of the references ask it; with the accepted answer where that is needed to tell."""
    if not all(row.question for row in given.rows) or not any(row.question for row in wanted.rows):
        return
    for with_answer in (False, True):
        owners: dict[tuple[str, str], list[str]] = {}
        for row in wanted.rows:
            for key in _keys(row, with_answer):
                owners.setdefault(key, []).append(row.id)
        names = []
        for row in given.rows:
            found = {owners[key][0] for key in _keys(row, with_answer) if len(owners.get(key, ())) == 1}
            names.append(found.pop() if len(found) == 1 else "")
        if all(names) and len(set(names)) == len(names):
            yield Pairing(names, "the question" + (" and the accepted answer" if with_answer else ""))


def _keys(row: Row, with_answer: bool) -> set[tuple[str, str]]:
    """What a row is known by: its whole question and each telling line of it, since tools put their prompts around it."""
    answer = vlkit_normal(row.references[0]) if with_answer and row.references else ""
    lines = [row.question, *(line for line in row.question.splitlines() if len(line.strip()) >= _TELLING)]
    return {(vlkit_normal(line), answer) for line in lines}


def _verdicts(rows: Sequence[Row], names: Sequence[str], known: Mapping[str, Row]) -> Counter[str]:
    """What the pairs of rows and the names that they were given say of being one question."""
    return _counted((row, wanted) for row, name in zip(rows, names, strict=True) if (wanted := known.get(name)) is not None)


def _counted(pairs: Iterable[tuple[Row, Row]]) -> Counter[str]:
    """What pairs say of being one question, counted; "unlike question" where both tell it and it cannot be told."""
    verdicts: Counter[str] = Counter()
    for row, wanted in pairs:
        said = agreement_of(row, wanted)
        if row.question and wanted.question and not said.endswith("question"):
            verdicts["unlike question"] += 1
        verdicts[said] += 1
    return verdicts


def _contradiction(verdicts: Counter[str]) -> str:
    """Why the pairs cannot be right: questions that differ, or where none can be compared all accepted answers; "" where nothing is."""
    questions = verdicts["same question"] + verdicts["other question"]
    if verdicts["other question"] * 2 > questions:
        return f"{verdicts['other question']:,} of {questions:,} questions differ"
    if not questions and not verdicts["same answer"] and verdicts["other answer"] >= 3:
        return f"none of the {verdicts['other answer']:,} accepted answers is the same"
    return ""


def agreement_of(one: Row, other: Row) -> str:
    """What two rows say of being one question: by the question where both tell it, else by the accepted answers; "" for nothing."""
    if one.question and other.question and (verdict := _of_questions(one.question, other.question)):
        return f"{verdict} question"
    if one.references and other.references:
        return "same answer" if same_answer(one, other) else "other answer"
    return ""


def proofs(rows: Sequence[Row], wanted: Sequence[Row]) -> list[str]:
    """What each pair, row by row, says of being one question. One that several rows ask proves nothing: its answer must agree."""
    asked = Counter(vlkit_normal(row.question) for row in wanted)
    found = []
    for row, target in zip(rows, wanted, strict=False):
        said = agreement_of(row, target)
        if said == "same question" and asked[vlkit_normal(target.question)] > 1:
            said = agreement_of(msgspec.structs.replace(row, question=""), target)
        found.append(said)
    return found


def _of_questions(one: str, other: str) -> str:
    """Two questions are the same text, one within the other, or have a telling line in common; other where they share few words."""
    first, second = vlkit_normal(one), vlkit_normal(other)
    shorter, longer = sorted((first, second), key=len)
    if first == second or (len(shorter) >= _TELLING and shorter in longer):
        return "same"
    lines = [{vlkit_normal(line) for line in text.splitlines() if len(line.strip()) >= _TELLING} for text in (one, other)]
    if not lines[0].isdisjoint(lines[1]):
        return "same"
    words = [set(split_cjk(text[:_LOOKED_AT])) for text in (first, second)]
    return "other" if len(words[0] & words[1]) * 2 < min(map(len, words)) else ""


def same_answer(one: Row, other: Row) -> bool:
    """Whether two rows accept an answer in common; a letter stands for its option."""
    return not _answers(one).isdisjoint(_answers(other))


def _answers(row: Row) -> set[str]:
    found = {vlkit_normal(text) for text in row.references}
    for letter, choice in zip("abcdefghijklmnop", row.choices, strict=False):
        if letter in found:
            found.add(vlkit_normal(choice))
    return found


def some(ids: Sequence[str]) -> str:
    """A few ids for a message."""
    shown = ", ".join(repr(name[:60]) for name in ids[:_SHOWN])
    return shown + (", ..." if len(ids) > _SHOWN else "")
