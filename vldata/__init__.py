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

if TYPE_CHECKING:
    from vldata.api import convert
    from vldata.certification import certify
    from vldata.dataset import Dataset, read
    from vldata.dataset import Dataset as open
    from vldata.errors import DataError, UsageError, VlkitError
    from vldata.leaks import find_leaks
    from vldata.preview.make import make_preview
    from vldata.record import Message, Record
    from vldata.splitting import split
    from vldata.validation import validate

__version__ = "0.1.0"

# Public name -> where it lives. Loaded at first use: importing the package does nothing.
_PUBLIC = {
    "DataError": "vldata.errors:DataError",
    "Dataset": "vldata.dataset:Dataset",
    "Message": "vldata.record:Message",
    "Record": "vldata.record:Record",
    "UsageError": "vldata.errors:UsageError",
    "VlkitError": "vldata.errors:VlkitError",
    "certify": "vldata.certification:certify",
    "convert": "vldata.api:convert",
    "find_leaks": "vldata.leaks:find_leaks",
    "make_preview": "vldata.preview.make:make_preview",
    "open": "vldata.dataset:Dataset",
    "read": "vldata.dataset:read",
    "split": "vldata.splitting:split",
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
