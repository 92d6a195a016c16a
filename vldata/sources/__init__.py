"""Converters: one module a source. Each opens its annotations and yields drafts; the table says where each lives.

A converter module has `open_source(source, *, ...)` that returns a Source, or several for a source of several datasets. Its keyword
arguments and their lines in the docstring become the options of `vldata convert NAME`. Other packages add converters by the entry
point group `vlkit.converters`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import entry_points

from vldata.errors import UsageError
from vldata.records.draft import Source

CONVERTERS: dict[str, str] = {
    "openeqa": "vldata.sources.openeqa",
    "chartqa": "vldata.sources.chartqa",
    "jsonl": "vldata.sources.jsonl",
    "sharegpt": "vldata.sources.sharegpt",
}

Opener = Callable[..., Source | Sequence[Source]]
ENTRY_POINTS = "vlkit.converters"


def converter_names() -> tuple[str, ...]:
    """Names of our converters and of those that installed packages add."""
    return (*CONVERTERS, *(point.name for point in entry_points(group=ENTRY_POINTS) if point.name not in CONVERTERS))


def load_converter(name: str) -> Opener:
    """Return `open_source` of a converter.

    Raises:
        UsageError: there is none of that name.
    """
    if name in CONVERTERS:
        opener: Opener = import_module(CONVERTERS[name]).open_source
        return opener
    for point in entry_points(group=ENTRY_POINTS):
        if point.name == name:
            opener = point.load()
            return opener
    raise UsageError(f"no converter {name!r}.", cure=f"Known are {', '.join(converter_names())}.")
