"""What `compare` returns: the pairs, and the scores they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from vldata.jobs import JobResult
from vleval.comparison import Comparison
from vleval.reports.compare_text import comparison_lines
from vleval.score_result import ScoreResult


@dataclass(frozen=True, repr=False)
class Compared(JobResult):
    """A comparison with the scores it is made of."""

    comparison: Comparison
    results: tuple[ScoreResult, ...]
    names: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Yield every pair: the differences with what they are worth, then what was won and lost."""
        yield from comparison_lines(self.comparison)

    def document(self) -> dict[str, Any]:
        """Return the document that `vleval compare --json` prints."""
        document: dict[str, Any] = msgspec.to_builtins(self.comparison)
        document["systems"] = {name: result.document() for name, result in zip(self.names, self.results, strict=True)}
        return document
