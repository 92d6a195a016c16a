"""Scoring: predictions and references in, numbers with intervals, ceilings and floors out. `score` is the whole of it as a function."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from vldata.errors import DataError, UsageError
from vldata.version import __version__
from vleval import profiles
from vleval.joining import Allow, Joined, join, join_marks
from vleval.metric import Metric
from vleval.metrics.options import MetricOptions
from vleval.numbers import metric_score, score_categories
from vleval.prediction import Prediction
from vleval.readers import Loaded, plain, plain_text, read_marks, read_predictions
from vleval.readers.failures import REFUSED, TRUNCATED
from vleval.references import References, read_references
from vleval.results import Counts, Measured, MetricScore, ScoreResult
from vleval.rows import Row
from vleval.stats.bootstrap import MAX_BLOCKS
from vleval.stats.groups import choose_groups
from vleval.worth import SAMPLE_ROWS, Worth, sample_rows, worth_of

if TYPE_CHECKING:
    from vleval.judge.ask import Judge

Predictions = str | Path | Iterable[Row] | Iterable[Prediction] | Iterable[Mapping[str, Any]]


def silent(note: str) -> None:
    """Say nothing: the notes are in the result."""


def score(
    predictions: Predictions,
    *,
    references: str | Path | None = None,
    profile: str = "vlkit",
    metrics: Sequence[str] = (),
    format: str = "",
    group_by: str | None = None,
    options: MetricOptions | None = None,
    allow: Allow | None = None,
    marks: str | Path | None = None,
    judge: Judge | None = None,
    judge_key: str = "",
    extras: bool = True,
    seed: int = 0,
    tell: Callable[[str], None] = silent,
) -> ScoreResult:
    """Score predictions.

    Args:
        predictions: a file of any known format, or rows, `Prediction`s or plain mappings (id, prediction, references ...).
        references: a file or `DIR/NAME`; without it the predictions carry their own.
        profile: whose behaviour the metrics reproduce.
        metrics: names as `--metric` takes them; by default those the profile recommends for the rows' task.
        format: how the file is to be read; "" to find out.
        group_by: field the rows are clustered by; None to choose, "none" for independent rows.
        options: settings of metrics, and whether reasoning is stripped.
        allow: which differences between predictions and references do not stop the run.
        marks: a judge's marks by id, for `llm_match`.
        judge: asks a model for the marks instead; verdicts are cached by content.
        judge_key: the key it is asked with.
        extras: compute ceiling, floor and style loss too.
        seed: of the bootstrap, the samples and the shuffle.
        tell: is given each sentence of the result's notes as soon as it is known.

    Raises:
        DataError: the data do not allow an honest number.
        UsageError: an unknown profile, metric or group.
    """
    loaded = load(predictions, format=format, group_by=group_by or "")
    for note in loaded.notes:
        tell(note)
    known = read_references(references, group_by=group_by or "") if references is not None else None
    joined = join(loaded, known, allow or Allow())
    for note in joined.notes:
        tell(note)
    if marks is not None:
        joined.rows = join_marks(joined.rows, read_marks(marks), str(marks))
    settings = in_space_of(options or MetricOptions(), known)
    if judge is not None:
        from vleval.judge.ask import judge_rows  # brings the HTTP client, which no other score needs

        joined.rows = join_marks(joined.rows, judge_rows(judge, joined.rows, api_key=judge_key, tell=tell), judge.model)
        settings = msgspec.structs.replace(settings, judge=judge.signature)
    if (marks is not None or judge is not None or loaded.format == "openeqa-marks") and not metrics:
        metrics = ("llm_match",)
    return score_rows(
        joined,
        loaded,
        profile=profile,
        metrics=metrics,
        group_by=group_by,
        options=settings,
        extras=extras,
        seed=seed,
        tell=tell,
    )


def in_space_of(options: MetricOptions, references: References | None) -> MetricOptions:
    """The options with the coordinate space that the references' dataset was written in, where only that of the answers was told."""
    if references is None or not references.coord_space or not options.coord_space or options.reference_space:
        return options
    return msgspec.structs.replace(options, reference_space=references.coord_space)


def load(predictions: Predictions, *, format: str = "", group_by: str = "") -> Loaded:
    """Rows of a file or of objects in memory."""
    if isinstance(predictions, str | Path):
        return read_predictions(predictions, format=format, group_by=group_by)
    rows: list[Row] = []
    numbered = 0
    for number, item in enumerate(predictions, start=1):
        if isinstance(item, Row):
            rows.append(item)
            continue
        record: dict[str, Any] = msgspec.to_builtins(item) if isinstance(item, Prediction) else dict(cast("Mapping[str, Any]", item))
        fallback = str(number)
        row = plain.row(record, fallback, f"prediction {number}", group_by)
        numbered += row.id is fallback
        rows.append(plain_text(row))
    if not rows:
        raise DataError("there are no predictions.", where="predictions")
    if 0 < numbered < len(rows):
        raise DataError(
            f"{numbered:,} of {len(rows):,} have no id.", where="predictions", cure="Give every prediction an id, or none of them."
        )
    return Loaded("predictions", "plain", rows, has_ids=not numbered)


