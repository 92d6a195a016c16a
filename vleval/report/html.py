r"""One self-contained HTML file: charts as inline SVG, rows as embedded JSON that a small script draws.

Nothing is fetched and nothing a model wrote can run: the page's policy allows no source but its own script and style, named by digest, and
pictures from `data:` URLs; text is escaped here and set as text nodes there; `<`, `>` and `&` are \u escapes inside the JSON.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from importlib.resources import files

from vleval.report.document import ReportDocument
from vleval.report.escaping import bdi, embed, text
from vleval.report.sections import categories_section, footer_section, gallery_section, pair_section, scores_section


def render_html(report: ReportDocument, thumbs: Mapping[str, str]) -> str:
    """The page; `thumbs` maps picture names to `data:` URLs."""
    style, script = (files("vleval.report").joinpath("assets", name).read_text("utf-8") for name in ("page.css", "page.js"))
    sources = f"img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    policy = f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'"
    body = "\n".join(_body(report))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{text(report.title)}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n"
        f'<script type="application/json" id="report-data">{embed(report)}</script>\n'
        f'<script type="application/json" id="report-thumbs">{embed(dict(thumbs))}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


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
