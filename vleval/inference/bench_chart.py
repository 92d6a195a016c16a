"""The chart of a bench: throughput and latency over requests in flight, as one SVG that opens anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from vleval.inference.bench import Level

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 360, 220, 56, 40


def draw_chart(levels: Sequence[Level]) -> str:
    """Draw four panels side by side: requests and tokens a second, time to the first token, time to the whole answer."""
    panels = (
        ("requests a second", {"": [level.requests_per_s for level in levels]}),
        ("tokens a second", {"": [level.tokens_per_s for level in levels]}),
        ("first token, ms", {p: [level.ttft_ms.get(p, 0.0) for level in levels] for p in ("p50", "p95")}),
        ("whole answer, ms", {p: [level.total_ms.get(p, 0.0) for level in levels] for p in ("p50", "p95")}),
    )
    labels = [str(level.concurrency) for level in levels]
    drawn = "".join(_panel(index, title, series, labels) for index, (title, series) in enumerate(panels))
    style = "text{font:12px system-ui,sans-serif;fill:#333}.t{font-weight:600}.g{stroke:#ddd}.a{stroke:#888}"
    width = _WIDTH * len(panels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT + 30}" viewBox="0 0 {width} {_HEIGHT + 30}">'
        f'<style>{style}</style><rect width="100%" height="100%" fill="#fff"/>{drawn}</svg>\n'
    )


def _panel(index: int, title: str, series: dict[str, list[float]], labels: Sequence[str]) -> str:
    left, top = index * _WIDTH + _LEFT, 30
    inner_width, inner_height = _WIDTH - _LEFT - 20, _HEIGHT - _BOTTOM - top + 20
    most = max((max(values, default=0.0) for values in series.values()), default=0.0) or 1.0
    step = inner_width / max(len(labels) - 1, 1)
    parts = [f'<text class="t" x="{left}" y="18">{escape(title)}</text>']
    for share in (0, 0.5, 1):
        y = top + inner_height * (1 - share)
        parts.append(f'<line class="g" x1="{left}" x2="{left + inner_width}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{most * share:,.4g}</text>')
    for place, label in enumerate(labels):
        parts.append(f'<text x="{left + place * step:.1f}" y="{top + inner_height + 18}" text-anchor="middle">{escape(label)}</text>')
    parts.append(f'<text x="{left + inner_width / 2:.1f}" y="{top + inner_height + 36}" text-anchor="middle">requests in flight</text>')
    for (name, values), colour in zip(series.items(), ("#2f5fc4", "#c4572f"), strict=False):
        points = [(left + place * step, top + inner_height * (1 - value / most)) for place, value in enumerate(values)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        if name:
            x, y = points[-1]
            parts.append(f'<text x="{x - 4:.1f}" y="{y - 7:.1f}" text-anchor="end" style="fill:{colour}">{escape(name)}</text>')
    return "".join(parts)
