"""A comparison of backends as the page of an X-ray: the same view of a record, with servers in the trainers' place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from vldata.datasets.dataset import Dataset
from vldata.records.record import IMAGE_TAG
from vldata.xrays.page import page_text
from vldata.xrays.text import Tokens
from vldata.xrays.views import SCHEMA, ConsumerRun, Divergence, First, Predicted, RowView, Span, View, XrayDocument, XrayRecord
from vldata.xrays.views import Seen as SeenImage
from vleval.crosscheck.run import ComparedRecord, Parity, SeenRecord
from vleval.crosscheck.text import answer_of, told_of
from vleval.crosscheck.views import Expected
from vleval.inference.ask import iter_asks

_OURS = "ours"
_PATCH = 16
_FOOT = "Images are small copies of the files that were sent; what a server made of them it tells by its tokens alone."


def parity_page(parity: Parity, dataset: Dataset, folder: Path | None, work: Path) -> str:
    """Return the page; pictures are copied into `work`. `folder` is the model folder that tells what is expected, None without one."""
    tokens = Tokens(folder) if folder else None
    lines: dict[tuple[str, int], str] = {}
    asks = list(iter_asks(dataset, len(parity.backends[0].seen)))
    sizes = {line.path: (line.width, line.height) for line in dataset.media()}
    records = []
    for number, ask in enumerate(asks):
        row, expected = number + 1, parity.rendered.get(ask.id)
        images = []
        for place, (name, path) in enumerate(zip(ask.image_names, ask.images, strict=True)):
            file = work / _OURS / f"{row}-{place}{Path(name).suffix}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(path.read())
            width, height = sizes[name]
            images.append(SeenImage(kind="image", grid=(1, height // _PATCH, width // _PATCH), files=(file.name,)))
        made = RowView(row=row, ids=expected.ids if expected else (), images=tuple(images))
        views = [View(consumer=_OURS, made=made, spans=_spans(expected.ids, expected.prompt, tokens) if expected else ())]
        lines[_OURS, row] = (
            f"{len(made.ids):,} tokens by our rendering" if expected else "not rendered: --rendering FOLDER says what is expected"
        )
        for backend in parity.backends:
            seen = backend.seen[number]
            views.append(_view(backend, seen, row, tokens))
            lines[backend.label, row] = _line(seen, expected)
        predicted = Predicted(len(expected.ids), expected.pictures) if expected else None
        records.append(XrayRecord(row, ask.id, tuple(views), predicted))
    runs = (ConsumerRun(name=_OURS, title=_OURS), *(_run(backend, tuple(records)) for backend in parity.backends))
    document = XrayDocument(
        schema=SCHEMA, path=dataset.name, model=str(folder or "no model folder"), same=parity.same, consumers=runs, records=tuple(records)
    )
    return page_text(document, work, tell=lambda view: lines[view.consumer, view.made.row], foot=_FOOT)


def _view(backend: ComparedRecord, seen: SeenRecord, row: int, tokens: Tokens | None) -> View:
    reply = seen.reply
    found = (Divergence(seen.divergence.kind, seen.divergence.detail),) if seen.divergence else ()
    made = RowView(row=row, stage="load" if reply.error else "", message=reply.error, ids=reply.ids or ())
    return View(consumer=backend.label, made=made, spans=_spans(reply.ids or (), reply.prompt or "", tokens), divergences=found)


def _line(seen: SeenRecord, expected: Expected | None) -> str:
    return f"no answer: {seen.reply.error}" if seen.reply.error else f"{told_of(seen, expected)}; {answer_of(seen.reply)}"


def _spans(ids: tuple[int, ...], prompt: str, tokens: Tokens | None) -> tuple[Span, ...]:
    """Token ids as text with their runs of vision tokens; else the prompt, with a place for each image."""
    if ids and tokens is not None:
        return tokens.spans(RowView(row=0, ids=ids))
    return tuple(_places(prompt))


def _places(prompt: str) -> Iterator[Span]:
    for part in re.split(f"({re.escape(IMAGE_TAG)})", prompt):
        if part:
            yield Span(part, learned=False)


def _run(backend: ComparedRecord, records: tuple[XrayRecord, ...]) -> ConsumerRun:
    firsts = [First(record.row, view.first) for record in records for view in record.views if view.consumer == backend.label and view.first]
    probed = [f"{verdict.what}: {verdict.found}" for verdict in backend.verdicts]
    models = dict.fromkeys(seen.reply.model for seen in backend.seen if seen.reply.model)
    return ConsumerRun(name=backend.label, title=backend.label, said=(*models, *probed), first=firsts[0] if firsts else None)
