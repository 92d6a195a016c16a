"""Is it a difference? Systems that answered the same questions, paired row by row, each against the first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from vldata.errors import DataError, UsageError
from vldata.wording import counted
from vleval.compared import Compared
from vleval.comparison import SCHEMA, Change, Comparison, Difference, McNemar, Pair, Slice
from vleval.joining import JoinedRows, join, missing_row
from vleval.meeting import meet
from vleval.metric import CorpusStats, Floats, Scores
from vleval.oddities import same_answers
from vleval.readers import Loaded
from vleval.references import read_references
from vleval.results import Measured
from vleval.rows import Row
from vleval.score_result import ScoreResult
from vleval.scoring import Predictions, in_space_of, load, say_guesses, score_rows, silent, stop_at_bounds, what_was_taken
from vleval.settings import Allow, Judging, Reading, Scoring
from vleval.stats.bootstrap import paired_interval
from vleval.stats.groups import Groups
from vleval.stats.intervals import Interval, clustered_bounded
from vleval.stats.paired import holm, mcnemar, questions_needed, sign_flip, swap_test
from vleval.worth import value_of


def compare(
    systems: Sequence[Predictions],
    references: str | Path | None = None,
    *,
    reading: Reading = Reading(),
    scoring: Scoring = Scoring(extras=False),
    judging: Judging = Judging(),
    judge_key: str = "",
    names: Sequence[str] | str = (),
    tell: Callable[[str], None] = silent,
) -> Compared:
    """Compare systems, each with the first, as `vleval compare` does; the arguments are those of `vleval.score`.

    `names` are those of the systems, one for each file; by default the files' own.

    Raises:
        DataError: the systems did not answer the same questions, or were judged by other references.
        UsageError: fewer than two systems, or marks, which compare nothing.
    """
    _check(systems, judging)
    said: set[str] = set()

    def tell_once(note: str) -> None:
        if note not in said:
            said.add(note)
            tell(note)

    loads: list[Loaded] = []
    for system in systems:
        loads.append(load(system, reading, group_by=scoring.group_by or ""))
        for note in loads[-1].notes:
            tell_once(note)
    known = read_references(references, reading=reading, group_by=scoring.group_by or "") if references is not None else None
    for note in known.notes if known is not None else ():
        tell_once(note)
    joins = [join(loaded, known, reading.allow, by_order=reading.by_order) for loaded in loads]
    if known is None:
        joins = [
            joins[0],
            *(meet(joined, loaded, joins[0], loads[0], reading) for joined, loaded in zip(joins[1:], loads[1:], strict=True)),
        ]
    taken = [what_was_taken(loaded, known, joined) for loaded, joined in zip(loads, joins, strict=True)]
    for read in taken:
        say_guesses(read, reading, tell_once)
    joins = align(joins, loads, reading.allow)
    for note in [note for joined in joins for note in joined.notes]:
        tell_once(note)
    for joined, loaded in zip(joins[1:], loads[1:], strict=True):
        for note in same_answers(joins[0].rows, joined.rows, loads[0].name, loaded.name):
            tell_once(note)
    shown = list(given_names(names, len(loads))) or display_names([loaded.name for loaded in loads])
    results: list[ScoreResult] = []
    for joined, loaded, read in zip(joins, loads, taken, strict=True):
        chosen = tuple(results[0].metrics) if results else scoring.metrics
        settings = in_space_of(msgspec.structs.replace(scoring, metrics=chosen), known)
        results.append(replace(score_rows(joined, loaded, settings, tell=tell_once), read=read))
        stop_at_bounds(results[-1], reading)
    pairs = [_pair(results[0], other, shown[0], name, scoring.seed) for other, name in zip(results[1:], shown[1:], strict=True)]
    if judging.url:
        pairs = _judged(pairs, results, judging, systems, judge_key, tell_once)
    return Compared(Comparison(schema=SCHEMA, profile=results[0].profile, pairs=_correct(pairs)), tuple(results), tuple(shown))


def _check(systems: Sequence[Predictions], judging: Judging) -> None:
    """Hold the arguments of a comparison to be one.

    Raises:
        UsageError: fewer than two systems, or marks, which compare nothing.
    """
    if judging.marks is not None or judging.human_marks is not None:
        raise UsageError(
            "a comparison takes no marks.", cure="--judge asks which answer is better; --agreement compares two files of marks."
        )
    if isinstance(systems, str | Path):
        raise UsageError("a comparison needs two predictions files, not one path.", cure='Example: compare(["base.jsonl", "tuned.jsonl"])')
    if len(systems) < 2:
        raise UsageError("a comparison needs two predictions files.", cure="Example: vleval compare base.jsonl tuned.jsonl")


def _judged(
    pairs: Sequence[Pair],
    results: Sequence[ScoreResult],
    judging: Judging,
    systems: Sequence[Predictions],
    judge_key: str,
    tell: Callable[[str], None],
) -> list[Pair]:
    """The pairs with what a judge prefers; its verdicts are kept next to the file of the second system."""
    from vleval.judge.ask import make_judge  # brings the HTTP client, which no other comparison needs
    from vleval.judge.pairwise import judge_pair

    found = []
    for pair, system, result in zip(pairs, systems[1:], results[1:], strict=True):
        judge = make_judge(judging, system if isinstance(system, str | Path) else None)
        judged = judge_pair(judge, results[0].rows, result.rows, results[0].groups, api_key=judge_key, tell=tell)
        found.append(msgspec.structs.replace(pair, judged=judged))
    return found


def align(joins: Sequence[JoinedRows], loads: Sequence[Loaded], allow: Allow) -> list[JoinedRows]:
    """Bring all systems into the row order of the first; a question that a system lacks is an answer it did not give, if allowed.

    Raises:
        DataError: other questions, or other references for one question.
    """
    order: dict[str, Row] = {}
    for joined in joins:
        for row in joined.rows:
            order.setdefault(row.id, row)
    aligned: list[JoinedRows] = []
    for joined, loaded in zip(joins, loads, strict=True):
        own = {row.id: row for row in joined.rows}
        lacking = [name for name in order if name not in own]
        if lacking and not allow.missing:
            shown = ", ".join(repr(name[:60]) for name in lacking[:5]) + (", ..." if len(lacking) > 5 else "")
            raise DataError(
                f"{len(lacking):,} of {len(order):,} questions are answered by another file only: {shown}.",
                where=loaded.name,
                cure="Compare files of the same questions, or give --allow-missing to count these as wrong.",
            )
        for name, row in own.items():
            if row.references != order[name].references:
                raise DataError(
                    f"{name!r} has other references than in {loads[0].name}.",
                    where=loaded.name,
                    cure="Give both the same ones with --references.",
                )
        rows = [own[name] if name in own else missing_row(row) for name, row in order.items()]
        aligned.append(JoinedRows(rows, joined.missing + len(lacking), joined.duplicate, joined.extra, joined.notes))
    return aligned


def given_names(names: Sequence[str] | str, files: int) -> tuple[str, ...]:
    """Names of the systems as somebody gave them, also in one text with commas; none: no names are given.

    Raises:
        UsageError: not one for each file, or one twice.
    """
    found = tuple(name.strip() for name in (names.split(",") if isinstance(names, str) else names)) if names else ()
    if found and (len(found) != files or len(set(found)) < files or "" in found):
        raise UsageError(
            f"--names has {counted(len(found), 'name')} for {counted(files, 'file')}.", cure="Give one for each file, none twice."
        )
    return found


def display_names(names: Sequence[str]) -> list[str]:
    """Short names that differ: the file's stem where that is enough, else the path as given."""
    stems = [Path(name).stem for name in names]
    if len(set(stems)) == len(stems):
        return stems
    if len(set(names)) == len(names):
        return list(names)
    return [f"{name} ({number})" for number, name in enumerate(names, start=1)]


