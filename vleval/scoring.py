"""Scoring: predictions and references in, numbers with intervals, ceilings and floors out. `score` is the whole of it as a function."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from string import ascii_uppercase
from typing import Any, cast

import msgspec

from vldata.errors import DataError, UsageError
from vldata.models.fingerprint import file_digest
from vldata.remote.reach import reaches
from vldata.version import __version__
from vleval import profiles
from vleval.agreeing import marks_agreement
from vleval.benchmarks.table import benchmark_metric, check_judging, in_benchmark, prepared, reads_by_rules
from vleval.explain import explain as explain_result
from vleval.honest import refuse_nothing
from vleval.joining import JoinedRows, join, join_marks
from vleval.metric import Metric
from vleval.metrics.multiple_choice import choices_in
from vleval.metrics.options import MetricOptions
from vleval.numbers import metric_score, score_categories
from vleval.oddities import odd_notes
from vleval.prediction import Prediction
from vleval.readers import Loaded, loaded_of, read_marks, read_predictions
from vleval.readers.collect import collect
from vleval.readers.failures import REFUSED, TRUNCATED
from vleval.readers.formats import FORMATS
from vleval.references import References, read_references
from vleval.results import Measured, MetricScore, ReadDocument, RowCounts
from vleval.rows import Row
from vleval.sampling import by_sample, combine, has_samples
from vleval.score_result import ScoreResult
from vleval.settings import Judging, Reading, Scoring
from vleval.stats.agreement import Agreement
from vleval.stats.bootstrap import MAX_BLOCKS
from vleval.stats.groups import choose_groups
from vleval.thought_notes import thought_notes
from vleval.worth import SAMPLE_ROWS, Worth, sample_rows, worth_of

Predictions = str | Path | Iterable[Row] | Iterable[Prediction] | Iterable[Mapping[str, Any]]


def silent(note: str) -> None:
    """Say nothing: the notes are in the result."""


@reaches(predictions="tree", references="answers")
def score(
    predictions: Predictions,
    references: str | Path | None = None,
    *,
    reading: Reading = Reading(),
    scoring: Scoring = Scoring(),
    judging: Judging = Judging(),
    judge_key: str = "",
    explain: bool = False,
    tell: Callable[[str], None] = silent,
) -> ScoreResult:
    """Score predictions, as `vleval score` does.

    Args:
        predictions: a file of any known format, or rows, `Prediction`s or plain mappings (id, prediction, references ...).
        references: a file or `DIR/NAME`; without it the predictions carry their own.
        reading: how the file is read, and which differences from the references are allowed.
        scoring: profile, metrics and their settings, clusters, seed.
        judging: where the marks of `llm_match` come from.
        judge_key: the key that the judge is asked with.
        explain: also score the rows under every profile that defines the metrics.
        tell: is given each sentence of the result's notes as soon as it is known.

    Raises:
        DataError: the data do not allow an honest number.
        UsageError: an unknown profile, metric or group, or a judge without a model.
    """
    group_by = scoring.group_by or ""
    loaded = load(predictions, reading, group_by=group_by)
    for note in loaded.notes:
        tell(note)
    if has_samples(loaded):
        sampled = _score_samples(loaded, references, reading, scoring, judging, tell)
        return replace(sampled, read=msgspec.structs.replace(sampled.read, files=_digests(predictions)))
    known = read_references(references, reading=reading, group_by=group_by) if references is not None else None
    for note in known.notes if known is not None else ():
        tell(note)
    joined = join(loaded, known, reading.allow, by_order=reading.by_order)
    for note in joined.notes:
        tell(note)
    taken = msgspec.structs.replace(what_was_taken(loaded, known, joined), files=_digests(predictions))
    say_guesses(taken, reading, tell)
    scoring = in_space_of(scoring, known)
    if judging.url or judging.marks or loaded.format == "openeqa-marks":
        joined.rows, scoring = _add_marks(joined.rows, scoring, judging, predictions, judge_key, tell)
    result = replace(score_rows(joined, loaded, scoring, tell=tell), read=taken)
    stop_at_bounds(result, reading)
    if judging.human_marks is not None:
        result = replace(result, agreement=_agreement_with_people(result, str(judging.human_marks), scoring.seed))
    return replace(result, explanation=explain_result(result)) if explain else result


def _score_samples(
    loaded: Loaded, references: str | Path | None, reading: Reading, scoring: Scoring, judging: Judging, tell: Callable[[str], None]
) -> ScoreResult:
    """Score each sample as a file of its own, and say what they come to together.

    Raises:
        DataError: as `score`, or the samples are not of the same questions.
        UsageError: as `score`, or a judge is to mark several samples.
    """
    if judging.url or judging.marks:
        raise UsageError("a judge marks one answer a question.", cure="Judge each sample's file by itself (OUT.samples/).")
    parts = by_sample(loaded)
    tell(f"{loaded.name}: {len(parts)} samples of each question, told by the field 'sample'.")
    known = read_references(references, reading=reading, group_by=scoring.group_by or "") if references is not None else None
    results: list[ScoreResult] = []
    for part in parts:
        say = silent if results else tell
        joined = join(part, known, reading.allow, by_order=reading.by_order)
        for note in joined.notes:
            say(note)
        taken = what_was_taken(part, known, joined)
        say_guesses(taken, reading, say)
        found = score_rows(joined, part, in_space_of(scoring, known), tell=say)
        stop_at_bounds(found, reading)
        results.append(replace(found, read=taken))
        scoring = msgspec.structs.replace(scoring, extras=False)
    return replace(combine(results), scoring=results[0].scoring)


def _add_marks(
    rows: Sequence[Row], scoring: Scoring, judging: Judging, predictions: Predictions, judge_key: str, tell: Callable[[str], None]
) -> tuple[Sequence[Row], Scoring]:
    """Give the rows their marks, or the answers that a judge extracted, and return the scoring that reads them."""
    check_judging(scoring, judging)
    options = scoring.options
    if (by_rules := reads_by_rules(scoring)) is not None:
        return _add_extractions(rows, by_rules, scoring, judging, predictions, judge_key, tell)
    if judging.marks is not None:
        rows = join_marks(rows, read_marks(judging.marks), str(judging.marks))
    if judging.url:
        from vleval.judge.ask import judge_rows, make_judge  # brings the HTTP client, which no other score needs

        judge = make_judge(judging, predictions if isinstance(predictions, str | Path) else None)
        rows = join_marks(rows, judge_rows(judge, rows, api_key=judge_key, tell=tell), judge.model)
        options = msgspec.structs.replace(options, judge=judge.signature)
    return rows, msgspec.structs.replace(scoring, metrics=scoring.metrics or (() if scoring.benchmark else ("llm_match",)), options=options)


def _add_extractions(
    rows: Sequence[Row],
    by_rules: Callable[[Row], str | None],
    scoring: Scoring,
    judging: Judging,
    predictions: Predictions,
    judge_key: str,
    tell: Callable[[str], None],
) -> tuple[Sequence[Row], Scoring]:
    """Let the judge read the answers that no rule reads."""
    from vleval.judge import extraction  # brings the HTTP client, which no other score needs
    from vleval.judge.ask import make_judge

    judge = make_judge(judging, predictions if isinstance(predictions, str | Path) else None)
    found = extraction.extract_answers(judge, rows, by_rules, api_key=judge_key, tell=tell)
    rows = [msgspec.structs.replace(row, extra={**row.extra, "extraction": found[row.id]}) if row.id in found else row for row in rows]
    return rows, msgspec.structs.replace(scoring, options=msgspec.structs.replace(scoring.options, judge=extraction.signature(judge)))


def _agreement_with_people(result: ScoreResult, human_marks: str, seed: int) -> Agreement:
    """Say how far the judge's marks of these rows and those of people agree."""
    given = {row.id: row.extra["mark"] for row in result.rows if "mark" in row.extra}
    if not given:
        raise UsageError("--human-marks needs a judge's marks to compare with.", cure="Give --judge and --judge-model, or --marks.")
    bare = [msgspec.structs.replace(row, extra={}) for row in result.rows]
    people = {row.id: row.extra["mark"] for row in join_marks(bare, read_marks(human_marks), human_marks) if row.extra}
    return marks_agreement(people, given, result.rows, seed=seed)


