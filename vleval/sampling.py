"""Several answers a question: their mean with an interval that knows both kinds of variance, pass@k, the majority's answer, consistency.

- The mean over samples is a question's value; the interval goes over questions (or their groups). Questions' means vary because questions
  differ and because samples do, so this interval holds both; `between` and `within` tell them apart (one-way analysis of variance, as in
  Miller 2024, "Adding Error Bars to Evals", section 3).
- pass@k is the unbiased estimator of Chen et al. 2021 ("Evaluating Large Language Models Trained on Code", equation 1), of all ways to take
  k of the samples. A value that is not right-or-wrong gives best@k: the expected best of k.
- The majority's answer is the most frequent text after NFKC, case, blanks and a final full stop; of equally frequent ones the earliest.
  Thoughts are taken off first where the profile does so.
- Consistency is the share of samples that give that answer.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from vldata.errors import DataError
from vldata.records.thoughts import without_thought
from vleval.metric import Floats, Metric, Scores
from vleval.numbers import metric_score
from vleval.readers import Loaded
from vleval.results import Measured, MetricScore, RowCounts
from vleval.rows import Row, ids_of
from vleval.sampled import AtK, Sampled, SampledMetric
from vleval.stats.groups import Groups
from vleval.stats.intervals import clustered_bounded, wilson
from vleval.telling import repeated
from vleval.worth import Worth

if TYPE_CHECKING:
    from vleval.score_result import ScoreResult


def has_samples(loaded: Loaded) -> bool:
    """Whether a file holds numbered answers to questions that stand in it more than once."""
    some = any(row.sample > 0 for row in loaded.rows) if loaded.samples is None else loaded.samples
    return some and bool(repeated(ids_of(loaded.rows)))


def by_sample(loaded: Loaded) -> list[Loaded]:
    """The file of each sample.

    Raises:
        DataError: a question has a number twice, or lacks one that others have.
    """
    parts: dict[int, list[Row]] = {}
    for row in loaded.rows:
        parts.setdefault(row.sample, []).append(row)
    wanted = {row.id for row in loaded.rows}
    for number, rows in parts.items():
        ids = Counter(row.id for row in rows)
        twice = next((name for name, count in ids.items() if count > 1), None)
        lacking = next(iter(sorted(wanted - ids.keys())), None)
        if twice is not None or lacking is not None:
            fault = f"sample {number} of {twice!r} stands twice" if twice is not None else f"{lacking!r} has no sample {number}"
            raise DataError(f"{fault}.", where=loaded.name, cure="Every question needs the same samples, numbered from 0.")
    return [replace(loaded, rows=parts[number], columns=loaded.columns) for number in sorted(parts)]


def combine(results: Sequence[ScoreResult]) -> ScoreResult:
    """One result of the results of each sample: values are means over the samples.

    Raises:
        DataError: the samples are not of the same questions.
    """
    first = results[0]
    if any([row.id for row in one.rows] != [row.id for row in first.rows] for one in results[1:]):
        raise DataError("the samples are not of the same questions.", where=first.name, cure="Every question needs the same samples.")
    votes = [_vote([one.rows[place] for one in results]) for place in range(len(first.rows))]
    scored: dict[str, MetricScore] = {}
    measured: dict[str, Measured] = {}
    sampled: dict[str, SampledMetric] = {}
    notes: list[str] = []
    for name, found in first.measured.items():
        if found.scores.corpus is not None or found.scores.value is not None:
            spread = ", ".join(f"{one.metrics[name].value:.4f}" for one in results)
            notes.append(f"{name} is computed over a whole file: shown for the first sample; each sample alone: {spread}.")
            scored[name], measured[name] = first.metrics[name], found
            continue
        table = np.stack([np.nan_to_num(one.measured[name].scores.values) for one in results], axis=1)
        metric, scores = replace(found.metric, binary=False), Scores(table.mean(axis=1), unparsed=sum_unparsed(results, name))
        measured[name] = Measured(metric, scores)
        scored[name] = _mean_score(metric, scores, first, name, len(results))
        sampled[name] = _sampled(found.metric, table, votes, first.groups)
    consistency = float(np.mean([share for _, share in votes]))
    return replace(
        first,
        metrics=scored,
        measured=measured,
        counts=_counts(results),
        notes=(*first.notes, *notes),
        sampled=Sampled(samples=len(results), consistency=consistency, metrics=sampled),
    )


def sum_unparsed(results: Sequence[ScoreResult], name: str) -> int:
    """Answers of all samples that the metric could not read."""
    return sum(one.measured[name].scores.unparsed for one in results)


def _counts(results: Sequence[ScoreResult]) -> RowCounts:
    return RowCounts(**{field: sum(getattr(one.counts, field) for one in results) for field in RowCounts.__struct_fields__})


def _mean_score(metric: Metric, scores: Scores, first: ScoreResult, name: str, samples: int) -> MetricScore:
    told = first.metrics[name]
    worth = Worth(told.ceiling, told.floor, told.floors, told.style)
    data = " ".join(word for word in told.signature.split() if word.startswith(("data:", "v:")))
    rows = [msgspec.structs.replace(row, error="", prediction=row.prediction or "") for row in first.rows]
    made = metric_score(metric, scores, rows, first.groups, worth, f"samples:{samples} {data}", first.scoring.seed)
    return msgspec.structs.replace(made, notes=tuple(note for note in made.notes if "hold a reference" not in note))


def _sampled(metric: Metric, table: Floats, votes: Sequence[tuple[int, float]], groups: Groups) -> SampledMetric:
    questions, samples = table.shape
    binary = bool(np.isin(table, (0.0, metric.scale)).all())
    steps = sorted({k for k in (1, 2, 4, 8, 16, 32, 64, 128) if k < samples} | {1, samples})
    majority = np.array([table[place, choice] for place, (choice, _) in enumerate(votes)])
    within = float(table.var(axis=1, ddof=1).mean()) if samples > 1 else 0.0
    of_means = float(table.mean(axis=1).var(ddof=1)) if questions > 1 else 0.0
    return SampledMetric(
        best="pass" if binary else "best",
        at=tuple(_at(k, best_of(table, k, higher=metric.higher_is_better), metric, groups) for k in steps),
        majority=_at(samples, majority, metric, groups),
        between=math.sqrt(max(0.0, of_means - within / samples)),
        within=math.sqrt(within),
        per_sample=tuple(float(value) for value in table.mean(axis=0)),
    )


def _at(k: int, values: Floats, metric: Metric, groups: Groups) -> AtK:
    shares = not groups.key and bool(np.isin(values, (0.0, metric.scale)).all())
    whole = wilson(float(values.sum()) / metric.scale, len(values), metric.scale) if shares else None
    interval = whole or clustered_bounded(values, groups, 0.0, metric.scale)
    return AtK(k=k, value=float(values.mean()), low=interval.low, high=interval.high)


def best_of(table: Floats, k: int, *, higher: bool = True) -> Floats:
    """Expected best value of `k` samples drawn without replacement, for each question.

    Args:
        table: shape (questions, samples).
        k: 1 to the number of samples.
        higher: whether the best is the greatest.

    Returns:
        Shape (questions,). For values 0 and 1 it is 1 - C(n-c, k) / C(n, k) with c right ones of n.
    """
    samples = table.shape[1]
    ranked = np.sort(table, axis=1) if higher else -np.sort(-table, axis=1)  # the best last
    ways = math.comb(samples, k)
    weights = np.array([math.comb(place, k - 1) / ways if place >= k - 1 else 0.0 for place in range(samples)])
    best: Floats = ranked @ weights
    return best


def _vote(rows: Sequence[Row]) -> tuple[int, float]:
    """Which sample gives the most frequent answer, and the share of the samples that give it."""
    texts = [answer_key(row.prediction or "") if row.prediction is not None and not row.error else None for row in rows]
    counts = Counter(text for text in texts if text is not None)
    if not counts:
        return 0, 0.0
    most = max(counts.values())
    choice = next(place for place, text in enumerate(texts) if text is not None and counts[text] == most)
    return choice, most / len(rows)


def answer_key(text: str) -> str:
    """What two answers must share to be one vote."""
    plain = unicodedata.normalize("NFKC", without_thought(text)).casefold()
    return " ".join(plain.split()).rstrip(".").strip()