def _pair(first: ScoreResult, second: ScoreResult, first_name: str, second_name: str, seed: int) -> Pair:
    differences = {name: _difference(name, first.measured[name], second.measured[name], first, second, seed) for name in first.measured}
    lead = next(iter(first.measured))
    wins, losses = _changes(lead, first, second)
    return Pair(
        first=first_name, second=second_name, n=len(first.rows), groups=first.groups.key, differences=differences, wins=wins, losses=losses
    )


def _difference(name: str, a: Measured, b: Measured, first: ScoreResult, second: ScoreResult, seed: int) -> Difference:
    metric, groups = a.metric, first.groups
    values = [np.nan_to_num(measured.scores.values) for measured in (a, b)]
    gaps = values[1] - values[0]
    totals = [value_of(metric, measured.scores, result.rows) for measured, result in ((a, first), (b, second))]
    interval, p = _test(a, b, gaps, groups, seed)
    better = gaps if metric.higher_is_better else -gaps
    slack = 1e-9 * metric.scale
    difference = totals[1] - totals[0]
    binary = None
    if metric.binary:
        only = [int(np.count_nonzero((mine > 0) & (other == 0))) for mine, other in ((values[0], values[1]), (values[1], values[0]))]
        binary = McNemar(only_first=only[0], only_second=only[1], p=mcnemar(only[0], only[1]), item_level=bool(groups.key))
    return Difference(
        metric=name,
        scale=metric.scale,
        higher_is_better=metric.higher_is_better,
        first=totals[0],
        second=totals[1],
        difference=difference,
        low=interval.low,
        high=interval.high,
        interval=interval.method,
        p=p,
        p_holm=p,
        wins=int(np.count_nonzero(better > slack)),
        losses=int(np.count_nonzero(better < -slack)),
        ties=int(np.count_nonzero(np.abs(better) <= slack)),
        mcnemar=binary,
        questions_needed=questions_needed(difference, interval.se, len(gaps)),
        verdict="",
        by_kind=_by_kind(a, b, first, second, seed),
    )