def score_rows(
    joined: Joined,
    loaded: Loaded,
    *,
    profile: str,
    metrics: Sequence[str],
    group_by: str | None,
    options: MetricOptions,
    extras: bool = True,
    seed: int = 0,
    tell: Callable[[str], None] = silent,
) -> ScoreResult:
    """Score rows that have their references."""
    rows = joined.rows
    chosen = pick_metrics(rows, profile, metrics, options)
    _check_needs(rows, chosen, loaded)
    groups = choose_groups(rows, group_by)
    told = [groups.note]
    sample = sample_rows(len(rows), seed)
    sampled = rows if sample is None else [rows[int(position)] for position in sample]
    if sample is not None and extras:
        told.append(f"Ceiling, floor and style loss are computed on {SAMPLE_ROWS:,} of {len(rows):,} rows (seed {seed}).")
    if groups.count > MAX_BLOCKS and any(metric.kind == "corpus" for metric in chosen):
        told.append(f"For the bootstrap the {groups.count:,} groups are folded at random into {MAX_BLOCKS:,} blocks (seed {seed}).")
    for note in told:
        tell(note)
    data = f"data:{digest(rows)} v:{__version__}"
    measured: dict[str, Measured] = {}
    scored: dict[str, MetricScore] = {}
    for metric in chosen:
        scores = metric.score(rows)
        measured[metric.name] = Measured(metric, scores)
        worth = worth_of(metric, sampled, seed=seed) if extras else Worth(None, None, None, {})
        scored[metric.name] = metric_score(metric, scores, rows, groups, worth, data, seed)
    return ScoreResult(
        name=loaded.name,
        format=loaded.format,
        profile=profile,
        metrics=scored,
        counts=_count(joined),
        by_category=score_categories(rows, measured),
        groups=groups,
        rows=rows,
        measured=measured,
        notes=(*loaded.notes, *joined.notes, *told),
        aliases=profiles.ALIASES.get(profile, {}),
    )


def pick_metrics(rows: Sequence[Row], profile: str, names: Sequence[str], options: MetricOptions) -> list[Metric]:
    """The metrics that were named, or those the profile recommends for the rows' tasks.

    Raises:
        UsageError: the profile does not define one of them.
    """
    if not names:
        tasks = dict.fromkeys(row.task for row in rows)
        if profile not in profiles.PROFILES:
            raise UsageError(f"no profile {profile!r}.", cure="Profiles: " + ", ".join(profiles.PROFILES) + ".")
        names = list(dict.fromkeys(name for task in tasks for name in profiles.default_metrics(profile, task)))
    return [profiles.resolve(profile, name, options) for name in dict.fromkeys(names)]


def digest(rows: Sequence[Row]) -> str:
    """Eight hex digits of ids, predictions, references and marks, the same in any order of the rows."""
    encode = msgspec.json.Encoder().encode
    total = 0
    for row in rows:
        text = encode((row.id, row.prediction, row.error != "", row.references, row.extra))
        total += int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
    return f"{total % 2**64:016x}"[:8]


def _count(joined: Joined) -> Counts:
    rows = joined.rows
    failed = sum(1 for row in rows if row.prediction is None or row.error) - joined.missing
    answered = [row for row in rows if row.prediction is not None and not row.error]
    return Counts(
        total=len(rows),
        scored=len(answered),
        error=failed,
        empty=sum(1 for row in answered if not (row.prediction or "").strip() and "mark" not in row.extra),
        truncated=sum(1 for row in answered if row.finish_reason in TRUNCATED),
        missing=joined.missing,
        duplicate=joined.duplicate,
        extra=joined.extra,
        refused=sum(1 for row in answered if row.finish_reason in REFUSED),
    )


def _check_needs(rows: Sequence[Row], chosen: Sequence[Metric], loaded: Loaded) -> None:
    """Refuse to score rows that a metric is not defined on."""
    for need in dict.fromkeys(need for metric in chosen for need in metric.needs if not need.startswith("extra.")):
        lacking = [row for row in rows if not getattr(row, need)]
        if not lacking:
            continue
        metric = next(metric.name for metric in chosen if need in metric.needs)
        ids = ", ".join(repr(row.id[:60]) for row in lacking[:5]) + (", ..." if len(lacking) > 5 else "")
        cure = "Give them with --references FILE or DIR/NAME." if need == "references" else f"{metric} cannot be computed without."
        raise DataError(f"{len(lacking):,} of {len(rows):,} rows have no {need}: {ids}.", where=loaded.name, cure=cure)


__all__ = ["Allow", "References", "load", "score", "score_rows"]
