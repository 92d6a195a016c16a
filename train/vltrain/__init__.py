"""A thin LoRA and QLoRA trainer over vldata's records.

```python
import vltrain

print(vltrain.plan("recipe.yaml").ok)
vltrain.sft("recipe.yaml")
```
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vltrain.api.certify import certify
    from vltrain.api.export import export
    from vltrain.api.merge import merge, quantize
    from vltrain.api.plan import plan
    from vltrain.api.sft import sft
    from vltrain.recipe import Recipe

# Public name -> the module that holds it. Loaded at first use: importing the package does nothing.
_PUBLIC = {
    "Recipe": "vltrain.recipe",
    "certify": "vltrain.api.certify",
    "export": "vltrain.api.export",
    "merge": "vltrain.api.merge",
    "plan": "vltrain.api.plan",
    "quantize": "vltrain.api.merge",
    "sft": "vltrain.api.sft",
}

__all__ = ["Recipe", "certify", "export", "merge", "plan", "quantize", "sft"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'vltrain' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