def in_space_of(scoring: Scoring, references: References | None) -> Scoring:
    """Add the coordinate space that the references' dataset was written in, where only that of the answers was told."""
    options = scoring.options
    if references is None or not references.coord_space or not options.coord_space or options.reference_space:
        return scoring
    return msgspec.structs.replace(scoring, options=msgspec.structs.replace(options, reference_space=references.coord_space))


def _digests(predictions: Predictions) -> dict[str, str]:
    """SHA-256 of the predictions' file, by which `vldata verify` finds the score's predictions; empty where they are no single file."""
    path = Path(predictions) if isinstance(predictions, str | Path) else None
    return {path.name: file_digest(path)} if path is not None and path.is_file() else {}


def what_was_taken(loaded: Loaded, known: References | None, joined: JoinedRows) -> ReadDocument:
    """The fields that were read, how predictions and references were joined, and all that was decided without proof."""
    guesses = (*loaded.guesses, *(() if known is None else known.guesses), *joined.guesses)
    return ReadDocument(
        format=loaded.format,
        id=loaded.taken.id,
        prediction=loaded.taken.prediction,
        reference=(loaded if known is None else known).taken.reference,
        reference_id="" if known is None else known.taken.id,
        joined=joined.how,
        guesses=tuple(guess.text for guess in guesses),
        cures=tuple(guess.cure for guess in guesses),
    )


