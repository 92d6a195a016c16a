"""Any metric of Hugging Face `evaluate` as `evaluate:NAME`; extra [evaluate].

NAME is a folder or script on disk. A name of the hub downloads and runs code from there, so it needs `allow_remote_code`. The library
gives one number for the file: there is none per record and no interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vldata.errors import DataError, MissingExtraError, UsageError
from vleval.metric import Scorer, Scores
from vleval.metrics.base import answer, references
from vleval.metrics.options import MetricOptions
from vleval.rows import Row


def builder(name: str) -> Callable[[MetricOptions], Scorer]:
    """The builder of one metric of `evaluate`."""

    def build(options: MetricOptions) -> Scorer:
        module = _load(name, allow_remote_code=options.allow_remote_code)

        def score(rows: Sequence[Row]) -> Scores:
            results = _compute(module, name, rows)
            numbers = {key: float(value) for key, value in results.items() if isinstance(value, int | float | np.number)}
            if not numbers:
                raise DataError(f"evaluate:{name} gave no number, but {sorted(results)!r}.")
            head = name.rsplit("/", 1)[-1]
            value = numbers.get(head, next(iter(numbers.values())))
            return Scores(values=np.full(len(rows), np.nan), value=value, parts=numbers)

        return Scorer(score=score, signature=f"evaluate:{name}", kind="corpus")

    return build


def _load(name: str, *, allow_remote_code: bool) -> Any:
    on_disk = Path(name).exists()
    if not on_disk and not allow_remote_code:
        raise UsageError(
            f"no evaluate metric {name!r} on disk.",
            cure="Give the path of a metric's folder, or --allow-remote-code to download and run it from the hub.",
        )
    try:
        import evaluate
    except ImportError:
        raise MissingExtraError(f"evaluate:{name}", "evaluate") from None
    try:
        return evaluate.load(name)
    except (FileNotFoundError, ImportError, ConnectionError, ValueError) as error:
        raise UsageError(f"evaluate cannot load {name!r}: {error}.") from None


def _compute(module: Any, name: str, rows: Sequence[Row]) -> dict[str, Any]:
    predictions = [answer(row) or "" for row in rows]
    known = [list(references(row)) for row in rows]
    try:
        results = module.compute(predictions=predictions, references=known)
    except (ValueError, TypeError):  # many metrics take one reference, not a list
        results = module.compute(predictions=predictions, references=[some[0] for some in known])
    if not isinstance(results, dict):
        raise DataError(f"evaluate:{name} gave no result.")
    return results
