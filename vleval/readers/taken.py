"""Which fields of a file are read as id, prediction and reference: told by the user, or chosen and said; never a silent guess."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from vldata.errors import DataError
from vleval.readers.names import CONTEXT_NAMES, IDS, PREDICTION_NAMES, PREDICTIONS, REFERENCES, WEAK, plain_name
from vleval.settings import FieldNames

_STEP = re.compile(r"\.|\[(\d+)\]\.?")
_QUESTIONS = frozenset({"question", "query", "problem", "prompt", "instruction", "messages", "conversations", "问题"})
_OFTEN_QUESTIONS = frozenset({"text", "content"})
_VERDICTS = frozenset({"correct", "incorrect", "right", "wrong", "true", "false", "pass", "fail", "passed", "failed", "hit", "miss"})
_MOST_SHOWN = 6
SETTLE = "--prediction-field, --reference-field and --id-field settle what is what."


class TakenGuess(msgspec.Struct, frozen=True):
    """Something that was decided without proof: said aloud, and with `--strict` an error."""

    text: str
    cure: str = SETTLE


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that were read; "" where there is none (an id that is "" is the line number)."""

    id: str = ""
    prediction: str = ""
    reference: str = ""
    guesses: tuple[TakenGuess, ...] = ()

    def sentence(self) -> str:
        """What is said aloud."""
        roles = (("id", self.id), ("prediction", self.prediction), ("reference", self.reference))
        parts = [f"{role} {name!r}" for role, name in roles if name]
        return "Fields read: " + ", ".join(parts) + "." if parts else ""


NOTHING = Taken()


def choose(records: Sequence[Mapping[str, Any]], told: FieldNames, where: str) -> Taken:
    """The fields of a file of nobody's format, out of its first records.

    Raises:
        DataError: no field, or more than one, may hold the prediction, and nothing tells which.
    """
    fields = _by_name(records)
    guesses: list[TakenGuess] = []
    if told.prediction and not records[0].get("error"):
        dig(records[0], told.prediction, where)
    prediction = told.prediction or _prediction(fields, told, guesses, where)
    reference = told.reference or _reference(fields, prediction, guesses)
    return Taken(id=told.id or _id(fields, len(records)), prediction=prediction, reference=reference, guesses=tuple(guesses))


def choose_reference(records: Sequence[Mapping[str, Any]], told: FieldNames) -> Taken:
    """The fields of a file of references; an id that the user named for the predictions is looked for here too."""
    fields = _by_name(records)
    guesses: list[TakenGuess] = []
    reference = told.reference or _reference(fields, "", guesses)
    identity = told.id if told.id and records and has_path(records[0], told.id) else _id(fields, len(records))
    return Taken(id=identity, reference=reference, guesses=tuple(guesses))


def dig(record: Mapping[str, Any], path: str, where: str) -> Any:
    """The value at a path.

    Raises:
        DataError: there is no such field; the message names those that are there.
    """
    if path in record:
        return record[path]
    value: Any = record
    for step in [part for part in _STEP.split(path) if part]:
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            names = ", ".join(repr(str(name)) for name in list(value)[:_MOST_SHOWN]) if isinstance(value, Mapping) else "none"
            raise DataError(f"no field {path!r}: {step!r} is not there (fields: {names}).", where=where, cure="Check the field's name.")
    return value


def has_path(record: Mapping[str, Any], path: str) -> bool:
    """Whether `dig` finds something."""
    try:
        dig(record, path, "")
    except DataError:
        return False
    return True


