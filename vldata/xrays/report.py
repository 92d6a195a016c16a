"""An X-ray as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from vldata.web.visible import visible
from vldata.xrays.views import RowView, View, XrayDocument, XrayRecord


def xray_lines(seen: XrayDocument) -> Iterator[str]:
    """Every record with each view below it, then what differs first by trainer."""
    for record in seen.records:
        yield from _record_lines(record)
    yield ""
    for run in seen.consumers:
        versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
        yield f"{run.title}: {_verdict(seen, run.name) if not run.error else f'not asked: {visible(run.error)}'}"
        if versions:
            yield f"  {versions}"
        yield from (f"  {visible(sentence)}" for sentence in run.said)


def _record_lines(record: XrayRecord) -> Iterator[str]:
    yield f"row {record.row}  {visible(record.id)}"
    if record.note:
        yield f"  ours: {visible(record.note)}"
    if record.predicted is not None:
        vision = ", ".join(f"{tokens:,}" for tokens in record.predicted.vision) or "none"
        whole = f"{record.predicted.tokens:,} tokens, " if record.predicted.tokens else ""
        yield f"  predicted: {whole}vision {vision}"
    for view in record.views:
        yield f"  {view.consumer}: {told(view)}"
        for divergence in view.divergences:
            mark = "~" if divergence.harmless else "!"
            yield f"    {mark} {divergence.kind}: {visible(divergence.detail)}"


def told(view: View) -> str:
    """What a view is, in a line: tokens, what is learned, the images seen, marks of time."""
    made: RowView = view.made
    if made.stage and not made.ids:
        if view.consumer == "ours":
            return "none" if "not converted" in made.message else f"none: {visible(made.message)}"
        return "dropped" if made.stage == "dropped" else "stopped"
    parts = [f"{len(made.ids):,} tokens"]
    if made.labels is not None:
        parts.append(f"{sum(label != -100 for label in made.labels):,} learned")
    sizes = [image.size + (f" x{image.grid[0]}" if image.kind == "video" else "") for image in made.images]
    if sizes:
        parts.append(f"sees {', '.join(sizes[:6])}{' ...' if len(sizes) > 6 else ''}")
    if made.positions and made.positions[0]:
        parts.append(f"positions to {max(map(max, made.positions)):,}")
    if view.seconds:
        parts.append(f"at {', '.join(f'{one:.1f}' for one in view.seconds[:4])}{' ...' if len(view.seconds) > 4 else ''} s")
    return ", ".join(parts)


def _verdict(seen: XrayDocument, name: str) -> str:
    views = [(record.row, view) for record in seen.records for view in record.views if view.consumer == name]
    lost = [str(row) for row, view in views if name == "ours" and view.made.stage]
    missing = f"no sample of row {', '.join(lost)}" if lost else ""
    first = next(run.first for run in seen.consumers if run.name == name)
    if first is None:
        return missing or "no divergence"
    said = f"{first.divergence.kind}: {visible(first.divergence.detail)}"
    said = f"no divergence but {said}" if first.divergence.harmless else f"first divergence in row {first.row}: {said}"
    return "; ".join(filter(None, (missing, said)))
