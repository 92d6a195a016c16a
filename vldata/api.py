"""The library call behind `vldata convert`."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from vldata.conversion import Conversion
from vldata.conversion import convert as convert_source
from vldata.errors import UsageError
from vldata.output.options import ConvertOptions
from vldata.sources import load_converter
from vldata.suggest import nearest


def convert(converter: str, source: str | Path | None = None, **settings: Any) -> list[Conversion]:
    """Convert a source, as `vldata convert CONVERTER SOURCE` does.

    Args:
        converter: `openeqa`, `chartqa`, ... (see `vldata.sources.CONVERTERS`).
        source: folder or file; by default the working folder.
        settings: the command's options by their names: those of the converter's `open_source` and those of `ConvertOptions`.

    Returns:
        One result a dataset; a source of several splits makes several.

    Raises:
        UsageError: an option that neither knows; the message offers the nearest.
        DataError: see `vldata.conversion.convert`.
    """
    open_source = load_converter(converter)
    own = list(inspect.signature(open_source).parameters)[1:]
    shared = ConvertOptions.__struct_fields__
    for name in settings:
        if name not in own and name not in shared:
            raise UsageError(f"no option {name!r}.{nearest(name, (*own, *shared))}")
    declared = get_type_hints(ConvertOptions)
    options = ConvertOptions(**{name: _as_declared(name, value, declared[name]) for name, value in settings.items() if name in shared})
    first, *_ = inspect.signature(open_source).parameters.values()
    if source is None and first.default is inspect.Parameter.empty:
        raise UsageError(f"{converter} needs a source.", cure=f"Give a file or folder: vldata.convert({converter!r}, PATH).")
    hints = get_type_hints(open_source)
    given = {name: _as_declared(name, settings[name], hints[name]) for name in own if name in settings}
    opened = open_source(Path(source) if source is not None else None, **given)
    sources = opened if isinstance(opened, Sequence) else [opened]
    return [convert_source(one, options) for one in sources]


def _as_declared(name: str, value: Any, hint: Any) -> Any:
    """Take a path given as text, and refuse what the option cannot be."""
    try:
        return msgspec.convert(value, hint, dec_hook=_as_path)
    except msgspec.ValidationError as error:
        raise UsageError(f"{name}: {value!r} cannot be: {error}.") from None


def _as_path(wanted: type, value: Any) -> Any:
    if wanted is Path and isinstance(value, (str, Path)):
        return Path(value)
    raise TypeError(f"expected {'a path' if wanted is Path else wanted.__name__}, got {type(value).__name__}")
