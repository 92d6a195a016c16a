"""The ways of asking what is left of a run: a server, a model loaded into this process, or an engine loaded into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from vldata.datasets.dataset import Dataset
from vldata.media.pixels import vision_tokens
from vleval.inference.ask import Ask
from vleval.inference.client import Client, Outcome, run_client
from vleval.inference.offline import load_engine, run_engine, takes_offline
from vleval.inference.options import HF, RunOptions, find_wire, make_endpoint
from vleval.inference.preflight import announce, preflight


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is left to ask, and who is told. `first` is one of `left`, to look at the server with."""

    dataset: Dataset
    options: RunOptions
    first: Ask
    left: Iterator[tuple[str, Ask]]
    on_done: Callable[[Outcome], None]
    api_key: str
    note: Callable[[str], None]


def check_way(options: RunOptions) -> None:
    """Hold options to name a way of asking, before anything is opened.

    Raises:
        UsageError: there is no such backend, its address is none, or it takes no adapter.
    """
    if options.backend == HF:
        return
    wire = find_wire(options.backend)
    if not takes_offline(options.backend, options.model, options.base_url):
        make_endpoint(options, wire)


def ask_all(work: Work) -> Sequence[str]:
    """Ask in the way that the options call for; returns the names the model may answer under, none for one in this process."""
    options = work.options
    if options.backend == HF:
        return _ask_here(work)
    if takes_offline(options.backend, options.model, options.base_url):
        return _ask_engine(work)
    return _ask_server(work)


def count_vision_tokens(dataset: Dataset, ask: Ask) -> int:
    """Tokens we count for the pictures of an ask, delimiters included."""
    wanted = set(ask.image_names)
    cost: dict[str, int] = {}
    for line in dataset.media():
        if line.path in wanted:
            size = line.width, line.height
            cost[line.path] = vision_tokens(*size, processor=dataset.contract.pixels.processor, delimiters=True)
    return sum(cost[name] for name in ask.image_names)


def _ask_server(work: Work) -> Sequence[str]:
    options = work.options
    wire = find_wire(options.backend)
    endpoint = make_endpoint(options, wire)
    if options.preflight:
        seen = preflight(endpoint, wire, work.first, count_vision_tokens(work.dataset, work.first), api_key=work.api_key)
        announce(seen.checks, work.note, strict=options.strict)
        endpoint = msgspec.structs.replace(endpoint, accepted_models=seen.names)
    run_client(Client(endpoint, wire, api_key=work.api_key), work.left, work.on_done)
    return endpoint.accepted_models


def _ask_here(work: Work) -> Sequence[str]:
    from vleval.inference.hf import HfModel

    options = work.options
    model = HfModel(options.model, adapter=options.adapter, dtype=options.dtype, sampler=options.sampler)
    work.note(f"Loaded {options.model}{' with ' + options.adapter if options.adapter else ''} on {model.device}.")
    model.run(work.left, work.on_done)
    return ()


def _ask_engine(work: Work) -> Sequence[str]:
    options = work.options
    engine = load_engine(
        options.backend, work.dataset, model=options.model, adapter=options.adapter, dtype=options.dtype, sampler=options.sampler
    )
    work.note(f"Loaded {options.model} into {options.backend}, in this process.")
    run_engine(engine, work.left, work.on_done)
    return ()
