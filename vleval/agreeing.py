"""How far two judges agree on the answers that both marked."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.jobs import JobResult
from vleval.metrics.marks import read_number
from vleval.readers import read_marks
from vleval.rows import Row
from vleval.stats.agreement import Agreement, judge_agreement
from vleval.stats.groups import choose_groups


@dataclass(frozen=True, repr=False)
class JudgesAgree(JobResult):
    """What `vleval compare --agreement` says of two files of marks.

    Attributes:
        found: how far they agree.
        names: what the judges are called.
    """

    found: Agreement
    names: tuple[str, str]

    def lines(self) -> Iterable[str]:  # noqa: D102
        from vleval.reports.compare_text import agreement_lines

        return agreement_lines(self.found, *self.names)

    def document(self) -> dict[str, Any]:  # noqa: D102
        return dataclasses.asdict(self.found)


def agreement(first: str | Path, second: str | Path, *, names: Sequence[str] | str = ()) -> JudgesAgree:
    """Say how far the marks in two files agree, as `vleval compare --agreement` does.

    `names` are those of the judges; by default the files' own.

    Raises:
        DataError: no answer is marked by both, or a mark names no number.
    """
    from vleval.comparing import display_names, given_names

    one, other = given_names(names, 2) or display_names([str(first), str(second)])
    return JudgesAgree(found=marks_agreement(read_marks(first), read_marks(second)), names=(one, other))


def marks_agreement(first: Mapping[str, str], second: Mapping[str, str], rows: Sequence[Row] = (), *, seed: int = 0) -> Agreement:
    """How far two judges agree on the answers that both marked; a mark is read as `llm_match` reads it.

    With `rows`, intervals are clustered as scores of these rows are.

    Raises:
        DataError: no answer is marked by both, or a mark names no number.
    """
    shared = [name for name in first if name in second]
    if not shared:
        raise DataError("no answer is marked by both judges.")
    by_id = {row.id: row for row in rows}
    groups = choose_groups([by_id[name] for name in shared]) if by_id and all(name in by_id for name in shared) else None
    one, other = ([_number(judge[name], name) for name in shared] for judge in (first, second))
    return judge_agreement(one, other, groups, seed=seed)


def _number(text: str, name: str) -> float:
    mark = read_number(text)
    if mark is None:
        raise DataError(f"the judge's mark {text[:60]!r} names no number from 1 to 5.", where=name)
    return mark
