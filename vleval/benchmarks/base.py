"""What a benchmark is, and what its modules share: percent, the truth as a letter, and totals whose quotient is the number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from vldata.errors import DataError
from vleval.metric import Floats, Scorer, Scores
from vleval.metrics.base import Builder, references
from vleval.metrics.options import MetricOptions
from vleval.rows import Row

VLMEVALKIT = "open-compass/VLMEvalKit"
VLMEVALKIT_COMMIT = "e8e78f05f3080fe28154f2130321f17951c3be94"
LMMS_EVAL = "EvolvingLMMs-Lab/lmms-eval"
LMMS_EVAL_COMMIT = "75571cfe0fa36ca5ec2e6aa2bb268f9d38295af3"


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A benchmark: whose number it is, and how it is computed.

    Attributes:
        title: what is asked and what the number is, in one line.
        source: the repository whose code the number equals.
        file: the file and functions in it.
        commit: the version that was compared.
        equal: what is equal, and where we differ on purpose.
        profile: whose behaviour it is, for the signature; raw strings are scored, and `vlmevalkit` reads answer cells as its tool does.
        build: makes the scorer; the scale is percent.
        prepare: adds the groups that rows hang together by, so that intervals know of them; None where rows tell themselves.
        marked: whether it reads a judge's marks.
        extract: reads an answer by rules, None where upstream asks a model for it; None for a benchmark that never does.
    """

    title: str
    source: str
    file: str
    commit: str
    equal: str
    profile: str
    build: Builder
    prepare: Callable[[Row], Row] | None = None
    marked: bool = False
    extract: Callable[[Row], str | None] | None = None


def in_percent(build: Builder) -> Builder:
    """A metric from 0 to 1 on the scale that papers print."""

    def percent(options: MetricOptions) -> Scorer:
        scorer = build(options)

        def score(rows: Sequence[Row]) -> Scores:
            scores = scorer.score(rows)
            parts = {name: 100 * value for name, value in scores.parts.items()}
            return replace(scores, values=100 * scores.values, parts=parts)

        return replace(scorer, score=score, scale=100.0)

    percent.__doc__ = build.__doc__
    return percent


def only_reference(row: Row) -> str:
    """The one accepted answer of a row.

    Raises:
        DataError: it has none or several.
    """
    known = references(row)
    if len(known) > 1:
        raise DataError(
            f"has {len(known)} accepted answers, and this benchmark has one.", where=row.id, cure="Is it the benchmark's own file?"
        )
    return known[0]


def letter_of(row: Row, letters: str) -> str:
    """The right letter of a row.

    Raises:
        DataError: its reference is none of the letters.
    """
    text = only_reference(row).strip()
    if len(text) != 1 or text not in letters:
        fault = f"the reference {text[:40]!r} is none of the letters {letters!r}."
        raise DataError(fault, where=row.id, cure="Give the benchmark's own file as --references: its answers are letters.")
    return text


def field_of(row: Row, name: str) -> str:
    """A text field that the benchmark's own files carry.

    Raises:
        DataError: the row lacks it.
    """
    found = row.extra.get(name) or (row.category if name == "category" else "")
    if not found:
        raise DataError(
            f"no {name!r}, which this benchmark is counted by.", where=row.id, cure="Give the benchmark's own file as --references."
        )
    return found


def in_group(row: Row, key: str, name: str) -> Row:
    """The row as one of a group, unless it says already which."""
    return row if row.groups.get(key) else msgspec.structs.replace(row, groups={**row.groups, key: name})


def ratio(above: Floats, below: Floats) -> Floats:
    """Quotients, 0 where nothing is counted."""
    return np.divide(above, below, out=np.zeros_like(above, dtype=np.float64), where=below != 0)


def flags(rows: Sequence[Row], is_true: Callable[[Row], bool]) -> Floats:
    """One number a row, 1 where something holds of it."""
    return np.fromiter((is_true(row) for row in rows), np.float64, len(rows))
