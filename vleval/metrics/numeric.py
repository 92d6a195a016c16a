"""Numeric match: inspect_ai's `match(numeric=True)` at four places of the answer, and ours with units."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence

from vleval.metric import Scorer, Scores
from vleval.metrics.base import mean_metric, mean_of, over_pairs, pair_metric
from vleval.metrics.options import MetricOptions
from vleval.metrics.pieces import PIECE, pieces
from vleval.metrics.quantity import quantity_match
from vleval.metrics.unicode_number import parse_number
from vleval.metrics.years import year_notes
from vleval.rows import Row

_ESCAPED = re.compile(r"\\([$,£€*_])")
_FORMATTING = re.compile(r"[$,£€*_]")
_STOP = re.compile(r"\.(?=\s|$|\D)")
_APART = re.compile(r"[^\d$,£€*_]")  # before these no mark that is stripped looks at what follows
_AROUND_NUMBER = "!?:;()[]{}'\"`"
_EDGES = string.whitespace + string.punctuation


def inspect_match(prediction: str, reference: str, *, location: str) -> float:
    """inspect_ai 0.3.285, scorer/_common.py `match_str` with numeric=True: numbers agree to five significant digits.

    Marks around a number are trimmed ("(42)!"), but not at place "exact". Currency signs, commas and Markdown marks are stripped, a
    percent sign is not. Where the reference is no number the texts are compared at the same place, without case and outer punctuation.
    """
    value, target = prediction.strip().casefold(), _strip_marks(reference.strip().casefold())
    if _number(target) is not None:
        return float(_number_matches(_strip_marks(value), _rounded(target), location))
    value, target = value.strip(_EDGES), target.strip(_EDGES)
    if location == "begin":
        return float(value.startswith(target))
    if location == "end":
        return float(value.endswith(target))
    return float(value == target if location == "exact" else target in value)


def _number_matches(value: str, target: str, location: str) -> bool:
    if location == "exact":
        number = parse_number(value)
        return (value if number is None else format(number, ".5g")) == target
    numbers = [_rounded(word) for word in re.split(r"\s+", value) if _number(word) is not None]
    if location == "any":
        return target in numbers
    if not numbers:
        return target == ""
    return numbers[0 if location == "begin" else -1] == target


def _strip_marks(text: str) -> str:
    return "".join(map(_stripped, pieces(text, _APART))) if len(text) > PIECE else _stripped(text)


def _stripped(text: str) -> str:
    return _STOP.sub("", _FORMATTING.sub("", _ESCAPED.sub(r"\1", text)))


def _number(word: str) -> float | None:
    return parse_number(word.strip(_AROUND_NUMBER))


def _rounded(text: str) -> str:
    number = _number(text)
    return text if number is None else format(number, ".5g")


def _inspect(location: str) -> Callable[[MetricOptions], Scorer]:
    def build(options: MetricOptions) -> Scorer:
        def compare(prediction: str, reference: str) -> float:
            return inspect_match(prediction, reference, location=location)

        return pair_metric(compare, pick="max", signature=f"at:{location} digits:5", binary=True)

    build.__doc__ = f"The number at: {location}. See `inspect_match`."
    return build


inspect_begin = _inspect("begin")
inspect_end = _inspect("end")
inspect_any = _inspect("any")
inspect_exact = _inspect("exact")


def vlkit(options: MetricOptions) -> Scorer:
    """Our recommendation: the answer gives the numbers of the reference, after units; see `quantity_match`."""
    tolerance = 0.0 if options.tolerance is None else options.tolerance

    def compare(prediction: str, reference: str) -> float:
        return quantity_match(prediction, reference, tolerance=tolerance)

    per_row = over_pairs(compare, "max")

    def score(rows: Sequence[Row]) -> Scores:
        values = mean_of(per_row)(rows).values
        return Scores(values=values, notes=year_notes(rows, values, tolerance))

    return mean_metric(score, signature=f"units:yes several:whole tol:{tolerance:g} refs:max", binary=True)


def evalscope(options: MetricOptions) -> Scorer:
    """`numeric_match` of evalscope 1.14 compares the strings as they are."""
    return pair_metric(lambda prediction, reference: float(prediction == reference), pick="first", signature="norm:none", binary=True)
