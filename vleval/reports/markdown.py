"""The report as Markdown, for a pull request or a model card."""

from __future__ import annotations

from collections.abc import Iterator

from vldata.web.visible import visible
from vleval.reports.compare_text import difference_text, needed_text, p_text
from vleval.reports.document import ReportDocument
from vleval.reports.text import counts_text, cut, interval_text, number

_SHOWN = 20


def render_markdown(report: ReportDocument) -> str:
    """The scores, the comparison, the categories and some rows."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: ReportDocument) -> Iterator[str]:
    yield f"# {_cell(report.title)}"
    for system in report.systems:
        yield ""
        yield f"## {_cell(system.name)}"
        yield ""
        yield f"{counts_text(system.counts)}. {_cell(system.groups)}"
        yield ""
        yield "| metric | value | ceiling | floor | n |"
        yield "|---|---|---|---|---|"
        for name, score in system.metrics.items():
            ends = [number(value, score.scale) if value is not None else "" for value in (score.ceiling, score.floor)]
            yield f"| {name} | {interval_text(score)} | {ends[0]} | {ends[1]} | {score.n} |"
        yield ""
        for name, score in system.metrics.items():
            yield f"- `{name} | {score.signature}`"
        yield from _categories(report, system.name)
    yield from _comparison(report)
    yield from _rows(report)


def _categories(report: ReportDocument, name: str) -> Iterator[str]:
    system = next(system for system in report.systems if system.name == name)
    if not system.by_category:
        return
    metrics = list(system.metrics)
    yield ""
    yield "| category | n | " + " | ".join(metrics) + " |"
    yield "|---|---|" + "---|" * len(metrics)
    for category, parts in sorted(system.by_category.items(), key=lambda item: (-max(part.n for part in item[1].values()), item[0])):
        values = [number(parts[metric].value, system.metrics[metric].scale) if metric in parts else "" for metric in metrics]
        yield f"| {_cell(category)} | {max(part.n for part in parts.values())} | " + " | ".join(values) + " |"


def _comparison(report: ReportDocument) -> Iterator[str]:
    for pair in report.comparison:
        yield ""
        yield f"## {_cell(pair.second)} against {_cell(pair.first)}"
        yield ""
        yield "| metric | before | after | difference | p after Holm | verdict |"
        yield "|---|---|---|---|---|---|"
        for found in pair.differences.values():
            values = f"{number(found.first, found.scale)} | {number(found.second, found.scale)}"
            p = p_text(found.p_holm).removeprefix("p = ").removeprefix("p ")
            yield f"| {found.metric} | {values} | {difference_text(found)} | {p} | {found.verdict}; {needed_text(found)} |"


def _rows(report: ReportDocument) -> Iterator[str]:
    failed = [item for item in report.gallery.items if any(answer.verdict != "right" for answer in item.answers)]
    if not failed:
        return
    yield ""
    yield f"## Rows that are not all right (first {min(_SHOWN, len(failed))})"
    yield ""
    yield "| id | question | references | " + " | ".join(_cell(system.name) for system in report.systems) + " | why |"
    yield "|---|---|---|" + "---|" * (len(report.systems) + 1)
    for item in failed[:_SHOWN]:
        answers = " | ".join(_cell(answer.text) if answer.length else "(none)" for answer in item.answers)
        reason = next(answer.why for answer in item.answers if answer.verdict != "right")
        yield f"| {_cell(item.id)} | {_cell(item.question)} | {_cell(' / '.join(item.references))} | {answers} | {_cell(reason)} |"


def _cell(text: str) -> str:
    """Text from data inside a table: one line, cut, with everything that Markdown or HTML would act on made plain."""
    flat = visible(cut(text, 120))
    for character in "\\`*_[]()#|!~$":
        flat = flat.replace(character, "\\" + character)
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("://", ":\u200b//")
