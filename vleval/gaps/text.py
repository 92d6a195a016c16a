"""The gap as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator

from vldata.web.visible import visible
from vldata.wording import counted
from vleval.gaps.views import GapDocument, GapItem, HarnessDocument

_SHOWN = 5


def gap_lines(gap: GapDocument) -> Iterator[str]:
    """Both scores, the causes with what each comes to, items of each, guesses, and what the harnesses do by default."""
    for name, one in (("A", gap.a), ("B", gap.b)):
        yield f"{name}  {_side(one, gap.items)}"
    yield f"A - B = {gap.gap:+.2f} points over {counted(gap.items, 'item')}; {gap.same_verdict:,} have the same score in both"
    if gap.causes:
        yield ""
        yield f"{'cause':<14} {'items':>6} {'A more':>7} {'B more':>7} {'points':>8}"
    for total in gap.causes:
        mark = "" if total.certain else "  (differs; not proven to be why)" if total.cause != "answer" else "  (nothing else known differs)"
        yield f"{total.cause:<14} {total.items:>6,} {total.a_more:>7,} {total.b_more:>7,} {total.points:>+8.2f}{mark}"
    for total in gap.causes:
        items = [item for item in gap.differing if item.cause == total.cause]
        yield ""
        yield f"{total.cause}:"
        yield from map(_item, items[:_SHOWN])
        if len(items) > _SHOWN:
            yield f"  ... and {len(items) - _SHOWN:,} more"
    yield from _guesses(gap)
    if gap.defaults:
        yield ""
        yield "What they do by default, where it differs:"
    for line in gap.defaults:
        yield f"  {line.part}"
        for name, says in (("A", line.a), ("B", line.b)):
            yield from (f"    {name}: {one}" for one in says or ("not known here",))


def _side(one: HarnessDocument, items: int) -> str:
    said = f"{visible(one.name)}: {one.harness} ({one.source}), {one.own_score:.2f} % by {one.scored_by}, {counted(one.items, 'item')}"
    lacking = items - one.items
    return f"{said}; {one.score:.2f} % of all {items:,}, as it lacks {lacking:,}, which count as 0" if lacking else said


def _item(item: GapItem) -> str:
    return f"  {visible(item.id)}: {visible(item.detail)} ({item.points:+.2f})"


def _guesses(gap: GapDocument) -> Iterator[str]:
    if not gap.guesses:
        return
    lucky = sum(item.points for item in gap.guesses if item.points)
    yield ""
    yield f"Drawn at random: {counted(len(gap.guesses), 'answer')}, worth {lucky:.2f} points by luck; another run draws others."
    yield from (f"  {visible(item.id)}: {visible(item.detail)}" for item in gap.guesses[:_SHOWN])
