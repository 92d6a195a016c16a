"""Several answers a question: a run for each seed, in files of their own, then one file with a number at each answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from vldata.datasets.dataset import Dataset
from vldata.errors import UsageError
from vldata.files.durable import replace_atomic
from vldata.files.strictjson import iter_lines
from vleval.inference.ask import MOST_SEED
from vleval.inference.options import RunOptions
from vleval.inference.outputs import check_out
from vleval.inference.run import RunResult, predict


def check_samples(samples: int, options: RunOptions, *, batch: bool) -> None:
    """Hold a wish for several answers to make sense.

    Raises:
        UsageError: they would all be the same, or be sent where no seed goes.
    """
    if samples == 1:
        return
    sampler = options.sampler
    if sampler.temperature == 0:
        raise UsageError(f"--samples {samples}: greedy answers are all the same.", cure="Give --temperature, for example 0.7.")
    if sampler.seed is None or sampler.seed + samples - 1 > MOST_SEED or "seed" in sampler.left_out:
        raise UsageError(f"--samples {samples}: each needs a seed of its own.", cure="Give --seed 0, and do not --omit it.")
    if batch:
        raise UsageError("--samples asks a server, not a batch file.", cure="Write a batch file for each --seed.")


def predict_samples(samples: int) -> Callable[..., RunResult]:
    """A `predict` that asks `samples` times, with the seeds that follow the first.

    Each answer set is in `OUT.samples/`, with its journal: the same command goes on where it stopped, and one with more samples asks for
    those alone. `OUT` has the answers of a question next to each other, with their number under `sample`.
    """

    def run(dataset: Dataset, out: Path, options: RunOptions, **more: Any) -> RunResult:
        check_out(out)
        folder = out.with_name(out.name + ".samples")
        folder.mkdir(exist_ok=True)
        first = options.sampler.seed or 0
        parts: list[RunResult] = []
        for number in range(samples):
            sampler = msgspec.structs.replace(options.sampler, seed=first + number)
            changed = msgspec.structs.replace(options, sampler=sampler, preflight=options.preflight and not number)
            parts.append(predict(dataset, folder / f"{number}.jsonl", changed, **more))
        _interleave([part.out for part in parts], out)
        return msgspec.structs.replace(
            parts[0],
            out=out,
            first_error=next((part.first_error for part in parts if part.first_error), ""),
            **{name: sum(getattr(part, name) for part in parts) for name in _COUNTS},
        )

    return run


_COUNTS = ("total", "answered", "errors", "truncated", "unopened", "refused", "taken_over", "seconds")


def _interleave(parts: list[Path], out: Path) -> None:
    encode = msgspec.json.Encoder().encode
    with replace_atomic(out) as handle:
        for lines in zip(*(iter_lines(part) for part in parts), strict=True):
            for number, (_, line) in enumerate(lines):
                handle.write(encode({**msgspec.json.decode(line), "sample": number}) + b"\n")