def stop_at_bounds(result: ScoreResult, reading: Reading) -> None:
    """A value that was not computed to the end is said; `strict` takes none.

    Raises:
        DataError: there is one, and `strict` was asked for.
    """
    for measured in result.measured.values():
        if reading.strict and measured.scores.inexact:
            raise DataError(measured.scores.inexact, where=result.name, cure="Without --strict the bound is printed and named.")


def say_guesses(read: ReadDocument, reading: Reading, tell: Callable[[str], None]) -> None:
    """Say what was decided without proof.

    Raises:
        DataError: there is a guess, and `strict` was asked for.
    """
    for text, cure in zip(read.guesses, read.cures, strict=True):
        if reading.strict:
            raise DataError(text, cure=f"{cure} Without --strict it is said and not refused.")
        tell(f"guess: {text} {cure}")


def load(predictions: Predictions, reading: Reading = Reading(), *, group_by: str = "") -> Loaded:
    """Rows of a file or of objects in memory."""
    if isinstance(predictions, str | Path):
        return read_predictions(predictions, reading=reading, group_by=group_by)
    items = list(predictions)
    rows = [item for item in items if isinstance(item, Row)]
    if not items:
        raise DataError("there are no predictions.", where="predictions")
    if len(rows) == len(items):
        return Loaded("predictions", "plain", rows, has_ids=True)
    records = (
        (f"prediction {number}", msgspec.to_builtins(item) if isinstance(item, Prediction) else dict(cast("Mapping[str, Any]", item)))
        for number, item in enumerate(items, start=1)
    )
    loaded = loaded_of(collect(records, FORMATS["plain"], "predictions", group_by=group_by, told=reading.fields), "predictions", "plain")
    return replace(loaded, notes=loaded.notes[1:], fields_told=bool(reading.fields.prediction))


