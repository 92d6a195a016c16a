"""One run: what is left to ask, asked; each outcome in the journal at once; the file in dataset order at the end."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

import vldata
from vldata.dataset import Dataset
from vldata.durable import fsync_dir, open_durable, write_atomic
from vldata.errors import DataError, UsageError
from vldata.lock import hold
from vldata.models.fingerprint import fingerprint
from vldata.pixels import vision_tokens
from vldata.suggest import nearest
from vleval.predict.ask import Ask, Sampler, iter_asks
from vleval.predict.asking import Asking
from vleval.predict.client import Client, Endpoint, Outcome, StopRun
from vleval.predict.journal import Journal
from vleval.predict.preflight import Check, Preflight, preflight, require_good
from vleval.predict.sameness import find_differences

# Backend -> the wire it speaks and where its server listens unless told otherwise.
BACKENDS: dict[str, tuple[str, str]] = {
    "openai": ("vleval.predict.openai_wire", "http://127.0.0.1:8000/v1"),
    "vllm": ("vleval.predict.openai_wire", "http://127.0.0.1:8000/v1"),
    "lmdeploy": ("vleval.predict.openai_wire", "http://127.0.0.1:23333/v1"),
    "transformers": ("vleval.predict.openai_wire", "http://127.0.0.1:8000/v1"),
    "llama-server": ("vleval.predict.openai_wire", "http://127.0.0.1:8080/v1"),
    "ollama": ("vleval.predict.ollama_wire", "http://127.0.0.1:11434"),
}


HF = "hf"  # in this process, without a wire


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of a run; the command line's flags of the same names. `adapter` and `dtype` are for the hf backend."""

    backend: str
    model: str
    adapter: str = ""
    dtype: str = "auto"
    base_url: str = ""
    sampler: Sampler = Sampler()
    concurrency: int = 16
    timeout_s: float = 300.0
    retries: int = 5
    limit: int | None = None
    preflight: bool = True
    strict: bool = False


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to. `taken_over` answers came from the journal of an earlier run."""

    out: Path
    total: int
    answered: int
    errors: int
    truncated: int
    taken_over: int
    first_error: str
    seconds: float


def load_wire(backend: str) -> ModuleType:
    """Return the wire module of a backend.

    Raises:
        UsageError: there is no such backend, or it has no server.
    """
    if backend == HF:
        raise UsageError("the hf backend runs in this process: there is no server to ask.", cure=f"Servers: {', '.join(BACKENDS)}.")
    if backend not in BACKENDS:
        known = (HF, *BACKENDS)
        raise UsageError(f"no backend {backend!r}.{nearest(backend, known)}", cure=f"There are: {', '.join(known)}.")
    return import_module(BACKENDS[backend][0])


def make_endpoint(options: RunOptions, wire: ModuleType) -> Endpoint:
    """Build the endpoint of a run."""
    return Endpoint(
        base_url=wire.normalise_base_url(options.base_url or BACKENDS[options.backend][1]),
        model=options.model,
        sampler=options.sampler,
        concurrency=options.concurrency,
        timeout_s=options.timeout_s,
        retries=options.retries,
    )


def check_server(dataset: Dataset, options: RunOptions, *, api_key: str = "") -> Preflight:
    """Look at the server with the first question of the dataset (`vleval ping`)."""
    wire = load_wire(options.backend)
    ask = next(iter_asks(dataset), None)
    if ask is None:
        raise DataError("has no records.", where=dataset.name)
    seen = preflight(make_endpoint(options, wire), wire, ask, _vision_tokens(dataset, ask), api_key=api_key)
    return msgspec.structs.replace(seen, checks=(*seen.checks, *find_differences(dataset, model=options.model)))


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
        StopRun: the server refuses key, model or address; what was answered stays in the journal.
        KeyboardInterrupt: likewise; the same command goes on.
    """
    started = time.monotonic()
    journal_path = out.with_name(out.name + ".journal")
    with hold(out.with_name(f".{out.name}.lock"), out.name), Journal(journal_path) as journal:
        asking = Asking(dataset, options, on_progress)
        asking.take_over(journal_path)
        if asking.taken_over:
            note(f"{asking.taken_over:,} of {asking.total:,} answers are taken from {journal_path.name}.")
        left = asking.left()
        first = next(left, None)
        differences = find_differences(dataset, model=options.model, adapter=options.adapter)
        _tell(differences, options, note)
        accepted: Sequence[str] = ()
        if first is not None:
            ask_all = _ask_here if options.backend == HF else _ask_offline if _is_offline(options) else _ask_server
            accepted = ask_all(dataset, itertools.chain([first], left), first, options, api_key, note, lambda o: asking.settle(o, journal))
        result = _write_predictions(asking, journal, out)
    write_atomic(out.with_name(out.name + ".run.json"), _run_document(dataset, options, accepted, asking, differences))
    return msgspec.structs.replace(result, seconds=time.monotonic() - started)


def _tell(checks: Sequence[Check], options: RunOptions, note: Callable[[str], None]) -> None:
    """Warn of what does not hold; with --strict stop there."""
    for check in checks:
        if check.good is False:
            note(f"Warning: {check.name}: no; {check.detail}.")
    if options.strict:
        require_good(checks)


