"""Latency and throughput of a model in this process: so many questions handed over at once, again and again."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

from vldata.errors import DataError
from vleval.inference.ask import Ask
from vleval.inference.backend import Backend
from vleval.inference.bench import Level, Run, level_of
from vleval.inference.bench_stream import Timing
from vleval.inference.client import Outcome
from vleval.inference.retry import Answer


def bench_engine(backend: Backend, asks: Sequence[Ask], run: Run) -> list[Level]:
    """Measure every level. An answer's time runs from when its questions were handed over; the first token is not seen.

    Raises:
        DataError: there is nothing to ask, or not one question was answered.
    """
    if not asks:
        raise DataError("there is nothing to ask.", cure="Name a dataset with records: --data DIR/NAME.")
    source = itertools.cycle(asks)
    if run.warmup:
        backend.answer([(str(n), next(source)) for n in range(run.warmup)], lambda _: None)
    levels = [_level(backend, source, level, run.requests or max(16, 8 * level)) for level in run.levels]
    if not any(level.requests > level.errors for level in levels):
        raise DataError(f"no question was answered; the first: {levels[0].first_error}")
    return levels


def _level(backend: Backend, source: itertools.cycle[Ask], level: int, requests: int) -> Level:
    outcomes: list[Timing | str] = []
    started = time.perf_counter()
    for first in range(0, requests, level):
        handed = time.perf_counter()

        def take(outcome: Outcome, handed: float = handed) -> None:
            took = time.perf_counter() - handed
            result = outcome.result
            outcomes.append(Timing(took, took, result.completion_tokens or 0) if isinstance(result, Answer) else result.reason)

        backend.answer([(str(n), next(source)) for n in range(min(level, requests - first))], take)
    return level_of(outcomes, time.perf_counter() - started, concurrency=level, streamed=False)
