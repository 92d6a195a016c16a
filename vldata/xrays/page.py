"""An X-ray as one HTML file: each record, each trainer's sample next to ours, images as the model sees them, text with what is learned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from vldata.web.escaping import bdi, text
from vldata.web.page import page_parts, read_asset
from vldata.web.thumbs import BUDGET_BYTES, data_url, make_thumbnail
from vldata.wording import counted
from vldata.xrays.report import told
from vldata.xrays.views import ConsumerRun, Seen, Span, View, XrayDocument, XrayRecord

_SIDE = 440
_IMAGES = 16  # of one view
_FEW = 3  # images that are shown large
_TEXT = 6_000  # characters of one span


_FOOT = "Images are small copies of what each processor gave to the model."


def page_text(seen: XrayDocument, work: Path, *, tell: Callable[[View], str] = told, foot: str = _FOOT) -> str:
    """The page; image files are read from the folders of the consumers below `work`, `tell` says in a line what a view is."""
    style = read_asset("vldata.xrays", "xray.css")
    return "".join(page_parts(f"X-ray of {seen.path}", _body(seen, _Images(work), tell, foot), style=style, script="", data={}))


class _Images:
    """Small copies by `data:` URL, as many as one page may hold."""

    def __init__(self, work: Path) -> None:
        self._work, self._left = work, BUDGET_BYTES

    def url(self, consumer: str, name: str) -> str:
        """The URL of a file that a probe wrote; "" where there is none to show."""
        if self._left <= 0:
            return ""
        made = make_thumbnail(str(self._work / consumer / Path(name).name), side=_SIDE)
        if not isinstance(made, bytes):
            return ""
        self._left -= len(made)
        return data_url(made)


def _body(seen: XrayDocument, images: _Images, tell: Callable[[View], str], foot: str) -> Iterator[str]:
    trainers = ", ".join(text(run.title) for run in seen.consumers)
    yield f'<header class="top"><h1>X-ray of {bdi(seen.path)}</h1>'
    yield f'<p class="sub">{counted(len(seen.records), "record")} as {trainers} make them, with the tokenizer of {bdi(seen.model)}</p>'
    yield "".join(f'<p class="soft small">{bdi(sentence)}</p>' for sentence in seen.said)
    yield '<p class="legend"><span class="tokens">text</span><span class="tokens"><span class="learned">learned</span></span>'
    yield '<span class="tokens"><span class="vision">image 220</span></span>vision tokens</p></header><main>'
    for record in seen.records:
        yield from _record(record, seen, images, tell)
    yield "<h2>What they ran with</h2><table><tbody>"
    yield from map(_run, seen.consumers)
    yield "</tbody></table></main>"
    yield f"<footer><p>{text(foot)}</p></footer>"


def _record(record: XrayRecord, seen: XrayDocument, images: _Images, tell: Callable[[View], str]) -> Iterator[str]:
    yield f'<div class="row"><h2>row {record.row}</h2><span class="mono">{bdi(record.id)}</span>'
    if record.predicted is not None:
        vision = ", ".join(f"{tokens:,}" for tokens in record.predicted.vision) or "none"
        yield f'<span class="soft small">predicted: vision {vision}</span>'
    yield "</div>"
    if record.note:
        yield f'<p class="small">Ours: {bdi(record.note)}</p>'
    yield '<div class="views">'
    titles = {run.name: run.title for run in seen.consumers}
    for view in record.views:
        yield from _view(view, titles[view.consumer], images, tell(view))
    yield "</div>"


def _view(view: View, title: str, images: _Images, line: str) -> Iterator[str]:
    first = view.first
    kind = "good" if first is None else "part" if first.harmless else "bad"
    stopped = view.made.stage and view.consumer == "ours"
    word = "none" if stopped else "as ours" if first is None else first.kind
    yield f'<section class="card view"><h3>{text(title)} <span class="badge {"part" if stopped else kind}">'
    yield f"{text(word if view.consumer != 'ours' or stopped or first else 'ours')}</span></h3>"
    yield f'<p class="soft small">{text(line)}</p>'
    if view.divergences:
        items = (
            f"<li{' class=harmless' if one.harmless else ''}><b>{text(one.kind)}</b> {bdi(one.detail)}</li>" for one in view.divergences
        )
        yield f'<ul class="why">{"".join(items)}</ul>'
    yield from _seen(view, images)
    if view.spans:
        yield f'<div class="tokens" tabindex="0">{"".join(map(_span, view.spans))}</div>'
    yield "</section>"


def _seen(view: View, images: _Images) -> Iterator[str]:
    shown = [(seen, file) for seen in view.made.images for file in seen.files][:_IMAGES]
    if not shown:
        return
    seconds = iter(view.seconds)
    yield f'<div class="seen{" many" if len(shown) > _FEW else ""}">'
    for number, (seen, file) in enumerate(shown, 1):
        when = next(seconds, None) if seen.kind == "video" else None
        if url := images.url(view.consumer, file):
            yield f'<figure><img src="{url}" alt="{seen.kind} {number} as the model sees it">'
            yield f"<figcaption>{_size(seen)}{f', {when:.1f} s' if when is not None else ''}</figcaption></figure>"
    yield "</div>"


def _size(seen: Seen) -> str:
    return seen.size if seen.kind == "video" else f"{seen.size}, {seen.tokens:,} tokens"


def _span(span: Span) -> str:
    learned = " learned" if span.learned else ""
    if span.vision:
        return f'<span class="vision{learned}">{text(span.text)} {span.vision:,}</span>'
    shown = span.text if len(span.text) <= _TEXT else span.text[:_TEXT] + " ..."
    return f'<span class="learned">{text(shown)}</span>' if learned else text(shown)


def _run(run: ConsumerRun) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    settings = ", ".join(f"{key}={value}" for key, value in run.settings.items())
    said = f"not asked: {run.error}" if run.error else "; ".join(filter(None, (versions, settings, *run.said)))
    return f"<tr><th>{text(run.title)}</th><td>{bdi(said)}</td></tr>"
