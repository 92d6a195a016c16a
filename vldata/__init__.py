"""Sources in, validated records out: images on the processor's grid, splits that do not leak.

```python
import vldata

vldata.convert("openeqa", "open-eqa/", frames=8, out="prepared")
for record in vldata.read("prepared/openeqa"):
    print(record.id, record.images)
```
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vldata.version import __version__ as __version__

if TYPE_CHECKING:
    from vldata.api import convert
    from vldata.datasets.dataset import Dataset, read
    from vldata.datasets.dataset import Dataset as open
    from vldata.errors import DataError, UsageError, VlkitError
    from vldata.previews.make import make_preview
    from vldata.records.record import Message, Record
    from vldata.splits.certification import certify
    from vldata.splits.leaks import find_leaks
    from vldata.splits.splitting import split
    from vldata.validation import validate

# Public name -> where it lives. Loaded at first use: importing the package does nothing.
_PUBLIC = {
    "DataError": "vldata.errors:DataError",
    "Dataset": "vldata.datasets.dataset:Dataset",
    "Message": "vldata.records.record:Message",
    "Record": "vldata.records.record:Record",
    "UsageError": "vldata.errors:UsageError",
    "VlkitError": "vldata.errors:VlkitError",
    "certify": "vldata.splits.certification:certify",
    "convert": "vldata.api:convert",
    "find_leaks": "vldata.splits.leaks:find_leaks",
    "make_preview": "vldata.previews.make:make_preview",
    "open": "vldata.datasets.dataset:Dataset",
    "read": "vldata.datasets.dataset:read",
    "split": "vldata.splits.splitting:split",
    "validate": "vldata.validation:validate",
}

__all__ = [
    "DataError",
    "Dataset",
    "Message",
    "Record",
    "UsageError",
    "VlkitError",
    "certify",
    "convert",
    "find_leaks",
    "make_preview",
    "open",
    "read",
    "split",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'vldata' has no attribute {name!r}")
    module, attribute = _PUBLIC[name].split(":")
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
