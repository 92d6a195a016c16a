"""VSI-Bench: accuracy of options and mean relative accuracy of numbers, averaged over the kinds of question.

vision-x-nyu/thinking-in-space, lmms_eval/tasks/vsibench/utils.py (`vsibench_process_results`, `vsibench_aggregate_results`), commit
51e089c3. The three directions make one kind together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vldata.errors import DataError
from vleval.benchmarks.base import field_of, only_reference
from vleval.metric import CorpusStats, Floats, Scorer, Scores
from vleval.metrics.base import answer
from vleval.metrics.options import MetricOptions
from vleval.rows import Row

_NUMBERS = ("object_counting", "object_abs_distance", "object_size_estimation", "room_size_estimation")
_DIRECTIONS = ("object_rel_direction_easy", "object_rel_direction_medium", "object_rel_direction_hard")
_OPTIONS = ("object_rel_distance", *_DIRECTIONS, "route_planning", "obj_appearance_order")
_KINDS = (*_NUMBERS, *_OPTIONS)
_CONFIDENCES = np.linspace(0.5, 0.95, 10)


def first_word(text: str) -> str:
    """What stands before the first blank, without full stops behind it."""
    return text.split(" ")[0].rstrip(".").strip()


def relative_accuracy(said: float, right: float) -> float:
    """The share of the confidences 0.5, 0.55 ... 0.95 whose tolerance, one less the confidence, the relative error keeps."""
    return float((abs(said - right) / right <= 1 - _CONFIDENCES).mean())


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _right(row: Row, kind: str) -> float:
    text, truth = answer(row), only_reference(row)
    if kind in _OPTIONS:
        return 0.0 if text is None else float(first_word(text).lower() == truth.lower())
    right = _number(truth)
    if not right:
        fault = f"the reference {truth[:40]!r} of a question for a number is no number other than 0."
        raise DataError(fault, where=row.id, cure="Give the benchmark's own file as --references.")
    said = None if text is None else _number(first_word(text))
    return 0.0 if said is None else relative_accuracy(said, right)


def _means(sums: Floats) -> Floats:
    """Values of (sum, count) a kind, on the last axis but one: the mean over kinds, the directions as one kind."""
    known = sums[..., 1] > 0
    means = np.divide(sums[..., 0], sums[..., 1], out=np.zeros(known.shape), where=known)
    at = [_KINDS.index(name) for name in _DIRECTIONS]
    turned = known[..., at].sum(axis=-1)
    direction = np.divide(means[..., at].sum(axis=-1), turned, out=np.zeros(turned.shape), where=turned > 0)
    alone = [place for place in range(len(_KINDS)) if place not in at]
    kinds = known[..., alone].sum(axis=-1) + (turned > 0)
    overall: Floats = np.divide(means[..., alone].sum(axis=-1) + direction, kinds, out=np.zeros(kinds.shape), where=kinds > 0)
    return overall


def vsibench(options: MetricOptions) -> Scorer:
    """The mean over eight kinds of question, in percent."""

    def value(sums: Floats) -> Floats:
        return 100 * _means(sums.reshape(len(sums), len(_KINDS), 2))

    def score(rows: Sequence[Row]) -> Scores:
        kinds = [field_of(row, "question_type") for row in rows]
        stats = np.zeros((len(rows), len(_KINDS), 2))
        values = np.zeros(len(rows))
        for index, (row, kind) in enumerate(zip(rows, kinds, strict=True)):
            if kind not in _KINDS:
                raise DataError(f"{kind!r} is no kind of question of VSI-Bench.", where=row.id, cure="Kinds: " + ", ".join(_KINDS) + ".")
            values[index] = _right(row, kind)
            stats[index, _KINDS.index(kind)] = (values[index], 1.0)
        sums = stats.sum(axis=0)
        parts = {name: 100 * float(total / n) for name, (total, n) in zip(_KINDS, sums, strict=True) if n}
        absent = [name for name in _KINDS if name not in parts]
        notes = (f"No question of the kinds {', '.join(absent)}: the mean is over the others.",) if absent else ()
        turned = [parts.pop(name) for name in _DIRECTIONS if name in parts]
        if turned:
            parts["object_rel_direction"] = sum(turned) / len(turned)
        flat = stats.reshape(len(rows), 2 * len(_KINDS))
        return Scores(values=100 * values, corpus=CorpusStats(flat, value), parts=parts, notes=notes)

    return Scorer(score=score, signature="mra:0.5-0.95 mean:kinds", scale=100.0, kind="corpus", styled=False)
