"""What a run is told, and which backends there are: how a server is spoken to, and where it listens unless told otherwise."""

from __future__ import annotations

import msgspec

from vldata.errors import UsageError
from vldata.suggest import nearest
from vleval.predict import ollama_wire, openai_wire
from vleval.predict.ask import Sampler
from vleval.predict.client import Endpoint
from vleval.predict.wire import Wire

HF = "hf"  # in this process, without a wire
# Backend -> the wire it speaks and where its server listens.
BACKENDS: dict[str, tuple[Wire, str]] = {
    "openai": (openai_wire, "http://127.0.0.1:8000/v1"),
    "vllm": (openai_wire, "http://127.0.0.1:8000/v1"),
    "lmdeploy": (openai_wire, "http://127.0.0.1:23333/v1"),
    "transformers": (openai_wire, "http://127.0.0.1:8000/v1"),
    "llama-server": (openai_wire, "http://127.0.0.1:8080/v1"),
    "ollama": (ollama_wire, "http://127.0.0.1:11434"),
}


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


def find_wire(backend: str) -> Wire:
    """Return the wire of a backend.

    Raises:
        UsageError: there is no such backend, or it has no server.
    """
    if backend == HF:
        raise UsageError("the hf backend runs in this process: there is no server to ask.", cure=f"Servers: {', '.join(BACKENDS)}.")
    if backend not in BACKENDS:
        known = (HF, *BACKENDS)
        raise UsageError(f"no backend {backend!r}.{nearest(backend, known)}", cure=f"There are: {', '.join(known)}.")
    return BACKENDS[backend][0]


def make_endpoint(options: RunOptions, wire: Wire) -> Endpoint:
    """Build the endpoint of a run.

    Raises:
        UsageError: an adapter is given, of which a server would not know.
    """
    if options.adapter:
        raise UsageError(
            f"the {options.backend} backend takes no adapter: a server answers by the models it lists.",
            cure="Load the adapter when the server is started and give --model its name there; or ask with --backend hf.",
        )
    return Endpoint(
        base_url=wire.normalise_base_url(options.base_url or BACKENDS[options.backend][1]),
        model=options.model,
        sampler=options.sampler,
        concurrency=options.concurrency,
        timeout_s=options.timeout_s,
        retries=options.retries,
    )
