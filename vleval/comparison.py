"""What a comparison says, typed and serialisable."""

from __future__ import annotations

import msgspec

SCHEMA = "vlkit.comparison/1"


class McNemar(msgspec.Struct, frozen=True, kw_only=True):
    """Exact McNemar test over rows. `item_level` warns that rows of one group are not independent and the permutation test is the one."""

    only_first: int
    only_second: int
    p: float
    item_level: bool


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """The difference over part of the rows (ChartQA's human and augmented questions). `p` is not corrected."""

    n: int
    first: float
    second: float
    low: float | None
    high: float | None
    p: float


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One metric: second minus first.

    Attributes:
        low, high: 95 % interval of the difference; None when the data allow none.
        p: sign-flip permutation over groups, two-sided.
        p_holm: corrected over all metrics and comparisons of the run.
        wins, losses, ties: rows on which the second is better, worse, equal; None for metrics without a value per record.
        questions_needed: more questions of this kind that would show a difference of this size; None when no number would do.
        verdict: "better", "worse" or "no difference shown", by `p_holm` < 0.05 and the metric's direction.
    """

    metric: str
    scale: float
    higher_is_better: bool
    first: float
    second: float
    difference: float
    low: float | None
    high: float | None
    interval: str
    p: float
    p_holm: float
    wins: int
    losses: int
    ties: int
    mcnemar: McNemar | None
    questions_needed: int | None
    verdict: str
    by_kind: dict[str, Slice] = {}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A row on which two systems differ."""

    id: str
    metric: str
    first: float
    second: float
    question: str
    references: tuple[str, ...]
    first_prediction: str | None
    second_prediction: str | None


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What a judge prefers, each pair asked in both orders.

    Attributes:
        judge: model, and the digest of the wording.
        wins, losses, ties: of the second system; a preference that the swapped order does not repeat is a tie.
        preferred: the second's share, a tie as half; with its clustered interval.
        asked: pairs that were asked; equal and missing answers need no judge.
        agreement: the share of them on which both orders agree, with its interval.
        first_shown: the share of the preferences that went to the answer shown first; 0.5 in a judge without a bias for places.
    """

    judge: str
    n: int
    wins: int
    losses: int
    ties: int
    preferred: float
    low: float | None
    high: float | None
    asked: int
    agreement: float | None
    agreement_low: float | None
    agreement_high: float | None
    first_shown: float | None


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A system against the first one. `wins` and `losses` list the rows of the first metric, the largest changes first."""

    first: str
    second: str
    n: int
    groups: str
    differences: dict[str, Difference]
    wins: tuple[Change, ...]
    losses: tuple[Change, ...]
    judged: Judged | None = None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """All pairs of one run."""

    schema: str
    profile: str
    pairs: tuple[Pair, ...]
