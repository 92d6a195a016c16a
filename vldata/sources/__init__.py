"""Converters: one module a source. Each opens its annotations and yields drafts; the table says which function opens which.

A converter module has `open_source(source, *, ...)` that returns a Source, or several for a source of several datasets. Its keyword
arguments and their lines in the docstring become the options of `vldata convert NAME`. Other packages add converters by the entry
point group `vlkit.converters`.

Promises: annotations are read, never images. May import: `records`, `media`, `files`, and the root's small modules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points

from vldata.errors import UsageError
from vldata.records.draft import Source
from vldata.sources import chartqa, coco, cvat, images, jsonl, labelme, labelstudio, official, openeqa, sharegpt, voc, yolo

Opener = Callable[..., Source | Sequence[Source]]

CONVERTERS: dict[str, Opener] = {
    "openeqa": openeqa.open_source,
    "chartqa": chartqa.open_source,
    "jsonl": jsonl.open_source,
    "sharegpt": sharegpt.open_source,
    "coco": coco.open_source,
    "yolo": yolo.open_source,
    "voc": voc.open_source,
    "labelme": labelme.open_source,
    "cvat": cvat.open_source,
    "label-studio": labelstudio.open_source,
    "images": images.open_source,
    "official": official.open_source,
}

ENTRY_POINTS = "vlkit.converters"


def converter_names() -> tuple[str, ...]:
    """Names of our converters and of those that installed packages add."""
    return (*CONVERTERS, *(point.name for point in entry_points(group=ENTRY_POINTS) if point.name not in CONVERTERS))


def load_converter(name: str) -> Opener:
    """Return `open_source` of a converter.

    Raises:
        UsageError: there is none of that name, or the package that brings it cannot be imported.
    """
    if name in CONVERTERS:
        return CONVERTERS[name]
    for point in entry_points(group=ENTRY_POINTS):
        if point.name == name:
            try:
                opener: Opener = point.load()
            except Exception as error:  # a foreign package may fail in any way; it costs itself alone
                raise UsageError(
                    f"the converter {name!r} of {point.value} cannot be imported: {error}.", cure="Repair its package."
                ) from None
            return opener
    raise UsageError(f"no converter {name!r}.", cure=f"Known are {', '.join(converter_names())}.")
