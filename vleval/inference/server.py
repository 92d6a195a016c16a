"""A server as a backend: looked at with the first question, then asked over its wire."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from vldata.datasets.dataset import Dataset
from vldata.errors import UsageError
from vldata.media.pixels import vision_tokens
from vleval.inference.addresses import read_address
from vleval.inference.ask import Ask
from vleval.inference.backend import Backend, BackendKind, Keyed, Opening
from vleval.inference.client import Client, Endpoint, Outcome, run_client
from vleval.inference.engine_args import read_engine_args
from vleval.inference.offline import EngineBackend, Loader, load_engine, takes_offline
from vleval.inference.options import RunOptions
from vleval.inference.preflight import announce, preflight
from vleval.inference.several import open_fleet
from vleval.inference.wire import Wire


class ServerBackend:
    """A server; `names` are those that its list gives the model."""

    def __init__(self, endpoint: Endpoint, wire: Wire, api_key: str) -> None:
        self.names: Sequence[str] = endpoint.accepted_models
        self._client = Client(endpoint, wire, api_key=api_key)

    def answer(self, asks: Iterable[Keyed], on_done: Callable[[Outcome], None]) -> None:
        """Ask everything, many requests at a time."""
        run_client(self._client, iter(asks), on_done)


def server(wire: Wire, url: str, *, engine: Loader | None = None) -> BackendKind:
    """Make the line of a server; with `engine` a model folder and no address run that engine in this process instead."""

    def here(options: RunOptions) -> bool:
        return engine is not None and takes_offline(options.model, options.addresses)

    def check(options: RunOptions) -> None:
        if here(options):
            read_engine_args(options.engine_args)
        elif options.engine_args:
            fault = "--engine-args are for an engine in this process, and this backend asks a server."
            raise UsageError(fault, cure="Give them where the server is started (vleval serve-cmd), or a model folder and no --base-url.")
        else:
            make_endpoints(options, wire, url)

    def open_backend(opening: Opening) -> Backend:
        options = opening.options
        if engine is not None and here(options):
            loaded = load_engine(engine, opening.dataset, options, opening.note)
            opening.note(f"Loaded {options.model} into {options.backend}, in this process.")
            return EngineBackend(loaded)
        endpoint, *others = make_endpoints(options, wire, url)
        expected = count_vision_tokens(opening.dataset, opening.first) if options.preflight else 0
        if others:
            return open_fleet(opening, [endpoint, *others], wire, expected)
        if options.preflight:
            seen = preflight(endpoint, wire, opening.first, expected, api_key=opening.api_key)
            announce(seen.checks, opening.note, strict=options.strict, blind=options.allow_blind)
            endpoint = msgspec.structs.replace(endpoint, accepted_models=seen.names)
        return ServerBackend(endpoint, wire, opening.api_key)

    return BackendKind(open=open_backend, check=check, wire=wire, url=url, in_process=here)


def make_endpoint(options: RunOptions, wire: Wire, url: str) -> Endpoint:
    """Build the endpoint of what asks one server alone; see `make_endpoints`.

    Raises:
        UsageError: likewise, or there are several addresses.
    """
    endpoint, *others = make_endpoints(options, wire, url)
    if others:
        raise UsageError("several addresses are given, and one server is looked at.", cure="Give one --base-url.")
    return endpoint


def make_endpoints(options: RunOptions, wire: Wire, url: str) -> list[Endpoint]:
    """Build the endpoints of a run; `url` is where the backend's server listens unless the options say otherwise.

    Raises:
        UsageError: an address is invalid or given twice, or an adapter is given, of which a server would not know.
    """
    if options.adapter:
        raise UsageError(
            f"the {options.backend} backend takes no adapter: a server answers by the models it lists.",
            cure="Load the adapter when the server is started and give --model its name there; or ask with --backend hf.",
        )
    endpoints: dict[str, Endpoint] = {}
    for given in options.addresses or (url,):
        address = read_address(given)
        base_url = wire.normalise_base_url(address.url)
        if base_url in endpoints:
            raise UsageError(f"{base_url} is given twice.", cure="Name each server once; --concurrency says how much each is given.")
        endpoints[base_url] = Endpoint(
            base_url=base_url,
            basic=address.basic,
            model=options.model,
            sampler=options.sampler,
            concurrency=options.concurrency,
            timeout_s=options.timeout_s,
            retries=options.retries,
        )
    return list(endpoints.values())


def count_vision_tokens(dataset: Dataset, ask: Ask) -> int:
    """Count the tokens of the images of an ask, delimiters included."""
    wanted = set(ask.image_names)
    cost: dict[str, int] = {}
    for line in dataset.media():
        if line.path in wanted:
            size = line.width, line.height
            cost[line.path] = vision_tokens(*size, processor=dataset.contract.pixels.processor, delimiters=True)
    return sum(cost[name] for name in ask.image_names)
