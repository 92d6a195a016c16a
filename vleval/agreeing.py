"""How far two judges agree on the answers that both marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from vldata.errors import DataError
from vleval.metrics.marks import read_number
from vleval.readers import read_marks
from vleval.rows import Row
from vleval.stats.agreement import Agreement, judge_agreement
from vleval.stats.groups import choose_groups


def agreement(first: str | Path, second: str | Path) -> Agreement:
    """Say how far the marks in two files agree, as `vleval compare --agreement` does.

    Raises:
        DataError: no answer is marked by both, or a mark names no number.
    """
    return marks_agreement(read_marks(first), read_marks(second))


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
