"""The gallery as one HTML file: overview, tools, the records as embedded JSON, and after the script the pictures in blocks.

A browser draws the first records before it has read the pictures, and decodes only those that are looked at.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence

from vldata.previews.gather import Gathered
from vldata.previews.overview import overview_cards
from vldata.records.codes import CODES
from vldata.version import __version__
from vldata.web.escaping import bdi, embed, text
from vldata.web.page import page_parts, read_asset
from vldata.wording import counted

BLOCK = 48
"""Pictures a block."""


def gallery_parts(found: Gathered, thumbs: Sequence[bytes], notes: Sequence[str]) -> Iterator[str]:
    """Yield the page; `thumbs` are WebP files, which `found.pictures` number."""
    style, script = (read_asset("vldata.previews", name) for name in ("preview.css", "preview.js"))
    data = {"data": embed(_data(found, len(thumbs)))}
    return page_parts(found.name, _body(found, notes), style=style, script=script, data=data, late=_blocks(thumbs))


def _data(found: Gathered, thumbs: int) -> dict[str, object]:
    codes = {code for item in found.items for code, _ in item.findings}
    return {
        "items": found.items,
        "pictures": found.pictures,
        "facets": [facet.name for facet in found.overview.facets],
        "codes": {code: {"title": CODES[code].title, "cure": CODES[code].cure} for code in sorted(codes)},
        "about": "" if found.overview.text_counted else "about ",
        "block": BLOCK,
        "thumbs": thumbs,
    }


def _blocks(thumbs: Sequence[bytes]) -> Iterator[tuple[str, str]]:
    for number, start in enumerate(range(0, len(thumbs), BLOCK)):
        yield f"t{number}", embed([base64.b64encode(data).decode("ascii") for data in thumbs[start : start + BLOCK]])


def _body(found: Gathered, notes: Sequence[str]) -> Iterator[str]:
    overview, contract = found.overview, found.contract
    pixels = contract.pixels
    facts = [
        f"{counted(overview.records, 'record')}",
        f"{counted(overview.pictures, 'picture')}",
        f"from {text(contract.converter)}",
        f"{text(pixels.processor)}, up to {pixels.max_pixels:,} pixels",
    ]
    if overview.videos:
        facts.insert(2, f"{counted(overview.videos, 'video')}, shown by their first frame")
    if contract.split is not None:
        facts.append(f"{contract.split.side} side of {text(contract.split.parent)}, split by {text(contract.split.group_by)}")
    yield f'<header class="top"><h1>{bdi(found.name)}</h1><p class="sub">{" · ".join(facts)}</p>'
    for note in notes:
        yield f'<p class="note small">{bdi(note)}</p>'
    yield "</header><main>"
    yield from overview_cards(found)
    yield from _tools(found)
    yield '<div class="grid" id="grid"></div><p class="center"><button type="button" id="more" hidden>Show more</button></p>'
    yield '<dialog id="dialog" tabindex="-1" aria-label="Record"></dialog>'
    yield "<noscript><p>The records are drawn by a script inside this file, which is switched off here.</p></noscript></main>"
    made = f"{text(contract.name)} made by {text(contract.converter)} {text(contract.version)}, shown by vlkit {text(__version__)}"
    yield f"<footer><p>{made}. Pictures are small copies; the data hold them at full size.</p></footer>"


def _tools(found: Gathered) -> Iterator[str]:
    yield '<div class="tools"><input type="search" id="search" placeholder="Search texts, answers, ids" aria-label="Search">'
    for number, facet in enumerate(found.overview.facets):
        yield f'<select data-menu="{number}" aria-label="{text(facet.name)}"><option value="">{text(facet.name)}: all</option>'
        yield "".join(f'<option value="{text(value)}">{text(value)} ({count:,})</option>' for value, count in facet.values.items())
        yield "</select>"
    if found.overview.counts:
        yield '<select id="code" aria-label="Findings"><option value="">findings: all</option><option value="any">with a finding</option>'
        yield '<option value="none">without</option>'
        yield "".join(f'<option value="{code}">{code} ({count:,})</option>' for code, count in sorted(found.overview.counts.items()))
        yield "</select>"
    yield '<select id="order" aria-label="Order"><option value="">in order</option><option value="long">longest first</option>'
    yield '<option value="short">shortest first</option></select>'
    yield '<button type="button" id="clear" hidden>Clear</button><span class="soft small" id="found" role="status"></span></div>'