def _write_predictions(asking: Asking, journal: Journal, out: Path) -> RunResult:
    """Write the file of predictions in one step, a line at a time, and count what it holds."""
    beside = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    errors = truncated = 0
    first_error = ""
    encode = msgspec.json.Encoder().encode
    try:
        with open_durable(beside) as handle:
            for prediction in asking.predictions(journal):
                handle.write(encode(prediction) + b"\n")
                truncated += prediction.finish_reason == "length"
                if prediction.error is not None:
                    errors += 1
                    first_error = first_error or f"{prediction.id}: {prediction.error}"
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
    fsync_dir(out.parent)
    return RunResult(
        out=out,
        total=asking.total,
        answered=asking.total - errors,
        errors=errors,
        truncated=truncated,
        taken_over=asking.taken_over,
        first_error=first_error,
        seconds=0.0,
    )


def _ask_server(
    dataset: Dataset,
    left: Iterator[tuple[str, Ask]],
    first: tuple[str, Ask],
    options: RunOptions,
    api_key: str,
    note: Callable[[str], None],
    on_done: Callable[[Outcome], None],
) -> Sequence[str]:
    """Ask a server, after a look at it; returns the names it may answer under."""
    wire = load_wire(options.backend)
    endpoint = make_endpoint(options, wire)
    if options.preflight:
        seen = preflight(endpoint, wire, first[1], _vision_tokens(dataset, first[1]), api_key=api_key)
        _tell(seen.checks, options, note)
        endpoint = msgspec.structs.replace(endpoint, accepted_models=(endpoint.model, seen.model))
    _run_async(Client(endpoint, wire, api_key=api_key), left, on_done)
    return endpoint.accepted_models


def _ask_here(
    _dataset: Dataset,
    left: Iterator[tuple[str, Ask]],
    _first: tuple[str, Ask],
    options: RunOptions,
    _api_key: str,
    note: Callable[[str], None],
    on_done: Callable[[Outcome], None],
) -> Sequence[str]:
    """Ask a model loaded into this process."""
    from vleval.predict.hf import HfModel

    model = HfModel(options.model, adapter=options.adapter, dtype=options.dtype, sampler=options.sampler)
    note(f"Loaded {options.model}{' with ' + options.adapter if options.adapter else ''} on {model.device}.")
    model.run(left, on_done)
    return ()


def _is_offline(options: RunOptions) -> bool:
    from vleval.predict.offline import takes_offline

    return takes_offline(options.backend, options.model, options.base_url)


def _ask_offline(
    dataset: Dataset,
    left: Iterator[tuple[str, Ask]],
    _first: tuple[str, Ask],
    options: RunOptions,
    _api_key: str,
    note: Callable[[str], None],
    on_done: Callable[[Outcome], None],
) -> Sequence[str]:
    """Ask an engine loaded into this process."""
    from vleval.predict.offline import load_engine, run_engine

    sampler = options.sampler
    engine = load_engine(options.backend, dataset, model=options.model, adapter=options.adapter, dtype=options.dtype, sampler=sampler)
    note(f"Loaded {options.model} into {options.backend}, in this process.")
    run_engine(engine, left, on_done)
    return ()


def _run_async(client: Client, left: Iterator[tuple[str, Ask]], on_done: Callable[[Outcome], None]) -> None:
    """Run the client; SIGTERM ends it as Ctrl-C does. A group of errors is raised as its first cause."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
            loop.add_signal_handler(signal.SIGTERM, task.cancel)  # type: ignore[union-attr]
        await client.run(left, on_done)

    try:
        asyncio.run(main())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except BaseExceptionGroup as group:
        stops, others = group.split(StopRun)
        raise _first(stops if stops is not None else others) from None


def _first(group: BaseExceptionGroup[BaseException] | None) -> BaseException:
    error: BaseException | None = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert error is not None
    return error


def _vision_tokens(dataset: Dataset, ask: Ask) -> int:
    wanted = set(ask.image_names)
    cost: dict[str, int] = {}
    for line in dataset.media():
        if line.path in wanted:
            size = line.width, line.height
            cost[line.path] = vision_tokens(*size, processor=dataset.contract.pixels.processor, delimiters=True)
    return sum(cost[name] for name in ask.image_names)


def _run_document(dataset: Dataset, options: RunOptions, accepted: Sequence[str], asking: Asking, differences: Sequence[Check]) -> bytes:
    """How the predictions were made, beside them: without times or keys, so that equal runs differ in nothing."""
    document: dict[str, Any] = {
        "schema": "vlkit.run/1",
        "version": vldata.__version__,
        "backend": options.backend,
        "model": options.model,
        "adapter": options.adapter,
        "digests": {name: fingerprint(Path(name)) for name in (options.model, options.adapter) if name and Path(name).is_dir()},
        "sampler": options.sampler,
        "server_fingerprints": sorted(asking.fingerprints),
        "dataset": dataset.name,
        "dataset_files": dataset.contract.files,
        "pixels": dataset.contract.pixels,
        "prompt": dataset.contract.settings.get("prompt"),
        "answered_as": list(accepted),
        "differences": [check for check in differences if check.good is False],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
