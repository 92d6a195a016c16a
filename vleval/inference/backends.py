"""The backends: each name with what opens it. A further server of OpenAI's API is one line: `server(openai_wire, PORT)`."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from vldata.errors import UsageError
from vldata.models.serving import PORTS
from vldata.suggest import nearest
from vleval.inference import offline, ollama_wire, openai_wire
from vleval.inference.backend import Backend, BackendKind, Opening
from vleval.inference.hf import HfModel
from vleval.inference.options import RunOptions
from vleval.inference.server import server
from vleval.inference.wire import Wire

HF = "hf"
ENTRY_POINTS = "vlkit.backends"


def _open_hf(opening: Opening) -> Backend:
    options = opening.options
    model = HfModel(
        options.model, adapter=options.adapter, dtype=options.dtype, sampler=options.sampler, own_code=options.trust_remote_code
    )
    opening.note(f"Loaded {options.model}{' with ' + options.adapter if options.adapter else ''} on {model.device}.")
    return model


def _check_hf(options: RunOptions) -> None:
    if options.engine_args:
        raise UsageError("--engine-args are for vLLM's or LMDeploy's engine, not for the hf backend.", cure="Its type is set by --dtype.")


BACKENDS: dict[str, BackendKind] = {
    HF: BackendKind(open=_open_hf, check=_check_hf, in_process=lambda _: True),
    "openai": server(openai_wire, f"http://127.0.0.1:{PORTS['vllm']}/v1"),
    "vllm": server(openai_wire, f"http://127.0.0.1:{PORTS['vllm']}/v1", engine=offline.load_vllm),
    "lmdeploy": server(openai_wire, f"http://127.0.0.1:{PORTS['lmdeploy']}/v1", engine=offline.load_lmdeploy),
    "transformers": server(openai_wire, f"http://127.0.0.1:{PORTS['transformers']}/v1"),
    "llama-server": server(openai_wire, f"http://127.0.0.1:{PORTS['llama-server']}/v1"),
    "ollama": server(ollama_wire, f"http://127.0.0.1:{PORTS['ollama']}"),
}


def backend_names() -> tuple[str, ...]:
    """Names of our backends and of those that installed packages add."""
    return (*BACKENDS, *(point.name for point in entry_points(group=ENTRY_POINTS) if point.name not in BACKENDS))


def find_backend(name: str) -> BackendKind:
    """Return a backend's line of the table.

    Raises:
        UsageError: there is no such backend, or the package that brings it cannot be imported.
    """
    if name in BACKENDS:
        return BACKENDS[name]
    for point in entry_points(group=ENTRY_POINTS):
        if point.name == name:
            return _from_package(point)
    known = backend_names()
    raise UsageError(f"no backend {name!r}.{nearest(name, known)}", cure=f"There are: {', '.join(known)}.")


def find_server(name: str) -> tuple[Wire, str]:
    """Return the wire of a backend and where its server listens.

    Raises:
        UsageError: there is no such backend, or it has no server.
    """
    kind = find_backend(name)
    if kind.wire is None:
        servers = ", ".join(known for known in BACKENDS if BACKENDS[known].wire is not None)
        raise UsageError(f"the {name} backend runs in this process: there is no server to ask.", cure=f"Servers: {servers}.")
    return kind.wire, kind.url


def check_backend(options: RunOptions) -> None:
    """Refuse options that their backend cannot work with, before anything is opened.

    Raises:
        UsageError: there is no such backend, its address is invalid, or it takes no adapter.
    """
    find_backend(options.backend).check(options)


def _from_package(point: EntryPoint) -> BackendKind:
    """Load a line that a package brings: a `BackendKind`, or a wire and the address its server listens at."""
    try:
        found: Any = point.load()
    except Exception as error:  # a foreign package may fail in any way; it costs itself alone
        fault = f"the backend {point.name!r} of {point.value} cannot be imported: {error}."
        raise UsageError(fault, cure="Repair its package, or remove it.") from None
    if isinstance(found, BackendKind):
        return found
    wire, url = found
    return server(wire, url)
