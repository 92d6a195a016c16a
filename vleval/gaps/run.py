"""Reads two files with what their records tell, brings their items together, and attributes every difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from vldata.errors import DataError, UsageError
from vldata.wording import counted
from vleval import profiles
from vleval.gaps.attribute import SeenItem, cause_of, clip, look
from vleval.gaps.harness import Harness, HarnessTold
from vleval.gaps.table import harness_of
from vleval.gaps.views import CERTAIN, ORDER, SCHEMA, Cause, CauseTotal, FactLine, GapDocument, GapItem, GapSide, HarnessDocument
from vleval.joining import JoinedRows, join
from vleval.meeting import meet
from vleval.metric import Metric
from vleval.metrics.multiple_choice import choices_in
from vleval.metrics.options import MetricOptions
from vleval.readers import Loaded, read_records
from vleval.references import References, read_references
from vleval.rows import Row
from vleval.settings import Reading

_TEXT_METRICS = ("relaxed_accuracy", "exact_match")


class _File(msgspec.Struct, frozen=True):
    """One file: its rows under the ids of both, what each record tells, and its harness."""

    loaded: Loaded
    rows: dict[str, Row]
    told: dict[str, HarnessTold]
    harness: Harness


def find_gap(
    first: str | Path,
    second: str | Path,
    references: str | Path | None,
    *,
    reading: Reading = Reading(),
    metric: str = "",
    tell: Callable[[str], None] = lambda _: None,
) -> GapDocument:
    """Attribute the difference of two harnesses' files, item by item.

    Raises:
        DataError: a file cannot be read, or they have no item in common.
        UsageError: a metric that a harness's profile does not define.
    """
    known = read_references(references, reading=reading) if references is not None else None
    files = _open_both((first, second), known, reading, tell)
    order = list(dict.fromkeys([*files[0].rows, *files[1].rows]))
    if not files[0].rows.keys() & files[1].rows.keys():
        raise DataError(
            "have no item in common.", where=f"{first} and {second}", cure="Give files of the same items, or --references of both."
        )
    metrics = [_metric(file, metric) for file in files]
    seen = [_look(file, way) for file, way in zip(files, metrics, strict=True)]
    differing, guesses = [], []
    for name in order:
        item = _item(name, (seen[0].get(name), seen[1].get(name)), files, metrics, 100 / len(order))
        if item is not None:
            differing.append(item)
        guesses += _guesses(name, (seen[0].get(name), seen[1].get(name)), files, 100 / len(order))
    gap = sum(item.points for item in differing)
    return GapDocument(
        schema=SCHEMA,
        a=_describe(files[0], seen[0], len(order)),
        b=_describe(files[1], seen[1], len(order)),
        items=len(order),
        gap=gap,
        causes=tuple(_totals(differing)),
        differing=tuple(differing),
        guesses=tuple(guesses),
        same_verdict=len(order) - len(differing),
        defaults=tuple(_defaults(files[0].harness, files[1].harness)),
        notes=tuple(note for file in files for note in file.loaded.notes),
    )


def _open_both(
    paths: tuple[str | Path, str | Path], known: References | None, reading: Reading, tell: Callable[[str], None]
) -> tuple[_File, _File]:
    opened = [read_records(path, reading=reading) for path in paths]
    lenient = msgspec.structs.replace(reading, allow=msgspec.structs.replace(reading.allow, missing=True, extra=True, duplicates=True))
    for loaded, _ in opened:
        for note in loaded.notes:
            tell(note)
    told = [[harness_of(loaded.format).told(record) for record in records] for loaded, records in opened]
    joined = [JoinedRows(rows=list(loaded.rows)) for loaded, _ in opened]
    ids = [[row.id for row in one.rows] for one in joined]
    if known is not None:
        joined = [_join_kept(loaded, known, lenient) for loaded, _ in opened]
    else:
        own = joined[1].rows
        joined[1] = meet(joined[1], opened[1][0], joined[0], opened[0][0], lenient)
        joined[1].rows = [  # a letter means another option where the options stand in another order
            msgspec.structs.replace(row, references=kept.references or row.references)
            for row, kept in zip(joined[1].rows, own, strict=True)
        ]
    files = []
    for number, (loaded, _) in enumerate(opened):
        rows = joined[number].rows
        for note in joined[number].notes:
            tell(note)
        by_place = dict(zip(ids[number], told[number], strict=True))
        names = [row.id for row in rows]
        telling = dict(zip(names, told[number], strict=True)) if len(names) == len(told[number]) and known is None else {}
        telling = telling or {name: by_place.get(name, HarnessTold()) for name in names}
        files.append(_File(loaded, {row.id: row for row in rows}, telling, harness_of(loaded.format)))
    return _completed(files[0], files[1], tell), _completed(files[1], files[0], tell)


def _completed(file: _File, other: _File, tell: Callable[[str], None]) -> _File:
    """The file with the references and options that it does not tell and the other one does."""
    rows, taken = {}, 0
    for name, row in file.rows.items():
        known = other.rows.get(name)
        changes: dict[str, tuple[str, ...]] = {}
        if known is not None and not row.references and known.references:
            changes["references"] = known.references
        if known is not None and known.choices and not (row.choices or choices_in(row.question)):
            changes["choices"] = known.choices
        taken += bool(changes)
        rows[name] = msgspec.structs.replace(row, **changes) if changes else row
    if taken:
        lacking = f"{counted(taken, 'item')} without references or options of their own"
        tell(f"{file.loaded.name}: {lacking}; those of {other.loaded.name} are used.")
    return msgspec.structs.replace(file, rows=rows)


def _join_kept(loaded: Loaded, known: References, reading: Reading) -> JoinedRows:
    """Join with references, but leave out the questions that this file does not answer."""
    joined = join(loaded, known, reading.allow, by_order=reading.by_order)
    joined.rows = [row for row in joined.rows if row.error != "missing"]
    return joined


def _metric(file: _File, name: str) -> Metric | None:
    """The metric of answers in words: as asked, else the first that the harness's profile defines.

    Raises:
        UsageError: the profile does not define the one that was asked for.
    """
    profile = file.harness.profile
    for candidate in (name,) if name else _TEXT_METRICS:
        try:
            return profiles.resolve(profile, candidate, MetricOptions())
        except UsageError:
            if name:
                raise
    return None


def _values(metric: Metric | None, rows: Sequence[Row]) -> list[float]:
    if metric is None or not rows or not all(row.references for row in rows):
        return [0.0] * len(rows)
    return [float(value) / metric.scale for value in metric.score(rows).values]


def _look(file: _File, metric: Metric | None) -> dict[str, SeenItem]:
    known = [row for row in file.rows.values() if row.references]
    values = dict(zip([row.id for row in known], _values(metric, known), strict=True))
    seen = {name: look(row, file.told.get(name, HarnessTold()), file.harness, values.get(name)) for name, row in file.rows.items()}
    if lost := [name for name, one in seen.items() if not one.row.references and not one.side.told]:
        raise DataError(
            f"{len(lost):,} items have neither a score nor references, the first {lost[0]!r}.",
            where=file.loaded.name,
            cure="Give them with --references.",
        )
    return seen


def _item(
    name: str, pair: tuple[SeenItem | None, SeenItem | None], files: tuple[_File, _File], metrics: Sequence[Metric | None], points: float
) -> GapItem | None:
    a, b = pair
    if a is None or b is None:
        there, sign, cause = (b, -1, "only in B") if a is None else (a, 1, "only in A")
        assert there is not None
        value = sign * there.side.score * points if there.side.score else 0.0  # no -0
        side = {"b" if a is None else "a": there.side}
        return GapItem(id=name, cause=cause, detail="the other file lacks it", points=value, **side)  # type: ignore[arg-type]
    if a.side.score == b.side.score:
        return None
    ways = (files[0].harness, files[1].harness)
    crossed = (_crossed(a, ways[1], metrics[1]), _crossed(b, ways[0], metrics[0]))
    cause, detail = cause_of(a, b, ways, crossed)
    return GapItem(id=name, cause=cause, detail=detail, points=(a.side.score - b.side.score) * points, a=a.side, b=b.side)


def _crossed(seen: SeenItem, harness: Harness, metric: Metric | None) -> float:
    """What another harness's rules give an answer."""
    return look(seen.row, HarnessTold(), harness, _values(metric, [seen.row])[0]).side.score


