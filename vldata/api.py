"""The library call behind `vldata convert`."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from vldata.conversion import Conversion, ConvertOptions
from vldata.conversion import convert as convert_source
from vldata.converters import load_converter
from vldata.errors import UsageError
from vldata.suggest import nearest


def convert(converter: str, source: str | Path | None = None, **settings: Any) -> list[Conversion]:
    """Convert a source, as `vldata convert CONVERTER SOURCE` does.

    Args:
        converter: `openeqa`, `chartqa`, ... (see `vldata.converters.CONVERTERS`).
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
    options = ConvertOptions(**{name: value for name, value in settings.items() if name in shared})
    options = msgspec.structs.replace(options, out=Path(options.out))
    opened = open_source(Path(source) if source is not None else None, **{name: settings[name] for name in own if name in settings})
    sources = opened if isinstance(opened, Sequence) else [opened]
    return [convert_source(one, options) for one in sources]
