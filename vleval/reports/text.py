"""Scores as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vldata.wording import counted
from vleval.explanation import Explanation
from vleval.results import MetricScore, RowCounts, ScorePart

MAX_CATEGORIES = 40
LOW_CEILING = 0.5  # of the scale; below it the metric does not fit the references
FEW_ROWS = 20  # and WIDE, a share of the scale: with fewer rows, or a wider interval, hardly anything is told apart
WIDE = 0.3
_CUT = 100
_STYLED = {"lower case": "in lower case", "full stop": "with a full stop more or less", "article": 'with "the" more or less'}


def score_lines(metrics: Mapping[str, MetricScore], counts: RowCounts, by_category: Mapping[str, Mapping[str, ScorePart]]) -> Iterator[str]:
    """The whole result: a line per metric with what it is worth, the counts, the categories."""
    for name, score in metrics.items():
        yield f"{name} = {interval_text(score)} (n={score.n}){worth_text(score)} | {score.signature}"
        yield from (f"  {line}" for line in _worth_lines(score))
    yield ""
    yield counts_text(counts)
    if by_category:
        yield ""
        yield from category_lines(metrics, by_category)


def worth_text(score: MetricScore) -> str:
    """What must stand next to the number itself, each part after a comma."""
    return "".join(f", {part}" for part in worth_words(score))


def worth_words(score: MetricScore) -> list[str]:
    """Where the number is against its floor, that the references themselves reach little, that rows are few; nothing of a sound one."""
    parts = [_against_floor(score)]
    if score.ceiling is not None and score.higher_is_better and score.ceiling < LOW_CEILING * score.scale:
        parts.append(f"CEILING ONLY {number(score.ceiling, score.scale)}")
    width = score.high - score.low if score.low is not None and score.high is not None else 0.0
    if score.n < FEW_ROWS or width > WIDE * score.scale:
        parts.append("TOO FEW ROWS")
    return [part for part in parts if part]


def _against_floor(score: MetricScore) -> str:
    """An answer given without looking gets the floor; a score whose interval holds it shows no more than that."""
    if score.floor is None:
        return ""
    sign = 1.0 if score.higher_is_better else -1.0
    above, floor = sign * (score.value - score.floor), number(score.floor, score.scale)
    if above < 0:
        return f"BELOW ITS FLOOR {floor}"
    if above == 0:
        return f"AT ITS FLOOR {floor}"
    worst = score.low if score.higher_is_better else score.high
    return f"NOT CLEARLY ABOVE ITS FLOOR {floor}" if worst is not None and sign * (worst - score.floor) <= 0 else ""


def style_text(losses: Mapping[str, str]) -> str:
    """What the references themselves would lose as answers in another style: `article` is one more or one less, and so on."""
    return "the right answers lose " + ", ".join(f"{loss} {_STYLED[name]}" for name, loss in losses.items())


def interval_text(score: MetricScore) -> str:
    """`71.40 ± 1.90`, or `0.800 [0.376, 0.964]` where the interval is not symmetric."""
    value = number(score.value, score.scale)
    if score.low is None or score.high is None:
        return f"{value} (no interval)"
    below, above = score.value - score.low, score.high - score.value
    if abs(below - above) <= 1e-9 * score.scale:
        return f"{value} ± {number(above, score.scale)}"
    return f"{value} [{number(score.low, score.scale)}, {number(score.high, score.scale)}]"


def number(value: float, scale: float) -> str:
    """Two decimals on a scale of 100, four on a scale of 1."""
    text = f"{value:.{2 if scale >= 100 else 3 if scale >= 10 else 4}f}"
    return text.lstrip("-") if not text.strip("-0.") else text


def counts_text(counts: RowCounts) -> str:
    """`258 rows: 255 scored (1 empty, 2 truncated), 3 errors, 0 missing`."""
    inside = [f"{n:,} {word}" for n, word in ((counts.empty, "empty"), (counts.truncated, "truncated"), (counts.refused, "refused")) if n]
    text = f"{counted(counts.total, 'row')}: {counts.scored:,} scored" + (f" ({', '.join(inside)})" if inside else "")
    text += f", {counted(counts.error, 'error')}, {counts.missing:,} missing"
    for n, word in ((counts.duplicate, "duplicate"), (counts.extra, "extra")):
        if n:
            text += f", {n:,} {word}"
    return text


def category_lines(metrics: Mapping[str, MetricScore], by_category: Mapping[str, Mapping[str, ScorePart]]) -> Iterator[str]:
    """A table of categories, the largest first."""
    names = list(metrics)
    rows = sorted(by_category.items(), key=lambda item: (-max(part.n for part in item[1].values()), item[0]))
    width = max([len("category"), *(min(len(category), 32) for category, _ in rows[:MAX_CATEGORIES])])
    yield f"{'category':<{width}}  {'n':>6}  " + "  ".join(f"{name:>{max(8, len(name))}}" for name in names)
    for category, parts in rows[:MAX_CATEGORIES]:
        n = max(part.n for part in parts.values())
        cells = [
            f"{number(parts[name].value, metrics[name].scale):>{max(8, len(name))}}" if name in parts else " " * max(8, len(name))
            for name in names
        ]
        yield f"{cut(category, 32):<{width}}  {n:>6}  " + "  ".join(cells)
    if len(rows) > MAX_CATEGORIES:
        yield f"... and {len(rows) - MAX_CATEGORIES:,} more categories (--json has all)"


def explain_lines(explanation: Explanation) -> Iterator[str]:
    """The score under all profiles, and the records that flip."""
    for name, values in explanation.values.items():
        yield f"{name} by profile: " + ", ".join(f"{profile} {value:.4f}" for profile, value in values.items())
        if name in explanation.flipped:
            yield f"  {explanation.flipped[name]:,} records do not score the same under all of them"
    for flip in explanation.flips[:20]:
        values_text = ", ".join(f"{profile} {'dropped' if value is None else f'{value:.2f}'}" for profile, value in flip.values.items())
        references = " | ".join(cut(reference, 30) for reference in flip.references[:3])
        yield f"  {cut(flip.id, 64)}: {cut(flip.prediction or '', 40)!r} for {references!r}: {values_text}"
    if len(explanation.flips) > 20:
        yield f"  ... (--json has {len(explanation.flips)} of them)"


def cut(text: str, length: int = _CUT) -> str:
    """The text on one line, cut."""
    flat = " ".join(text[: length * 4].split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"


def _worth_lines(score: MetricScore) -> Iterator[str]:
    def show(value: float) -> str:
        return number(value, score.scale)

    parts: list[str] = []
    if score.ceiling is not None:
        parts.append(f"ceiling {show(score.ceiling)}")
    if score.floors is not None and score.floor is not None:
        floors = [f"constant {cut(score.floors.constant_answer, 24)!r} {show(score.floors.constant)}"]
        if score.floors.category is not None:
            floors.append(f"commonest of the category {show(score.floors.category)}")
        if score.floors.shuffled is not None:
            floors.append(f"another row's answer {show(score.floors.shuffled)}")
        parts.append(f"floor {show(score.floor)} ({', '.join(floors)})")
    if parts:
        yield " · ".join(parts)
    if any(abs(loss) > 1e-9 for loss in score.style.values()):
        yield style_text({name: show(loss) for name, loss in score.style.items()})
    if score.by_kind:
        kinds = [f"{kind} {show(part.value)} (n={part.n})" for kind, part in score.by_kind.items()]
        yield ", ".join([*kinds, f"overall {show(score.value)} (n={score.n})"])
    if score.parts:
        yield ", ".join(f"{name} {show(value)}" for name, value in score.parts.items())
    if score.n_answered is not None:
        without = "no row is left" if score.value_answered is None else f"{show(score.value_answered)} (n={score.n_answered})"
        worst = "0" if score.higher_is_better else "the worst"
        lost = score.n - score.n_answered
        yield f"{counted(lost, 'row')} without an answer {'counts' if lost == 1 else 'count'} as {worst}; without them {without}"
    if score.n_upstream is not None and score.value_upstream is not None:
        lost = score.n - score.n_upstream
        yield f"{score.profile} itself drops {lost:,} rows and prints {show(score.value_upstream)} (n={score.n_upstream})"
    if score.unparsed and not score.notes:
        yield f"{counted(score.unparsed, 'answer')} could not be read by this metric: counted as wrong"
    yield from (f"note: {note}" for note in score.notes)


def table_lines(table: Sequence[tuple[str, tuple[str, ...]]], formats: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Which metric each profile defines, and the formats that are read."""
    width = max(len(name) for name, _ in table)
    yield f"{'metric':<{width}}  profiles"
    for name, defining in table:
        yield f"{name:<{width}}  {', '.join(defining)}"
    yield ""
    width = max(len(name) for name, _ in formats)
    yield f"{'format':<{width}}  what it is"
    for name, title in formats:
        yield f"{name:<{width}}  {title}"
