"""One self-contained HTML file: charts as inline SVG, rows as embedded JSON that a small script draws. `vldata.web.page` keeps it safe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vldata.web.escaping import bdi, embed, text
from vldata.web.page import page_parts, read_asset
from vleval.reports.document import ReportDocument
from vleval.reports.sections import categories_section, footer_section, gallery_section, pair_section, scores_section


def render_html(report: ReportDocument, thumbs: Mapping[str, str]) -> str:
    """The page; `thumbs` maps picture names to `data:` URLs."""
    style, script = (read_asset("vleval.reports", name) for name in ("page.css", "page.js"))
    data = {"report-data": embed(report), "report-thumbs": embed(dict(thumbs))}
    return "".join(page_parts(report.title, _body(report), style=style, script=script, data=data))


def _body(report: ReportDocument) -> Iterator[str]:
    yield f'<header class="top"><h1>{bdi(report.title)}</h1>'
    sources = ", ".join(bdi(system.source) for system in report.systems)
    yield f'<p class="sub">{sources} · profile {text(report.profile)} · {report.gallery.total:,} rows</p></header>'
    yield "<main>"
    yield "<h2>Scores</h2>"
    yield from scores_section(report)
    if report.comparison:
        yield "<h2>Is it a difference?</h2>"
        yield from (pair_section(pair) for pair in report.comparison)
    if report.systems[0].by_category:
        yield "<h2>By category</h2>"
        yield from categories_section(report)
    yield "<h2>Rows</h2>"
    yield from gallery_section(report)
    yield "</main>"
    yield from footer_section(report)