def _by_name(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    fields: dict[str, list[Any]] = {}
    for record in records:
        for name, value in record.items():
            fields.setdefault(name, []).append(value)
    return fields


def _prediction(fields: Mapping[str, list[Any]], told: FieldNames, guesses: list[TakenGuess], where: str) -> str:
    usable = {name: values for name, values in fields.items() if name not in (told.reference, told.id) and not _all_flags(values)}
    strong = _ranked(usable, PREDICTIONS)
    if strong:
        others = [name for name in strong[1:] if _differ(fields[strong[0]], fields[name])]
        if others:
            guesses.append(TakenGuess(f"The prediction is read from {strong[0]!r}; {_list(others)} could be it too."))
        return strong[0]
    weak = [name for name in _ranked(usable, WEAK) if _texts(fields[name]) and not _are_verdicts(fields[name])]
    answer = [name for name in weak if plain_name(name) == "answer"]
    if len(answer) > 1 and _differ(fields[answer[0]], fields[answer[1]]):
        raise _undecided(answer, where)  # `Answer` and `answer`: one of them is the truth, and nothing says which
    weak = [name for name in weak if name not in answer]
    if weak and answer and plain_name(weak[0]) in _OFTEN_QUESTIONS and _QUESTIONS.isdisjoint(map(plain_name, fields)):
        raise _undecided([*weak, *answer], where)
    if weak:
        if answer or len(weak) > 1:
            guesses.append(TakenGuess(f"The prediction is read from {weak[0]!r}; {_list([*weak[1:], *answer])} could be it too."))
        return weak[0]
    unknown = [name for name in usable if _may_be_answers(name, fields[name])]
    if answer and any(isinstance(value, str) for value in fields[answer[0]]):
        unknown = [
            name for name in unknown if any(isinstance(value, (str, list)) for value in fields[name])
        ]  # numbers next to texts are no answers
    if not answer or unknown:
        raise _undecided([*unknown, *answer], where)
    guesses.append(
        TakenGuess(f"The prediction is read from {answer[0]!r}, since no other field could be it; where it is the truth, stop here.")
    )
    return answer[0]


def _reference(fields: Mapping[str, list[Any]], prediction: str, guesses: list[TakenGuess]) -> str:
    known = [name for name in _ranked(fields, REFERENCES) if name != prediction and any(value is not None for value in fields[name])]
    if not known:
        return next((name for name in _ranked(fields, REFERENCES) if name != prediction), "")
    others = [name for name in known[1:] if _differ(fields[known[0]], fields[name])]
    if others:
        guesses.append(TakenGuess(f"The reference is read from {known[0]!r}; {_list(others)} could be it too."))
    return known[0]


def _id(fields: Mapping[str, list[Any]], records: int) -> str:
    known = [name for name in _ranked(fields, IDS) if not any(isinstance(value, (dict, list, bool)) for value in fields[name])]
    unique = [name for name in known if len({str(value) for value in fields[name]}) == records]
    return (unique or known or [""])[0]


def _ranked(fields: Mapping[str, Any], ranks: Mapping[str, int]) -> list[str]:
    return sorted((name for name in fields if plain_name(name) in ranks), key=lambda name: ranks[plain_name(name)])


def _may_be_answers(name: str, values: Sequence[Any]) -> bool:
    plain = plain_name(name)
    known = plain in CONTEXT_NAMES or plain in IDS or plain in REFERENCES or plain.endswith(("id", "ids", "path", "url"))
    texts = _texts(values)
    return not known and bool(texts) and (len(values) == 1 or len(set(texts)) > 1)


def _texts(values: Sequence[Any]) -> list[str]:
    """The texts of a field that holds texts, alone or in a list; numbers count where an answer could be one."""
    found = [value[0] if isinstance(value, list) and value else value for value in values]
    return [str(value) for value in found if isinstance(value, (str, int, float)) and not isinstance(value, bool)]


def _are_verdicts(values: Sequence[Any]) -> bool:
    """Whether a field says whether each answer is right, not what it is."""
    return all(str(value).strip().lower() in _VERDICTS for value in values)


def _all_flags(values: Sequence[Any]) -> bool:
    return all(isinstance(value, bool) for value in values)


def _differ(first: Sequence[Any], second: Sequence[Any]) -> bool:
    return [str(value) for value in first] != [str(value) for value in second]


def _undecided(names: Sequence[str], where: str) -> DataError:
    if not names:
        shown = ", ".join(PREDICTION_NAMES.split()[:8])
        return DataError(
            f"no prediction: no field has a name that answers go by ({shown} ...).", where=where, cure="Name it: --prediction-field NAME"
        )
    could = f"it could be {_list(names)}" if len(names) > 1 else f"{names[0]!r} may be it, or not"
    truth = "" if len(names) == 1 else f", and the truth: --reference-field {names[-1]!r}"
    return DataError(
        f"which field holds the model's answers is not clear: {could}.",
        where=where,
        cure=f"Name it, as in --prediction-field {names[0]!r}{truth}.",
    )


def _list(names: Sequence[str]) -> str:
    shown = [repr(name) for name in names[:_MOST_SHOWN]] + ["others"] * (len(names) > _MOST_SHOWN)
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " or " + shown[-1]
