"""Charts as inline SVG without a style attribute: positions in percent, so they fit any width; colours come from the page's classes."""

from __future__ import annotations

from vleval.results import MetricScore


def score_track(score: MetricScore, system: int) -> str:
    """A number on its scale: the floor's region, the ceiling's tick, the interval and the value in the system's colour."""

    def at(value: float) -> str:
        return _percent(value / score.scale)

    parts = ['<rect class="track" x="0" y="12" width="100%" height="8" rx="4"/>']
    if score.floor is not None and score.higher_is_better:
        parts.append(f'<rect class="floor" x="0" y="12" width="{at(score.floor)}" height="8" rx="4"/>')
    if score.ceiling is not None:
        parts.append(f'<line class="ceiling" x1="{at(score.ceiling)}" x2="{at(score.ceiling)}" y1="4" y2="28"/>')
    if score.low is not None and score.high is not None:
        parts.append(_bar(f"interval s{system % 6}", score.low / score.scale, score.high / score.scale, 10, 12))
    parts.append(f'<circle class="dot s{system % 6}" cx="{at(score.value)}" cy="16" r="6"/>')
    label = f"{score.value:.4g} on a scale of {score.scale:g}"
    return _svg("".join(parts), 32, label)


def difference_track(low: float | None, high: float | None, value: float, reach: float, verdict: str) -> str:
    """A difference next to zero; `reach` is the largest absolute end of all intervals in the chart."""

    def at(number: float) -> float:
        return (number / reach + 1) / 2 if reach else 0.5

    tone = {"better": "good", "worse": "bad"}.get(verdict, "open")
    parts = ['<line class="axis" x1="0" x2="100%" y1="16" y2="16"/>', '<line class="zero" x1="50%" x2="50%" y1="2" y2="30"/>']
    if low is not None and high is not None:
        parts.append(_bar(f"interval {tone}", at(low), at(high), 11, 10))
    parts.append(f'<circle class="dot {tone}" cx="{_percent(at(value))}" cy="16" r="6"/>')
    return _svg("".join(parts), 32, f"difference {value:+.4g}")


def category_bar(share: float, number: int) -> str:
    """A bar of a category; `number` is the system's place, which chooses its colour."""
    return _svg(
        '<rect class="track" x="0" y="3" width="100%" height="8" rx="4"/>'
        f'<rect class="bar s{number % 6}" x="0" y="3" width="{_percent(share)}" height="8" rx="4"/>',
        14,
        f"{share:.1%}",
    )


def verdict_strip(counts: dict[str, int]) -> str:
    """How all rows fared, as one strip."""
    total = sum(counts.values()) or 1
    parts, start = [], 0.0
    for name, count in counts.items():
        width = count / total
        if count:
            parts.append(f'<rect class="v-{name}" x="{_percent(start)}" y="0" width="{_percent(width)}" height="14"/>')
        start += width
    return _svg("".join(parts), 14, ", ".join(f"{name} {count}" for name, count in counts.items()), "strip")


def _bar(name: str, low: float, high: float, y: int, height: int) -> str:
    start, end = min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)
    return f'<rect class="{name}" x="{_percent(start)}" y="{y}" width="{_percent(max(end - start, 0.002))}" height="{height}" rx="3"/>'


def _percent(share: float) -> str:
    return f"{min(max(share, 0.0), 1.0) * 100:.3f}%"


def _svg(body: str, height: int, label: str, name: str = "chart") -> str:
    return f'<svg class="{name}" width="100%" height="{height}" role="img" aria-label="{label}">{body}</svg>'
