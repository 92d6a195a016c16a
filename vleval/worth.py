"""What a number can be: the score of the references themselves, of answers given without looking, and of right answers in another style."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from vleval.metric import Metric, Scores
from vleval.results import Floors
from vleval.rows import Row

SAMPLE_ROWS = 20_000
_CONSTANTS = 20
_ARTICLES = ("the ", "a ", "an ")


@dataclass(frozen=True)
class Worth:
    """Ceiling, floors and style loss of one metric on one set of references."""

    ceiling: float | None
    floor: float | None
    floors: Floors | None
    style: dict[str, float]


def sample_rows(count: int, seed: int) -> NDArray[np.intp] | None:
    """The rows that the extras are computed on: a seeded sample above 20,000, None for all."""
    if count <= SAMPLE_ROWS:
        return None
    return np.sort(np.random.default_rng(seed).choice(count, SAMPLE_ROWS, replace=False))


def value_of(metric: Metric, scores: Scores, rows: Sequence[Row], mask: NDArray[np.bool_] | None = None) -> float:
    """The metric's value over the rows, or those of the mask. A record that has no value of its own counts as 0 in a mean."""
    if scores.value is not None:
        if mask is None:
            return scores.value
        part = metric.score([row for row, wanted in zip(rows, mask, strict=True) if wanted])
        return part.value if part.value is not None else 0.0
    if scores.corpus is not None:
        statistics = scores.corpus.rows if mask is None else scores.corpus.rows[mask]
        return float(scores.corpus.value(statistics.sum(axis=0, keepdims=True))[0])
    values = scores.values if mask is None else scores.values[mask]
    return float(np.nan_to_num(values).mean()) if len(values) else 0.0


def worth_of(metric: Metric, rows: Sequence[Row], *, seed: int = 0) -> Worth:
    """Compute the extras; metrics that judge by marks have none."""
    if "references" not in metric.needs or not all(row.references for row in rows):
        return Worth(None, None, None, {})
    if metric.gold is not None:
        metric = replace(metric, score=metric.gold)
    first = [row.references[-1 if metric.counts_reference == "last" else 0] for row in rows]
    ceiling = _value(metric, rows, first)
    floors = _floors(metric, rows, first, seed)
    known = [value for value in (floors.constant, floors.category, floors.shuffled) if value is not None]
    floor = max(known) if metric.higher_is_better else min(known)
    style: dict[str, float] = {}
    if metric.styled:
        for name, change in STYLES.items():
            changed = _value(metric, rows, [change(text) for text in first])
            style[name] = (ceiling - changed) if metric.higher_is_better else (changed - ceiling)
    return Worth(ceiling, floor, floors, style)


def toggle_stop(text: str) -> str:
    """Take the final full stop off, or add one in the text's own script."""
    if text.endswith((".", "。")):
        return text[:-1]
    return text + ("。" if text and "\u3400" <= text[-1] <= "\u9fff" else ".")


def toggle_article(text: str) -> str:
    """Take a leading English article off, or put "the" before."""
    for article in _ARTICLES:
        if text[: len(article)].lower() == article:
            return text[len(article) :]
    return "the " + text


STYLES: dict[str, Callable[[str], str]] = {"lower case": str.lower, "full stop": toggle_stop, "article": toggle_article}


def _floors(metric: Metric, rows: Sequence[Row], first: Sequence[str], seed: int) -> Floors:
    best, answer = None, ""
    for constant, _ in Counter(first).most_common(_CONSTANTS):
        value = _value(metric, rows, [constant] * len(rows))
        if best is None or (value > best if metric.higher_is_better else value < best):
            best, answer = value, constant
    assert best is not None
    return Floors(
        constant=best,
        constant_answer=answer[:200],
        category=_category_majority(metric, rows, first),
        shuffled=_value(metric, rows, _shuffled(rows, first, seed)) if len(rows) > 1 else None,
    )


def _category_majority(metric: Metric, rows: Sequence[Row], first: Sequence[str]) -> float | None:
    common: dict[str, Counter[str]] = defaultdict(Counter)
    for row, text in zip(rows, first, strict=True):
        common[row.category][text] += 1
    if len(common) < 2:
        return None
    majority = {category: counter.most_common(1)[0][0] for category, counter in common.items()}
    return _value(metric, rows, [majority[row.category] for row in rows])


def _shuffled(rows: Sequence[Row], first: Sequence[str], seed: int) -> list[str]:
    """Every row gets the answer of another row of its category, dealt by one seeded shuffle; categories of one row share theirs."""
    generator = np.random.default_rng(seed)
    places: dict[str, list[int]] = defaultdict(list)
    for position in generator.permutation(len(rows)):
        places[rows[int(position)].category].append(int(position))
    circles = [circle for circle in places.values() if len(circle) > 1]
    alone = [circle[0] for circle in places.values() if len(circle) == 1]
    if len(alone) == 1 and circles:
        circles[0] += alone
    elif alone:
        circles.append(alone)
    dealt = list(first)
    for circle in circles:
        for taken, place in zip(circle, [*circle[1:], circle[0]], strict=True):
            dealt[place] = first[taken]
    return dealt


def _value(metric: Metric, rows: Sequence[Row], predictions: Sequence[str]) -> float:
    """The metric's value of other predictions for the same rows. Equal pairs are scored once when the metric is a mean."""
    with_text = msgspec.structs.replace
    if metric.kind == "corpus":
        changed = [with_text(row, prediction=text, error="") for row, text in zip(rows, predictions, strict=True)]
        return value_of(metric, metric.score(changed), changed)
    places: dict[object, int] = {}
    unique: list[Row] = []
    index = np.empty(len(rows), np.intp)
    for position, (row, text) in enumerate(zip(rows, predictions, strict=True)):
        extra = tuple(row.extra.items()) if row.extra else ()
        key = (text, row.references, row.choices, row.category, row.lang, row.width, row.height, extra)
        place = places.get(key)
        if place is None:
            place = places[key] = len(unique)
            unique.append(with_text(row, prediction=text, error=""))
        index[position] = place
    return float(np.nan_to_num(metric.score(unique).values)[index].mean())