def _by_kind(a: Measured, b: Measured, first: ScoreResult, second: ScoreResult, seed: int) -> dict[str, Slice]:
    """The same test on each kind of question, where the rows name kinds and the metric can be split."""
    kinds = sorted({row.kind for row in first.rows if row.kind}, key=lambda kind: (kind != "human", kind))
    if len(kinds) < 2 or a.scores.value is not None:
        return {}
    found: dict[str, Slice] = {}
    for kind in kinds:
        chosen = np.flatnonzero([row.kind == kind for row in first.rows])
        parts = [Measured(measured.metric, _part(measured.scores, chosen)) for measured in (a, b)]
        rows = [[result.rows[int(i)] for i in chosen] for result in (first, second)]
        gaps = np.nan_to_num(parts[1].scores.values) - np.nan_to_num(parts[0].scores.values)
        interval, p = _test(parts[0], parts[1], gaps, first.groups.take(chosen), seed)
        values = [value_of(part.metric, part.scores, own) for part, own in zip(parts, rows, strict=True)]
        found[kind] = Slice(n=len(chosen), first=values[0], second=values[1], low=interval.low, high=interval.high, p=p)
    return found


def _part(scores: Scores, chosen: NDArray[np.intp]) -> Scores:
    corpus = scores.corpus
    return Scores(scores.values[chosen], None if corpus is None else CorpusStats(corpus.rows[chosen], corpus.value))


def _test(a: Measured, b: Measured, gaps: Floats, groups: Groups, seed: int) -> tuple[Interval, float]:
    if a.scores.corpus is not None and b.scores.corpus is not None:
        return (
            paired_interval(a.scores.corpus, b.scores.corpus, groups, seed=seed),
            swap_test(a.scores.corpus, b.scores.corpus, groups, seed=seed),
        )
    if a.scores.value is not None:
        return Interval(None, None, "none"), 1.0
    interval = clustered_bounded(gaps, groups, -a.metric.scale, a.metric.scale)
    return Interval(interval.low, interval.high, f"paired-{interval.method}", interval.se), sign_flip(gaps, groups, seed=seed)


def _changes(name: str, first: ScoreResult, second: ScoreResult) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    metric = first.measured[name].metric
    values = [np.nan_to_num(result.measured[name].scores.values) for result in (first, second)]
    gaps = (values[1] - values[0]) * (1.0 if metric.higher_is_better else -1.0)
    slack = 1e-9 * metric.scale

    def listed(positions: Sequence[int]) -> tuple[Change, ...]:
        return tuple(
            Change(
                id=first.rows[i].id,
                metric=name,
                first=float(values[0][i]),
                second=float(values[1][i]),
                question=first.rows[i].question,
                references=first.rows[i].references,
                first_prediction=first.rows[i].prediction,
                second_prediction=second.rows[i].prediction,
            )
            for i in positions
        )

    order = np.argsort(-np.abs(gaps), kind="stable")
    wins = [int(i) for i in order if gaps[i] > slack]
    losses = [int(i) for i in order if gaps[i] < -slack]
    return listed(wins), listed(losses)


def _correct(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Apply Holm's correction over all metrics of all pairs, and say what follows."""
    adjusted = iter(holm([difference.p for pair in pairs for difference in pair.differences.values()]))
    return tuple(
        msgspec.structs.replace(pair, differences={name: _verdict(found, next(adjusted)) for name, found in pair.differences.items()})
        for pair in pairs
    )


def _verdict(found: Difference, p_holm: float) -> Difference:
    verdict = "no difference shown"
    if p_holm < 0.05:
        verdict = "better" if (found.difference > 0) == found.higher_is_better else "worse"
    return msgspec.structs.replace(found, p_holm=p_holm, verdict=verdict)
