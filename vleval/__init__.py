"""Predictions in, numbers that can be trusted out.

`from vleval import score` is the Python interface; nothing heavy is imported before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vleval.scoring import score as score

__all__ = ["score"]


def __getattr__(name: str) -> Any:
    if name == "score":
        from vleval.scoring import score

        return score
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
