"""The sections of the HTML report: scores, comparison, categories, gallery, footer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from vldata.web.escaping import bdi, text
from vleval.comparison import Pair
from vleval.reports import svg
from vleval.reports.compare_text import needed_text, p_text, signed, slice_text
from vleval.reports.document import ReportDocument, SystemReport
from vleval.reports.gallery import VERDICTS
from vleval.reports.text import counts_text, cut, number, style_text, worth_words
from vleval.results import MetricScore

WORDS = {"right": "right", "partly": "partly right", "wrong": "wrong", "none": "no answer"}
MAX_CATEGORIES = 60


def scores_section(report: ReportDocument) -> Iterator[str]:
    """A card per metric with a line per system, then how all rows fared."""
    yield '<div class="scores">'
    yield from (_metric_card(name, report.systems) for name in report.systems[0].metrics)
    yield '</div><div class="card below">'
    for position, system in enumerate(report.systems):
        if len(report.systems) > 1:
            yield f'<div class="who">{_swatch(position)}{bdi(system.name)}</div>'
        legend = "".join(
            f'<span><span class="swatch v-{name}"></span>{WORDS[name]} {system.verdicts.get(name, 0):,}</span>' for name in VERDICTS
        )
        lead = next(iter(system.metrics))
        yield f'{svg.verdict_strip(system.verdicts)}<div class="legend">{legend}<span>by {text(lead)}</span></div>'
        yield f'<p class="small soft">{text(counts_text(system.counts))}.</p>'
    yield f'<p class="small soft">{text(report.systems[0].groups)}</p></div>'


def _metric_card(name: str, systems: Sequence[SystemReport]) -> str:
    lead = systems[0].metrics[name]
    many = len(systems) > 1
    lines = []
    for position, system in enumerate(systems):
        score = system.metrics[name]
        show = _on_scale(score)
        interval = f"95 % {show(score.low)} to {show(score.high)}" if score.low is not None and score.high is not None else "no interval"
        who = f'<div class="who">{_swatch(position)}{bdi(system.name)}</div>' if many else ""
        size = "mid" if many else "big"
        lines.append(f'{who}<p class="{size}">{show(score.value)} <small>{interval}</small></p>{svg.score_track(score, position)}')
        lines.append(f'<div class="ends"><span>0</span><span>{lead.scale:g}</span></div>')
        if worth := worth_words(score):
            lines.append("<p>" + " ".join(f'<span class="badge wrong">{text(word.lower())}</span>' for word in worth) + "</p>")
        lines += [f'<p class="own">{bdi(fact)}</p>' for fact in _own_facts(score)]
    listed = "".join(f"<dt>{bdi(term)}</dt><dd>{bdi(value)}</dd>" for term, value in _shared_facts(lead))
    direction = "" if lead.higher_is_better else " · lower is better"
    return (
        f'<article class="card"><div class="head"><h3>{text(name)}</h3><span class="small soft">n = {lead.n:,}{direction}</span></div>'
        f'{"".join(lines)}<dl class="facts">{listed}</dl></article>'
    )


def _swatch(position: int) -> str:
    return f'<span class="swatch s{position % 6}"></span>'


def _on_scale(score: MetricScore) -> Callable[[float], str]:
    return lambda value: number(value, score.scale)


def _shared_facts(score: MetricScore) -> Iterator[tuple[str, str]]:
    show = _on_scale(score)
    if score.ceiling is not None:
        yield "ceiling", f"{show(score.ceiling)} for the references themselves"
    if score.floors is not None and score.floor is not None:
        yield (
            "floor",
            f"{show(score.floor)} without looking; always “{cut(score.floors.constant_answer, 24)}” {show(score.floors.constant)}",
        )
    losses = {name: loss for name, loss in score.style.items() if abs(loss) > 1e-9}
    if losses:
        yield "style", style_text({name: show(loss) for name, loss in losses.items()})


def _own_facts(score: MetricScore) -> Iterator[str]:
    show = _on_scale(score)
    if score.by_kind:
        yield ", ".join(f"{kind} {show(part.value)} (n = {part.n:,})" for kind, part in score.by_kind.items())
    if score.parts:
        yield ", ".join(f"{name.replace('_', ' ')} {show(value)}" for name, value in score.parts.items())
    if score.n_answered is not None and score.value_answered is not None:
        yield f"{show(score.value_answered)} of those that were answered (n = {score.n_answered:,})"
    if score.n_upstream is not None and score.value_upstream is not None:
        yield f"{score.profile} itself drops rows and prints {show(score.value_upstream)} (n = {score.n_upstream:,})"
    if score.unparsed and not score.notes:
        yield f"{score.unparsed:,} answers could not be read and count as wrong"
    yield from score.notes


def pair_section(pair: Pair) -> str:
    """One pair: the differences next to zero."""
    rows = []
    for found in pair.differences.values():
        reach = max(abs(value) for value in (found.low, found.high, found.difference, 1e-12) if value is not None) * 1.08
        tone = {"better": "good", "worse": "bad"}.get(found.verdict, "open")
        interval = (
            "no interval"
            if found.low is None or found.high is None
            else f"{signed(found.low, found.scale)} to {signed(found.high, found.scale)}"
        )
        exact = f"; exact McNemar {p_text(found.mcnemar.p)}" if found.mcnemar else ""
        exact += " (item level)" if found.mcnemar and found.mcnemar.item_level else ""
        kinds = "".join(f"<br>{text(kind)}: {slice_text(part, found.scale)}" for kind, part in found.by_kind.items())
        rows.append(
            f"<div class='change'><h4>{text(found.metric)}</h4>"
            f"<p class='values'>{number(found.first, found.scale)} → {number(found.second, found.scale)}</p>"
            f"<div class='track-of'>{svg.difference_track(found.low, found.high, found.difference, reach, found.verdict)}</div>"
            f"<p class='by'>{signed(found.difference, found.scale)} <span class='small soft'>{interval}</span></p>"
            f"<p class='told'><span class='verdict {tone}'>{text(found.verdict)}</span> <span class='small soft'>"
            f"{p_text(found.p_holm)} after Holm{exact}; {found.wins:,} won, {found.losses:,} lost; "
            f"{needed_text(found)}{kinds}</span></p></div>"
        )
    clustered = f", clustered by {text(pair.groups)}" if pair.groups else ""
    return (
        f'<div class="card pair"><h3>{bdi(pair.second)} against {bdi(pair.first)}</h3>'
        f'<p class="small soft">{pair.n:,} rows{clustered}; before → after, the difference next to zero, 95 %</p>{"".join(rows)}</div>'
    )


def categories_section(report: ReportDocument) -> Iterator[str]:
    """A table of the first metric: one bar per system in each category."""
    lead = report.systems[0]
    name = next(iter(lead.metrics))
    scale = lead.metrics[name].scale
    ordered = sorted(lead.by_category.items(), key=lambda item: (-item[1][name].n, item[0]))
    yield '<div class="card scroll"><table class="bars"><thead><tr><th>category</th><th class="num">n</th>'
    yield f'<th>{text(name)}</th><th class="num"></th></tr></thead><tbody>'
    for category, parts in ordered[:MAX_CATEGORIES]:
        bars, values = [], []
        for position, system in enumerate(report.systems):
            part = system.by_category.get(category, {}).get(name)
            if part is not None:
                bars.append(svg.category_bar(part.value / scale, position))
                values.append(number(part.value, scale))
        yield (
            f"<tr><td>{bdi(category)}</td><td class='num'>{parts[name].n:,}</td><td class='wide'>{''.join(bars)}</td>"
            f"<td class='num'>{'<br>'.join(values)}</td></tr>"
        )
    yield "</tbody></table>"
    if len(ordered) > MAX_CATEGORIES:
        yield f'<p class="small soft">and {len(ordered) - MAX_CATEGORIES:,} smaller categories</p>'
    yield "</div>"


def gallery_section(report: ReportDocument) -> Iterator[str]:
    """The frame that the script fills."""
    yield f'<p class="small soft">{text(report.gallery.note)}</p>'
    yield '<div class="tools"><input type="search" id="search" placeholder="Search questions, references, answers" aria-label="Search">'
    yield "".join(f'<button type="button" data-verdict="{name}" aria-pressed="false">{WORDS[name]}</button>' for name in VERDICTS)
    if report.systems[0].by_category:
        yield '<select id="category" aria-label="Category"><option value="">all categories</option></select>'
    if len(report.systems) > 1:
        yield '<select id="system" aria-label="Whose verdict"></select><select id="order" aria-label="Order"></select>'
    yield '<span class="soft small" id="found"></span></div>'
    yield '<p class="small soft">Keys: / searches, j and k go to the next and the last row, 1 to 4 show a verdict alone, 0 all.</p>'
    yield '<div class="grid" id="grid"></div><p class="center"><button type="button" id="more" hidden>Show more</button></p>'
    yield "<noscript><p>The rows are drawn by a script inside this file, which is switched off here.</p></noscript>"


def footer_section(report: ReportDocument) -> Iterator[str]:
    """Every signature, and what was said aloud."""
    yield "<footer><p>How each number was made:</p><ul>"
    for system in report.systems:
        for name, score in system.metrics.items():
            yield f'<li>{bdi(system.name)}: <span class="mono">{text(name)} | {text(score.signature)}</span></li>'
    yield "</ul><ul>"
    for note in dict.fromkeys(note for system in report.systems for note in system.notes):
        yield f"<li>{bdi(note)}</li>"
    yield f"</ul><p>vlkit {text(report.version)}</p></footer>"
