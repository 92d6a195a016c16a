"""A comparison as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vleval.comparison import Change, Comparison, Difference, Judged, Pair, Slice
from vleval.reports.text import cut, number
from vleval.stats.agreement import Agreement

_LISTED = 10
_LEAST_P = 0.0001  # of four decimals


def p_text(p: float) -> str:
    """`p = 0.8622`; never `p = 0.0000`, which no test gives."""
    return f"p = {p:.4f}" if p >= _LEAST_P else f"p < {_LEAST_P}"


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """Every pair: the differences with what they are worth, then what was won and lost."""
    for position, pair in enumerate(comparison.pairs):
        if position:
            yield ""
        yield f"{pair.second} against {pair.first} (n={pair.n}" + (f", clustered by {pair.groups})" if pair.groups else ")")
        for difference in pair.differences.values():
            yield from (f"  {line}" for line in _difference_lines(difference))
        if pair.judged is not None:
            yield from (f"  {line}" for line in judged_lines(pair.judged))
        yield from _change_lines("won", pair, pair.wins)
        yield from _change_lines("lost", pair, pair.losses)


def judged_lines(found: Judged) -> Iterator[str]:
    """What a judge prefers, and how far it can be trusted."""
    bounds = "no interval" if found.low is None or found.high is None else f"95 % {found.low:.4f} to {found.high:.4f}"
    counts = f"{found.wins} won, {found.losses} lost, {found.ties} tied"
    yield f"judged by {found.judge}: preferred in {found.preferred:.4f} ({bounds}; a tie is half): {counts}"
    if found.agreement is not None:
        steady = "" if found.agreement_low is None else f" (95 % {found.agreement_low:.4f} to {found.agreement_high:.4f})"
        front = "it preferred neither place in any" if found.first_shown is None else f"the answer shown first had {found.first_shown:.4f}"
        front += "" if found.first_shown is None else " of its preferences (0.5 without a bias for places)"
        yield f"  both orders agree on {found.agreement:.4f}{steady} of {found.asked} pairs; {front}"


def agreement_lines(found: Agreement, first: str, second: str) -> Iterator[str]:
    """How far two judges agree."""
    how = f", intervals clustered by {found.clustered_by}" if found.clustered_by else ""
    yield f"{second} against {first}: {found.n} marked by both{how}"
    for name, title in (("exact", "exact agreement"), ("kappa", "quadratic kappa"), ("pearson", "Pearson"), ("spearman", "Spearman")):
        value = getattr(found, name)
        bounds = " (95 % {:.4f} to {:.4f})".format(*found.intervals[name]) if name in found.intervals else ""
        yield f"  {title} " + ("not defined (one single mark)" if value is None else f"{value:.4f}{bounds}")


def difference_text(found: Difference) -> str:
    """`+0.0042 [-0.0100, +0.0184]`."""
    interval = "no interval"
    if found.low is not None and found.high is not None:
        interval = f"95 % {signed(found.low, found.scale)} to {signed(found.high, found.scale)}"
    return f"{signed(found.difference, found.scale)} ({interval})"


def slice_text(part: Slice, scale: float) -> str:
    """`0.7528 -> 0.7544, +0.0016 (95 % -0.0165 to +0.0197), p = 0.8622`."""
    interval = "no interval"
    if part.low is not None and part.high is not None:
        interval = f"95 % {signed(part.low, scale)} to {signed(part.high, scale)}"
    values = f"{number(part.first, scale)} -> {number(part.second, scale)}"
    return f"{values}, {signed(part.second - part.first, scale)} ({interval}), {p_text(part.p)}"


def signed(value: float, scale: float) -> str:
    """A number with its sign always shown."""
    return ("+" if value >= 0 else "") + number(value, scale)


def needed_text(found: Difference) -> str:
    """What it would take to see a difference of this size."""
    if found.questions_needed is None:
        return "no number of questions would show a difference of this size"
    if found.questions_needed == 0:
        return "enough questions for a difference of this size"
    return f"about {found.questions_needed:,} more questions would show a difference of this size"


def _difference_lines(found: Difference) -> Iterator[str]:
    values = f"{number(found.first, found.scale)} -> {number(found.second, found.scale)}"
    yield f"{found.metric}: {values}, {difference_text(found)}: {found.verdict}"
    for kind, part in found.by_kind.items():
        yield f"  {kind} (n={part.n}): {slice_text(part, found.scale)}"
    rows = f"{found.wins} won, {found.losses} lost, {found.ties} equal"
    yield f"  {p_text(found.p)} (sign-flip permutation), {p_text(found.p_holm)} after Holm; {rows}"
    if found.mcnemar is not None:
        level = "; item level: it takes rows of one group as independent" if found.mcnemar.item_level else ""
        test = found.mcnemar
        yield f"  exact McNemar {p_text(test.p)} ({test.only_second} right only now, {test.only_first} only before{level})"
    yield f"  {needed_text(found)}"


def _change_lines(word: str, pair: Pair, changes: Sequence[Change]) -> Iterator[str]:
    if changes:
        yield f"  {word}, by {changes[0].metric}: {len(changes):,}" + (f" (first {_LISTED})" if len(changes) > _LISTED else "")
    for change in changes[:_LISTED]:
        references = " | ".join(cut(reference, 30) for reference in change.references[:3])
        before, after = (_shown(text) for text in (change.first_prediction, change.second_prediction))
        yield f"    {cut(change.id, 64)}: {before} -> {after} for {references!r}"


def _shown(prediction: str | None) -> str:
    return "(no answer)" if prediction is None else repr(cut(prediction, 40))