def score_rows(joined: JoinedRows, loaded: Loaded, scoring: Scoring, *, tell: Callable[[str], None] = silent) -> ScoreResult:
    """Score rows that have their references."""
    scoring = in_benchmark(scoring)
    profile, seed, extras = scoring.profile, scoring.seed, scoring.extras
    rows = prepared(scoring, profiles.read_as(profile, joined.rows))
    official = benchmark_metric(scoring)
    chosen = [official] if official is not None else pick_metrics(rows, profile, scoring.metrics, scoring.options)
    _check_needs(rows, chosen, loaded)
    told = refuse_nothing(rows, loaded.name)
    told += odd_notes(rows, [metric.name for metric in chosen])
    told += thought_notes(rows, profile, stripped=profiles.strips_thoughts(profile, scoring.options))
    groups = choose_groups(rows, scoring.group_by)
    told.append(groups.note)
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
        scoring=scoring,
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
        tasks = dict.fromkeys(profiles.known_task(row.task) or ("multiple_choice" if _asks_for_letters(row) else "") for row in rows)
        if profile not in profiles.PROFILES:
            raise UsageError(f"no profile {profile!r}.", cure="Profiles: " + ", ".join(profiles.PROFILES) + ".")
        names = list(dict.fromkeys(name for task in tasks for name in profiles.default_metrics(profile, task)))
    return [profiles.resolve(profile, name, options) for name in dict.fromkeys(names)]


def _asks_for_letters(row: Row) -> bool:
    """Whether a row of no known task has options, of which its reference is one: by letter, by letters or by text."""
    if row.choices:
        return any(len(text.strip()) == 1 or text in row.choices or _names_letters(text, len(row.choices)) for text in row.references)
    listed = choices_in(row.question) if any(_LETTERS.fullmatch(text.strip()) for text in row.references) else ()
    return bool(listed) and any(_names_letters(text, len(listed)) for text in row.references)


_LETTERS = re.compile(r"[(（]?[A-Z](?:[\s,，、;；/&+]{0,3}[A-Z]){0,9}[)）.]?")


def _names_letters(text: str, count: int) -> bool:
    """Whether a text is nothing but different letters of so many options."""
    if not _LETTERS.fullmatch(text.strip()):
        return False
    letters = re.findall("[A-Z]", text)
    return len(set(letters)) == len(letters) and max(letters) <= ascii_uppercase[min(count, 26) - 1]


def digest(rows: Sequence[Row]) -> str:
    """Eight hex digits of ids, predictions, references and marks, the same in any order of the rows."""
    encode = msgspec.json.Encoder().encode
    total = 0
    for row in rows:
        text = encode((row.id, row.prediction, row.error != "", row.references, row.extra))
        total += int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
    return f"{total % 2**64:016x}"[:8]


def _count(joined: JoinedRows) -> RowCounts:
    failed = empty = truncated = refused = 0
    for row in joined.rows:
        if row.prediction is None or row.error:
            failed += 1
            continue
        empty += not row.prediction.strip() and "mark" not in row.extra
        truncated += row.finish_reason in TRUNCATED
        refused += row.finish_reason in REFUSED
    total = len(joined.rows)
    return RowCounts(
        total=total,
        scored=total - failed,
        error=failed - joined.missing,
        empty=empty,
        truncated=truncated,
        missing=joined.missing,
        duplicate=joined.duplicate,
        extra=joined.extra,
        refused=refused,
    )


def _check_needs(rows: Sequence[Row], chosen: Sequence[Metric], loaded: Loaded) -> None:
    """Refuse to score rows that a metric is not defined on."""
    for need in dict.fromkeys(need for metric in chosen for need in metric.needs if not need.startswith("extra.")):
        without = (row.id for row in rows if not (getattr(row, need) or (need == "choices" and choices_in(row.question))))
        if not (shown := list(islice(without, 5))):
            continue
        lacking = len(shown) + sum(1 for _ in without)
        metric = next(metric.name for metric in chosen if need in metric.needs)
        ids = ", ".join(repr(name[:60]) for name in shown) + (", ..." if lacking > 5 else "")
        cure = "Give them with --references FILE or DIR/NAME." if need == "references" else f"{metric} cannot be computed without."
        raise DataError(f"{lacking:,} of {len(rows):,} rows have no {need}: {ids}.", where=loaded.name, cure=cure)


__all__ = ["References", "load", "score", "score_rows"]
