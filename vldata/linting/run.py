"""Reads every row of a path as a consumer would, and keeps what befalls it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec

from vldata.errors import DataError
from vldata.linting.consumer import Consumer, Options, RowSet, WholeFinding
from vldata.linting.outcomes import OUTCOMES, RowFinding, worst

KEEP = 1_000


class LintFinding(msgspec.Struct, frozen=True):
    """One thing that will happen: where, which code of the consumer's table, and what it is here."""

    where: str
    code: str
    detail: str = ""


class LintedPart(msgspec.Struct, frozen=True):
    """One dataset: its rows, and how many meet which outcome, each row under the worst of what befalls it."""

    name: str
    rows: int
    outcomes: dict[str, int]
    sources: tuple[tuple[Path, str], ...] = ()
    verdicts: tuple[tuple[str, str], ...] = ()  # of every row, where asked for: where it stands and its outcome

    @property
    def is_elsewhere(self) -> bool:
        """Whether it has no rows here, so that nothing can be said of it."""
        return not self.rows and set(self.outcomes) == {"unjudged"}


class Linted(msgspec.Struct, frozen=True):
    """What came of a path."""

    path: Path
    consumer: str
    version: str
    parts: tuple[LintedPart, ...]
    findings: tuple[LintFinding, ...]
    counts: dict[str, int]
    said: tuple[str, ...]

    @property
    def outcomes(self) -> dict[str, int]:
        """Rows by outcome over all parts, worst first."""
        total: Counter[str] = Counter()
        here = [part for part in self.parts if not part.is_elsewhere]
        for part in here or self.parts:
            total.update(part.outcomes)
        return {name: total[name] for name in OUTCOMES if total[name]}

    @property
    def ok(self) -> bool:
        """Whether nothing is a fault."""
        return not any(OUTCOMES[name].fault for name in self.outcomes)


class _Ledger:
    def __init__(self, consumer: Consumer) -> None:
        self._table = consumer.table
        self.counts: Counter[str] = Counter()
        self.kept: list[LintFinding] = []

    def add(self, where: str, found: RowFinding) -> None:
        self.counts[found.code] += 1
        if self.counts[found.code] <= KEEP:
            self.kept.append(LintFinding(where, found.code, found.detail))

    def outcome(self, found: list[RowFinding]) -> str:
        return worst([self._table[one.code].outcome for one in found])


def lint_path(
    path: Path,
    consumer: Consumer,
    name: str,
    options: Options,
    *,
    each: bool = False,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Linted:
    """Judge a path.

    Args:
        path: a file or folder.
        consumer: whose rules.
        name: how it is called.
        options: how it would be run.
        each: keep the verdict of every row.
        on_progress: called with the name of a part, rows done, 0.

    Raises:
        DataError: there is nothing that this consumer could read.
    """
    ledger = _Ledger(consumer)
    said: list[str] = []
    parts = []
    for part in consumer.open(path, options):
        said += part.said
        parts.append(_lint_part(part, ledger, each=each, on_progress=on_progress))
    return Linted(path, name, consumer.version, tuple(parts), tuple(ledger.kept), dict(ledger.counts), tuple(said))


def _lint_part(part: RowSet, ledger: _Ledger, *, each: bool, on_progress: Callable[[str, int, int], None] | None) -> LintedPart:
    outcomes: Counter[str] = Counter()
    verdicts: list[tuple[str, str]] = []
    over_all: list[RowFinding] = []
    some: list[WholeFinding] = []
    judge, rows = part.judge.row, 0
    for whole in part.first:
        ledger.add(whole.where, whole.found)
        if whole.rows is None:
            over_all.append(whole.found)
    for path, opened in part.files:
        name = str(path)
        try:
            for line, row in opened():
                rows += 1
                found = judge(row)
                outcome = "train"
                if found:
                    outcome = ledger.outcome(found)
                    where = f"{name}:{line}" if type(line) is int else f"{name}{line}"
                    for one in found:
                        ledger.add(where, one)
                outcomes[outcome] += 1
                if each:
                    verdicts.append((f"{name}:{line}" if type(line) is int else f"{name}{line}", outcome))
                if on_progress and not rows % 5_000:
                    on_progress(part.name, rows, 0)
        except DataError as error:
            ledger.add(name, RowFinding(next(iter(ledger._table)), error.what))
            outcomes["crash"] += 1
    for whole in part.judge.finish() if part.files else ():
        ledger.add(whole.where, whole.found)
        if whole.rows is None:
            over_all.append(whole.found)
        elif whole.rows:
            some.append(whole)
    for whole in some:
        _raise_some(outcomes, ledger.outcome([whole.found]), whole.rows or 0)
    if over_all:
        outcomes, verdicts = _raise_all(outcomes, verdicts, ledger.outcome(over_all), ledger)
    if not rows and over_all:
        outcomes[ledger.outcome(over_all)] += 1
    counts = {name: outcomes[name] for name in OUTCOMES if outcomes[name]}
    return LintedPart(part.name, rows, counts, part.sources, tuple(verdicts))


def _raise_some(outcomes: Counter[str], least: str, rows: int) -> None:
    """Count so many rows, nobody knows which, under an outcome: of those that fare best."""
    for outcome in reversed(OUTCOMES):
        taken = min(rows, outcomes[outcome]) if worst([outcome, least]) == least != outcome else 0
        outcomes[outcome] -= taken
        outcomes[least] += taken
        rows -= taken


def _raise_all(
    outcomes: Counter[str], verdicts: list[tuple[str, str]], least: str, ledger: _Ledger
) -> tuple[Counter[str], list[tuple[str, str]]]:
    """What befalls every row is the least that befalls each."""
    raised: Counter[str] = Counter()
    for outcome, count in outcomes.items():
        raised[worst([outcome, least])] += count
    return raised, [(where, worst([outcome, least])) for where, outcome in verdicts]
