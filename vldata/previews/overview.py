"""The top of the gallery page: what the whole dataset holds, drawn as markup that is complete without the script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate

from vldata.output.tokens import LLAMAFACTORY_CUTOFF
from vldata.previews.gather import Facet, Gathered, Overview
from vldata.records.codes import CODES
from vldata.web.escaping import bdi, text

MAX_FACETS = 3
MAX_BARS = 8
_BINS = 30
_WIDTH, _HEIGHT = 600, 120


def overview_cards(found: Gathered) -> Iterator[str]:
    """Tokens, findings, and the first few keys with their values."""
    yield '<div class="cards">'
    yield _tokens_card(found.overview)
    yield _findings_card(found.overview)
    for facet in found.overview.facets[:MAX_FACETS]:
        yield _facet_card(facet)
    yield "</div>"


def _tokens_card(overview: Overview) -> str:
    tokens = overview.tokens
    fitting = sum(records for count, records in tokens.items() if count <= LLAMAFACTORY_CUTOFF)
    fit = "All fit" if fitting == overview.records else f"{fitting:,} of {overview.records:,} fit"
    total = overview.total
    but = " but for the marks of time of videos" if overview.videos else ""
    return (
        '<section class="card"><h3>Tokens a record</h3>'
        f"{_histogram(tokens)}"
        f'<p class="small soft">median {total.p50:,} · 95 % up to {total.p95:,} · longest {total.max:,}'
        f" · of them vision {overview.vision.p50:,} (median)</p>"
        f'<p class="small">{fit} cutoff_len {LLAMAFACTORY_CUTOFF:,}. '
        f'<span class="soft">Vision is exact{but}, text {"counted" if overview.text_counted else "estimated from above"}.</span></p>'
        "</section>"
    )


def bins_of(tokens: Mapping[int, int]) -> list[tuple[int, int, int]]:
    """Bins `(from, to, records)` over the range; both ends belong to their bin. A few far outliers share a last, wider bin.

    Args:
        tokens: how many records have each number of tokens.
    """
    if not tokens:
        return []
    ordered = sorted(tokens.items())
    total = sum(tokens.values())
    sums = accumulate(records for _, records in ordered)
    usual = next(value for (value, _), records in zip(ordered, sums, strict=True) if records >= -(-total * 99 // 100))
    low, high = ordered[0][0], ordered[-1][0]
    end = usual if high - low > 2 * (usual - low) else high
    step = max(1, -(-(end - low + 1) // _BINS))
    counts = [0] * ((end - low) // step + 1)
    for value, records in ordered:
        if value <= end:
            counts[(value - low) // step] += records
    bins = [(low + place * step, low + (place + 1) * step - 1, count) for place, count in enumerate(counts)]
    start, _, last = bins[-1]
    bins[-1] = (start, min(bins[-1][1], end), last)
    if end < high:
        bins.append((end + 1, high, total - sum(counts)))
    return bins


def _histogram(tokens: Mapping[int, int]) -> str:
    bins = bins_of(tokens)
    if not bins:
        return ""
    top = max(count for _, _, count in bins)
    wide = _WIDTH / len(bins)
    bars = []
    for place, (low, high, count) in enumerate(bins):
        height = max(2.0, count / top * _HEIGHT) if count else 0.0
        label = f"{count:,} records with {low:,} to {high:,} tokens"
        bars.append(
            f'<g class="bin" data-low="{low}" data-high="{high}" tabindex="0" role="button" aria-label="{label}"><title>{label}</title>'
            f'<rect class="hit" x="{place * wide:.1f}" y="0" width="{wide:.1f}" height="{_HEIGHT}"/>'
            f'<rect class="bar" x="{place * wide + 1:.1f}" y="{_HEIGHT - height:.1f}" width="{max(1.0, wide - 2):.1f}" '
            f'height="{height:.1f}" rx="2"/></g>'
            if count
            else ""
        )
    ends = f'<div class="ends"><span>{bins[0][0]:,}</span><span>{bins[-1][1]:,}</span></div>'
    return f'<svg class="histogram" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="group">{"".join(bars)}</svg>{ends}'


def _findings_card(overview: Overview) -> str:
    lines = ['<section class="card"><h3>Findings</h3>']
    if not overview.counts:
        lines.append('<p class="clean">None: every record and picture header keeps the rules.</p>')
    for code, count in sorted(overview.counts.items()):
        entry = CODES[code]
        lines.append(
            f'<button type="button" class="row bad" data-code="{code}" aria-pressed="false"><span>{code} {text(entry.title)}</span>'
            f'<b>{count:,}</b></button><p class="small soft">{text(entry.cure)}</p>'
        )
    for code, message in overview.folder_findings[:10]:
        lines.append(f'<p class="small">{code} {bdi(message)}</p>')
    if overview.rejects:
        total = sum(overview.rejects.values())
        named = ", ".join(f"{text(code)} {_title(code)} ({count:,})" for code, count in overview.rejects.items())
        lines.append(f'<p class="small soft">{total:,} left out by the conversion: {named}.</p>')
    return "".join(lines) + "</section>"


def _title(code: str) -> str:
    return text(CODES[code].title) if code in CODES else ""


def _facet_card(facet: Facet) -> str:
    top = max(facet.values.values())
    rows = [
        f'<button type="button" class="row" data-facet="{text(facet.name)}" data-value="{text(value)}" aria-pressed="false">'
        '<span class="fill"><svg viewBox="0 0 100 1" preserveAspectRatio="none">'
        f'<rect width="{count / top * 100:.1f}" height="1"/></svg></span>'
        f"<span>{bdi(value)}</span><b>{count:,}</b></button>"
        for value, count in list(facet.values.items())[:MAX_BARS]
    ]
    more = len(facet.values) - MAX_BARS
    tail = f'<p class="small soft">and {more:,} more, in the menu below</p>' if more > 0 else ""
    return f'<section class="card"><h3>{bdi(facet.name)}</h3>{"".join(rows)}{tail}</section>'
