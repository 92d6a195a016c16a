"""Asks every trainer for the same rows, and puts what they make next to ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from vldata.errors import VlkitError
from vldata.models.families_of import folder_family
from vldata.xrays.cases import Case, Subject, rows_for
from vldata.xrays.divergence import find_divergences, in_order, over_limit
from vldata.xrays.environments import TRAINERS
from vldata.xrays.predicted import RecordPredictor
from vldata.xrays.running import run_probe
from vldata.xrays.text import Tokens, seconds_of
from vldata.xrays.views import (
    SCHEMA,
    ConsumerRun,
    Divergence,
    First,
    Predicted,
    Result,
    RowView,
    View,
    XrayDocument,
    XrayRecord,
)


class AskedTrainer(NamedTuple):
    """A trainer that is to be asked: its name, the Python that runs it ("" and why where there is none), and its settings."""

    name: str
    python: Path | None
    settings: Mapping[str, Any]
    error: str = ""


class _Answer(NamedTuple):
    run: ConsumerRun
    rows: dict[int, RowView]
    folder: Path


def take_xray(
    subject: Subject,
    model: Path,
    asked: Sequence[AskedTrainer],
    work: Path,
    *,
    timeout_s: float = 900.0,
    tell: Callable[[str], None] = lambda _: None,
) -> XrayDocument:
    """Run the probes one after the other and compare each with ours; image files stay in `work`.

    Raises:
        DataError: the model's folder has no tokenizer or template.
    """
    tokens = Tokens(model)
    answers = [_ask(one, subject, model, work, timeout_s, tell) for one in asked]
    ours = next((answer for answer in answers if answer.run.name == "ours"), None)
    predictions = _predictions(subject, tokens)
    records = tuple(_record(case, answers, ours, predictions.get(case.row), tokens) for case in subject.cases)
    runs = tuple(msgspec.structs.replace(answer.run, first=_first(records, answer.run.name)) for answer in answers)
    said = subject.said
    family = folder_family(model)
    if subject.dataset and family and family.name != (made_for := subject.dataset.contract.pixels.processor):
        said += (f"The dataset was converted for {made_for}, the model is of {family.name}: sizes and cutoffs are not meant for it.",)
    if subject.dataset and "trl" in [run.name for run in runs] and any(_learned(case) > 1 for case in subject.cases):
        said += ("TRL's rows hold an answer each: of a record with several the last row is shown, and ours is held to its answer alone.",)
    views = [view for record in records for view in record.views]
    made = all(view.made.stage == "" for view in views if view.consumer == "ours")  # of a row that nobody makes nothing is the same
    same = made and not any(run.error for run in runs) and not any(not one.harmless for view in views for one in view.divergences)
    return XrayDocument(schema=SCHEMA, path=str(subject.path), model=str(model), same=same, consumers=runs, records=records, said=said)


def _ask(one: AskedTrainer, subject: Subject, model: Path, work: Path, timeout_s: float, tell: Callable[[str], None]) -> _Answer:
    trainer, out = TRAINERS[one.name], work / one.name
    settings = {**subject.settings.get(one.name, {}), **one.settings}
    if one.python is None:
        return _Answer(ConsumerRun(name=one.name, title=trainer.title, settings=settings, error=one.error), {}, out)
    tell(f"Asking {trainer.title} ...")
    rows, lost = rows_for(one.name, subject, out)
    job = {"model": str(model.absolute()), "settings": settings, "root": str(subject.root.absolute()), "rows": rows}
    result = run_probe(one.python, trainer.module, out, job, timeout_s=timeout_s) if rows else Result({}, "", ())
    seen = {view.row: view for view in result.rows}
    seen |= {row: RowView(row=row, stage="load", message=why) for row, why in lost.items()}
    run = ConsumerRun(name=one.name, title=trainer.title, versions=result.versions, settings=settings, error=result.error, said=result.said)
    return _Answer(run, seen, out)


def _predictions(subject: Subject, tokens: Tokens) -> dict[int, Predicted | None]:
    found: dict[int, Predicted | None] = {}
    whole = RecordPredictor(tokens, subject.dataset) if subject.dataset else None
    for case in subject.cases:
        if case.record is None:
            continue
        try:
            expecting = whole or RecordPredictor.at(case.folder, tokens)
            found[case.row] = expecting.of(case.record)
        except VlkitError:
            found[case.row] = None
    return found


def _record(case: Case, answers: Sequence[_Answer], ours: _Answer | None, predicted: Predicted | None, tokens: Tokens) -> XrayRecord:
    mine = ours.rows.get(case.row) if ours else None
    views = []
    for answer in answers:
        made = answer.rows.get(case.row)
        if made is None:
            continue
        if ours is not None and answer.run.name == "ours":
            divergences = _self_check(made, predicted)
        else:
            other = _restricted(mine, made, answer.run.name) if mine else None
            folders = (answer.folder, ours.folder if ours else answer.folder)
            divergences = find_divergences(made, other, predicted, tokens, folders)
            if not made.stage:
                divergences = in_order((*divergences, *over_limit(made, answer.run.settings)))
        spans = tokens.spans(made)
        seconds = seconds_of(tokens.decode(made.ids)) if made.ids else ()
        views.append(View(consumer=answer.run.name, made=made, spans=spans, seconds=seconds, divergences=divergences))
    return XrayRecord(case.row, case.name, tuple(views), predicted, case.note)


def _self_check(made: RowView, predicted: Predicted | None) -> tuple[Divergence, ...]:
    """Ours against what was predicted without it. A video is not made by ours: its prediction stands for it."""
    if made.stage or predicted is None or len(made.ids) == predicted.tokens:
        return ()
    return (Divergence("prediction", f"{len(made.ids):,} tokens, {predicted.tokens:,} were predicted"),)


def _first(records: Sequence[XrayRecord], name: str) -> First | None:
    firsts = [First(record.row, view.first) for record in records for view in record.views if view.consumer == name and view.first]
    return next((one for one in firsts if not one.divergence.harmless), firsts[0] if firsts else None)


def _learned(case: Case) -> int:
    return sum(message.learned for message in case.record.messages) if case.record else 0


def _restricted(ours: RowView, theirs: RowView, name: str) -> RowView:
    """Ours as TRL's export has it: a row an answer, of which the last is looked at, so that only its answer is learned."""
    if name != "trl" or ours.labels is None or theirs.labels is None:
        return ours
    end = len(ours.labels)
    while end and ours.labels[end - 1] == -100:
        end -= 1
    start = end
    while start and ours.labels[start - 1] != -100:
        start -= 1
    labels = tuple(label if start <= place < end else -100 for place, label in enumerate(ours.labels))
    return RowView(row=ours.row, ids=ours.ids, labels=labels, positions=ours.positions, images=ours.images)
