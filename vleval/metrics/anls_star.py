"""ANLS* (Peer et al. 2024): ANLS over nested JSON, lists without order, as the `anls_star` package computes it.

A leaf scores its normalised Levenshtein similarity, kept from 0.5; a list is matched by the assignment that makes the sum of the items'
averages largest; missing and invented keys and items lengthen the denominator. Where several assignments are equally good the package's
choice depends on the version of `munkres` it finds; ours takes the one that keeps earlier items of the reference together with earlier
items of the answer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from vleval.metric import Scorer, Scores
from vleval.metrics.anls import bound_of, distance_ratio, normal, noting
from vleval.metrics.assignment import assign
from vleval.metrics.base import answer, mean_metric, references
from vleval.metrics.json_f1 import read_json
from vleval.metrics.options import MetricOptions
from vleval.rows import Row

_THRESHOLD = 0.5
_MISSING: Any = None  # what stands for an absent key


class _Match(NamedTuple):
    """Sum of leaf scores, the length they are divided by, and the form of the reference that was compared."""

    total: float
    length: int
    chosen: Any

    @property
    def average(self) -> float:
        return self.total / self.length if self.length else 1.0


def anls_star(reference: Any, prediction: Any) -> float:
    """ANLS* of two JSON values, 0 to 1; a tuple in the reference holds alternatives.

    A list of strings against a string is taken for alternatives too, as in question answering data.
    """
    if isinstance(prediction, str) and isinstance(reference, list) and all(isinstance(item, str) for item in reference) and reference:
        reference = tuple(reference)
    return _match(reference, prediction).average


def _match(reference: Any, prediction: Any) -> _Match:
    if isinstance(reference, tuple):
        options = [_match(option, prediction) for option in reference]
        return max(options, key=lambda option: (option.average, option.chosen == prediction))
    if reference is None:
        return _Match(float(_is_none(prediction)), max(1, _length(prediction)), prediction if _is_none(prediction) else None)
    if isinstance(reference, dict) and isinstance(prediction, dict):
        return _match_dicts(reference, prediction)
    if isinstance(reference, list) and isinstance(prediction, list):
        return _match_lists(reference, prediction)
    if isinstance(reference, dict | list) or isinstance(prediction, dict | list) or prediction is None:
        return _Match(0.0, max(_length(reference), _length(prediction)), reference)
    return _Match(_leaf(str(reference), str(prediction)), 1, reference)


def _match_dicts(reference: dict[str, Any], prediction: dict[str, Any]) -> _Match:
    total, length = 0.0, 0
    chosen: dict[str, Any] = {}
    for key in [*reference, *(key for key in prediction if key not in reference)]:
        given = prediction.get(key, _MISSING)
        found = _match(reference.get(key, _MISSING), given)
        length += found.length
        if key not in reference and _is_none(given):
            continue  # an invented key without content: no score, but its length counts
        total += found.total
        if key in prediction or not _is_none(found.chosen):
            chosen[key] = found.chosen
    return _Match(total, length, chosen)


def _match_lists(reference: list[Any], prediction: list[Any]) -> _Match:
    matches = [[_match(wanted, given) for given in prediction] for wanted in reference]
    gains = np.array([[_gain(found, given) for found, given in zip(line, prediction, strict=True)] for line in matches])
    pairs = assign(gains) if reference and prediction else []
    taken, used = {row for row, _ in pairs}, {column for _, column in pairs}
    total = sum(matches[row][column].total for row, column in pairs)
    length = sum(matches[row][column].length for row, column in pairs)
    length += sum(_length(item) for index, item in enumerate(reference) if index not in taken)
    length += sum(_length(item) for index, item in enumerate(prediction) if index not in used)
    chosen = [matches[row][column].chosen for row, column in sorted(pairs, key=lambda pair: pair[1])]
    return _Match(total, length, chosen + [item for index, item in enumerate(reference) if index not in taken])


def _gain(found: _Match, given: Any) -> float:
    return math.nextafter(found.average, math.inf) if given == found.chosen else found.average


def _leaf(reference: str, prediction: str) -> float:
    wanted, given = normal(reference), normal(prediction)
    similarity = 1.0 - distance_ratio(wanted, given, max(len(wanted), len(given)), _THRESHOLD)
    return similarity if similarity >= _THRESHOLD else 0.0


def _length(value: Any) -> int:
    if isinstance(value, tuple):
        return max(_length(option) for option in value)
    if isinstance(value, dict):
        return sum(_length(item) for item in value.values())
    return sum(_length(item) for item in value) if isinstance(value, list) else 1


def _is_none(value: Any) -> bool:
    return value is None or (isinstance(value, dict | list | str) and not value)


def vlkit(options: MetricOptions) -> Scorer:
    """References and answers that are JSON objects or lists are compared as such, other references as text.

    An answer that is not JSON, where the reference is, is compared as the text it is, which scores 0 against an object; it is counted as
    unparsed.
    """

    def score(rows: Sequence[Row]) -> Scores:
        values = np.zeros(len(rows))
        unparsed = 0
        noted: set[str] = set()
        for index, row in enumerate(rows):
            known = [_structure(reference) for reference in references(row)]
            text = answer(row)
            if text is None:
                continue
            given: Any = text
            if any(isinstance(target, dict | list) for target in known):
                data = read_json(text)
                unparsed += data is None
                given = text if data is None else data
            with noting() as found:
                values[index] = anls_star(known[0] if len(known) == 1 else tuple(known), given)
            if found:
                noted.add(row.id)
        note = f"{unparsed} of {len(rows)} answers are not JSON and are compared as text."
        return Scores(values=values, unparsed=unparsed, notes=(note,) if unparsed else (), inexact=bound_of(noted))

    return mean_metric(score, signature="t:0.5 lists:assignment refs:max")


def _structure(reference: str) -> Any:
    if not reference.lstrip().startswith(("{", "[")):
        return reference
    try:
        return json.loads(reference)
    except (ValueError, RecursionError):
        return reference
