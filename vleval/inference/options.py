"""What a run is told, and which backends there are: how a server is spoken to, and where it listens unless told otherwise.

Other packages add backends by the entry point group `vlkit.backends`: a pair as in `BACKENDS`, a wire and an address.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from urllib.parse import urlsplit

import msgspec

from vldata.errors import UsageError
from vldata.suggest import nearest
from vleval.inference import ollama_wire, openai_wire
from vleval.inference.ask import Sampler
from vleval.inference.client import Endpoint
from vleval.inference.wire import Wire

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
ENTRY_POINTS = "vlkit.backends"


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


def backend_names() -> tuple[str, ...]:
    """Names of our backends and of those that installed packages add."""
    return (HF, *BACKENDS, *(point.name for point in entry_points(group=ENTRY_POINTS) if point.name not in (HF, *BACKENDS)))


def find_backend(backend: str) -> tuple[Wire, str]:
    """Return the wire of a backend and where its server listens.

    Raises:
        UsageError: there is no such backend, or it has no server.
    """
    if backend == HF:
        raise UsageError(
            "the hf backend runs in this process: there is no server to ask.", cure=f"Servers: {', '.join(backend_names()[1:])}."
        )
    if backend in BACKENDS:
        return BACKENDS[backend]
    for point in entry_points(group=ENTRY_POINTS):
        if point.name == backend:
            found: tuple[Wire, str] = point.load()
            return found
    known = backend_names()
    raise UsageError(f"no backend {backend!r}.{nearest(backend, known)}", cure=f"There are: {', '.join(known)}.")


def find_wire(backend: str) -> Wire:
    """Return the wire of a backend.

    Raises:
        UsageError: as `find_backend`.
    """
    return find_backend(backend)[0]


def check_url(url: str) -> str:
    """Return the address of a server as it was given.

    Raises:
        UsageError: it is none.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not set(url) & set(" \t\r\n")
    except ValueError:  # a port that is no number, brackets that do not close
        good = False
    if not good:
        raise UsageError(f"{url!r} is not the address of a server.", cure="Write it like this: http://127.0.0.1:8000/v1")
    return url


def make_endpoint(options: RunOptions, wire: Wire) -> Endpoint:
    """Build the endpoint of a run.

    Raises:
        UsageError: the address is none, or an adapter is given, of which a server would not know.
    """
    if options.adapter:
        raise UsageError(
            f"the {options.backend} backend takes no adapter: a server answers by the models it lists.",
            cure="Load the adapter when the server is started and give --model its name there; or ask with --backend hf.",
        )
    return Endpoint(
        base_url=wire.normalise_base_url(check_url(options.base_url or find_backend(options.backend)[1])),
        model=options.model,
        sampler=options.sampler,
        concurrency=options.concurrency,
        timeout_s=options.timeout_s,
        retries=options.retries,
    )
