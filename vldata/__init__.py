"""Sources in, validated records out: images on the processor's grid, splits that do not leak.

```python
import vldata

vldata.convert("openeqa", "open-eqa/", frames=8, out="prepared")
for record in vldata.read("prepared/openeqa"):
    print(record.id, record.images)
```

Every command is a function here: it does all that the command does and returns a result with `ok`, `lines()` and `document()`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vldata.version import __version__ as __version__

if TYPE_CHECKING:
    from vldata.api.convert import convert
    from vldata.api.export import export
    from vldata.api.info import info
    from vldata.api.know import budget, doctor, stats
    from vldata.api.leaks import leaks
    from vldata.api.lint import lint
    from vldata.api.pii import pii
    from vldata.api.preview import preview
    from vldata.api.schema import schema
    from vldata.api.select import filter, mix, sample
    from vldata.api.split import certify, split
    from vldata.api.validate import validate
    from vldata.api.verify import verify
    from vldata.api.xray import xray
    from vldata.datasets.dataset import Dataset, read
    from vldata.datasets.dataset import Dataset as open
    from vldata.errors import DataError, UsageError, VlkitError
    from vldata.output.options import ConvertOptions
    from vldata.records.record import Message, Record

# Public name -> the module that holds it. Loaded at first use: importing the package does nothing.
_PUBLIC = {
    "ConvertOptions": "vldata.output.options",
    "DataError": "vldata.errors",
    "Dataset": "vldata.datasets.dataset",
    "Message": "vldata.records.record",
    "Record": "vldata.records.record",
    "UsageError": "vldata.errors",
    "VlkitError": "vldata.errors",
    "budget": "vldata.api.know",
    "certify": "vldata.api.split",
    "convert": "vldata.api.convert",
    "doctor": "vldata.api.know",
    "card": "vldata.api.card",
    "export": "vldata.api.export",
    "filter": "vldata.api.select",
    "info": "vldata.api.info",
    "leaks": "vldata.api.leaks",
    "lint": "vldata.api.lint",
    "mix": "vldata.api.select",
    "open": "vldata.datasets.dataset:Dataset",
    "pii": "vldata.api.pii",
    "preview": "vldata.api.preview",
    "read": "vldata.datasets.dataset",
    "sample": "vldata.api.select",
    "schema": "vldata.api.schema",
    "split": "vldata.api.split",
    "stats": "vldata.api.know",
    "validate": "vldata.api.validate",
    "verify": "vldata.api.verify",
    "xray": "vldata.api.xray",
}

__all__ = [
    "ConvertOptions",
    "DataError",
    "Dataset",
    "Message",
    "Record",
    "UsageError",
    "VlkitError",
    "budget",
    "card",
    "certify",
    "convert",
    "doctor",
    "export",
    "filter",
    "info",
    "leaks",
    "lint",
    "mix",
    "open",
    "pii",
    "preview",
    "read",
    "sample",
    "schema",
    "split",
    "stats",
    "validate",
    "verify",
    "xray",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'vldata' has no attribute {name!r}")
    module, _, attribute = _PUBLIC[name].partition(":")
    return getattr(import_module(module), attribute or name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
