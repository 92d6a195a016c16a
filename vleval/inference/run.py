"""One run: what is left to ask, asked; each outcome in the journal at once; the file in dataset order at the end."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from vldata.datasets.dataset import Dataset
from vldata.files.durable import replace_atomic
from vldata.files.lock import hold
from vleval.inference.ask import iter_asks, no_records
from vleval.inference.asking import Asking
from vleval.inference.backend import Opening
from vleval.inference.backends import check_backend, find_backend, find_server
from vleval.inference.document import Effort, write_run_document
from vleval.inference.journal import AnswerJournal
from vleval.inference.lines import taken_for_thought
from vleval.inference.options import RunOptions
from vleval.inference.outputs import check_out
from vleval.inference.preflight import Preflight, announce, preflight
from vleval.inference.sameness import find_differences
from vleval.inference.server import count_vision_tokens, make_endpoint
from vleval.inference.several import FleetBackend
from vleval.readers.failures import REFUSED, TRUNCATED


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to.

    Attributes:
        taken_over: answers that came from the journal of an earlier run.
        refused: replies that are a refusal, were stopped by a filter, or call a tool.
        unopened: answers that close a thought which they never opened; what stands before the mark is taken for it.
    """

    out: Path
    total: int
    answered: int
    errors: int
    truncated: int
    unopened: int
    refused: int
    taken_over: int
    first_error: str
    seconds: float


def check_server(dataset: Dataset, options: RunOptions, *, api_key: str = "") -> Preflight:
    """Look at the server with the first question of the dataset (`vleval ping`)."""
    wire, url = find_server(options.backend)
    ask = next(iter_asks(dataset), None)
    if ask is None:
        raise no_records(dataset)
    seen = preflight(make_endpoint(options, wire, url), wire, ask, count_vision_tokens(dataset, ask), api_key=api_key)
    found = find_differences(dataset, model=options.model, backend=options.backend)
    return msgspec.structs.replace(seen, checks=(*seen.checks, *found))


def predict(
    dataset: Dataset,
    out: Path,
    options: RunOptions,
    *,
    api_key: str = "",
    note: Callable[[str], None] = lambda _: None,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> RunResult:
    """Ask a model every question of a dataset and write one prediction line a record, in its order.

    What earlier runs of the same request have answered is taken from the journal `OUT.journal`; errors are asked again.

    Raises:
        UsageError: there is no such backend, it cannot be asked like this, or `out` is no place for a file; nothing was asked.
        DataError: there is nothing to ask, or something on this disk cannot be read or written.
        StopRun: the server refuses key, model or address; what was answered stays in the journal.
        KeyboardInterrupt: likewise; the same command goes on.
    """
    started = time.monotonic()
    check_out(out)
    check_backend(options)
    journal_path = out.with_name(out.name + ".journal")
    with hold(out.with_name(f".{out.name}.lock"), out.name), AnswerJournal(journal_path) as journal:
        asking = Asking(dataset, options, on_progress)
        asking.take_over(journal_path)
        if not asking.total:
            raise no_records(dataset)
        if asking.taken_over:
            note(f"{asking.taken_over:,} of {asking.total:,} answers are taken from {journal_path.name}.")
        left = asking.left()
        first = next(left, None)
        differences = find_differences(dataset, model=options.model, adapter=options.adapter, backend=options.backend)
        announce(differences, note, strict=options.strict)
        accepted: Sequence[str] = ()
        servers: dict[str, int] = {}
        if first is not None:
            opening = Opening(dataset=dataset, options=options, first=first[1], api_key=api_key, note=note)
            backend = find_backend(options.backend).open(opening)
            backend.answer(itertools.chain([first], left), lambda outcome: asking.settle(outcome, journal))
            accepted = backend.names
            servers = backend.served() if isinstance(backend, FleetBackend) else {}
        result, models = _write_predictions(asking, journal, out)
        names = accepted or models
        seconds = time.monotonic() - started
        write_run_document(
            out,
            dataset,
            options,
            answered_as=names,
            fingerprints=asking.fingerprints,
            differences=differences,
            effort=Effort(asking.total - asking.taken_over, seconds, servers),
        )
    return msgspec.structs.replace(result, seconds=seconds)


def _write_predictions(asking: Asking, journal: AnswerJournal, out: Path) -> tuple[RunResult, tuple[str, ...]]:
    """Write the file of predictions in one step, a line at a time; count what it holds, and name the models that answered."""
    errors = truncated = unopened = refused = 0
    models: dict[str, None] = {}
    first_error = ""
    encode = msgspec.json.Encoder().encode
    with replace_atomic(out) as handle:
        for prediction in asking.predictions(journal):
            handle.write(encode(prediction) + b"\n")
            truncated += prediction.finish_reason in TRUNCATED
            unopened += taken_for_thought(prediction)
            refused += prediction.finish_reason in (*REFUSED, "tool_calls")
            if prediction.model:
                models[prediction.model] = None
            if prediction.error is not None:
                errors += 1
                first_error = first_error or f"{prediction.id}: {prediction.error}"
    result = RunResult(
        out=out,
        total=asking.total,
        answered=asking.total - errors,
        errors=errors,
        truncated=truncated,
        unopened=unopened,
        refused=refused,
        taken_over=asking.taken_over,
        first_error=first_error,
        seconds=0.0,
    )
    return result, tuple(models)
