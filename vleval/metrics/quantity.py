"""Whether an answer gives the number that a reference gives, for numeric match in vlkit."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vleval.metrics.number_text import Value, values
from vleval.metrics.text import vlkit_normal
from vleval.metrics.units import same_kind

_MARKED = re.compile(
    r"(?:\b(?:answer|total|result|value)\b\s{0,3}(?:is|are|:|=)|答案\s{0,2}(?:是|为|:|：)|\\boxed\s{0,3}\{|<answer>|####)", re.IGNORECASE
)

_CODE = re.compile(r"(?<![\w.])[A-Za-z]{1,3}-?\d{1,6}(?![\w.]\w|\w)")
_BOUNDS = re.compile(r"([<>≤≥＜＞])=?\s{0,2}[$€£¥]?\d")
_CLOSE_COMMA = re.compile(r"(?<=\d),(?=\d)")
_LONGEST = 50_000  # characters at the end of an answer that are looked at, and of a reference that has numbers


def quantity_match(prediction: str, reference: str, *, tolerance: float = 0.0) -> float:
    """1 when the answer gives the numbers of the reference.

    A reference of one number is met by the number behind the answer's last "answer is" or box, else by its last one; a reference of several
    by as many in the same order. Dates, times, ratios and ranges are compared whole. Units convert within a dimension (3.5 m is 350 cm);
    different dimensions do not match; a bare number is taken in the other side's unit. A reference without a number is compared as text.
    Of an answer of more than 50,000 characters the end is read; a reference of more is compared as text.
    """
    if len(reference) > _LONGEST:
        return float(vlkit_normal(prediction) == vlkit_normal(reference))
    wanted = values(reference)
    if not _codes(reference) <= _codes(prediction[-_LONGEST:]):
        return 0.0  # "Q3 2021" for "Q2 2021"
    if not wanted:
        return float(vlkit_normal(prediction) == vlkit_normal(reference))
    if _opposed(prediction[-_LONGEST:], reference):
        return 0.0
    if _all_same(_answered(prediction, len(wanted)), wanted, tolerance):
        return 1.0
    return _as_lists(prediction, reference, tolerance)


def _all_same(given: Sequence[Value], wanted: Sequence[Value], tolerance: float) -> bool:
    return len(given) == len(wanted) and all(_same(one, other, tolerance) for one, other in zip(given, wanted, strict=True))


def _as_lists(prediction: str, reference: str, tolerance: float) -> float:
    """Whether texts of one length are the same list once a comma between digits parts them: "5,6" is "5 and 6" as well as 5.6."""
    if max(len(prediction), len(reference)) > 1000 or not (_CLOSE_COMMA.search(prediction) or _CLOSE_COMMA.search(reference)):
        return 0.0
    given, wanted = (values(_CLOSE_COMMA.sub(", ", text)) for text in (prediction, reference))
    return float(min(len(values(prediction)), len(values(reference))) < len(wanted) and _all_same(given, wanted, tolerance))


def _opposed(prediction: str, reference: str) -> bool:
    """Whether the one says "below" what the other says "above": <5 and >5."""
    given, wanted = ({mark in "<≤＜" for mark in _BOUNDS.findall(text)} for text in (prediction, reference))
    return bool(given and wanted) and given.isdisjoint(wanted)


def _codes(text: str) -> set[str]:
    """Names made of letters and digits, as `Q3`, `A4` or `B12`: whole, or not the same."""
    return {code.upper() for code in _CODE.findall(text)}


def _answered(prediction: str, count: int) -> Sequence[Value]:
    """The values that the answer is about: those behind its last mark of an answer, else its last ones."""
    prediction = prediction[-_LONGEST:]
    marks = list(_MARKED.finditer(prediction))
    if marks and (behind := values(prediction[marks[-1].end() :])):
        return behind[:count]
    return values(prediction)[-count:]


def _same(given: Value, wanted: Value, tolerance: float) -> bool:
    if given.kind != wanted.kind:
        return _hour_alone(given, wanted) or _hour_alone(wanted, given)
    if wanted.kind == "date":
        return _same_date(given, wanted)
    if wanted.kind in ("time", "ratio"):
        longest = max(len(given.parts), len(wanted.parts))
        return _padded(given.parts, longest) == _padded(wanted.parts, longest)
    alike = same_kind(given.dimension, wanted.dimension) if given.dimension and wanted.dimension else True
    if alike is False:
        return False
    bare = alike is None or bool(given.dimension) != bool(wanted.dimension)
    pairs = [(_in_unit(given, part, bare), _in_unit(wanted, target, bare)) for part, target in zip(given.parts, wanted.parts, strict=True)]
    if all(_close(part, target, tolerance) for part, target in pairs):
        return True
    others = [(a, b) for a in (given.parts[0], given.other) for b in (wanted.parts[0], wanted.other) if a is not None and b is not None]
    customs = given.other is not None or wanted.other is not None
    return customs and any(_close(_in_unit(given, a, bare), _in_unit(wanted, b, bare), tolerance) for a, b in others)


def _hour_alone(time: Value, number: Value) -> bool:
    """Whether "5 pm" answers "5"."""
    return time.kind == "time" and number.kind == "number" and not number.dimension and time.other == number.parts[0]


def _same_date(given: Value, wanted: Value) -> bool:
    """Equal in all that the reference tells; day and month of "04/03/2021" are in the order that its partner has."""
    if given.dimension == wanted.dimension == "either":
        return given.parts == wanted.parts
    if given.parts == wanted.parts:
        return True
    year, month, day = given.parts
    return "either" in (given.dimension, wanted.dimension) and (year, day, month) == wanted.parts


def _padded(parts: tuple[float, ...], length: int) -> tuple[float, ...]:
    return parts + (0.0,) * (length - len(parts))


def _in_unit(value: Value, number: float, bare: bool) -> float:
    """The number in the unit it is written in, where its partner names none."""
    return number / value.factor if bare and value.dimension else number


def _close(given: float, wanted: float, tolerance: float) -> bool:
    return abs(given - wanted) <= max(tolerance, 1e-9) * max(abs(wanted), 1e-300)