def _guesses(name: str, pair: tuple[SeenItem | None, SeenItem | None], files: tuple[_File, _File], points: float) -> list[GapItem]:
    """Answers that a harness drew at random, right by luck or not."""
    found = []
    for letter, seen, file in zip("ab", pair, files, strict=True):
        if seen is not None and seen.side.guessed:
            luck = "right by luck" if seen.side.score else "wrong"
            detail = f"{file.harness.title} reads nothing in {clip(seen.row.prediction)} and draws at random: {luck}"
            sides: dict[str, GapSide] = {letter: seen.side}
            found.append(GapItem(id=name, cause="guess", detail=detail, points=seen.side.score * points, **sides))
    return found


def _totals(items: Sequence[GapItem]) -> list[CauseTotal]:
    counted: Counter[Cause] = Counter(item.cause for item in items)
    totals = []
    for cause in ORDER:
        if not counted[cause]:
            continue
        own = [item.points for item in items if item.cause == cause]
        more, less = sum(value > 0 for value in own), sum(value < 0 for value in own)
        totals.append(CauseTotal(cause, counted[cause], more, less, sum(own), cause in CERTAIN))
    return sorted(totals, key=lambda total: (-abs(total.points), -total.items))


def _describe(file: _File, seen: dict[str, SeenItem], items: int) -> HarnessDocument:
    told = {one.side.told for one in seen.values()}
    total = sum(one.side.score for one in seen.values())
    return HarnessDocument(
        name=file.loaded.name,
        format=file.loaded.format,
        harness=file.harness.title,
        source=file.harness.source,
        items=len(seen),
        score=100 * total / items,
        own_score=100 * total / len(seen),
        guessed=sum(one.side.guessed for one in seen.values()),
        scored_by="both" if len(told) > 1 else "its file" if True in told else "its rules",
    )


def _defaults(a: Harness, b: Harness) -> list[FactLine]:
    parts = list(dict.fromkeys(fact.part for harness in (a, b) for fact in harness.facts))
    lines = []
    for part in parts:
        says = [tuple(f"{fact.does} ({fact.file})" for fact in way.facts if fact.part == part) for way in (a, b)]
        lines.append(FactLine(part, says[0], says[1]))
    return [line for line in lines if line.a != line.b]
