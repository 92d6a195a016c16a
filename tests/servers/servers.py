"""The servers that can be asked: how each is installed, started and addressed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.process import running

HERE = Path(__file__).parent
MARKER = "<__picture_of_the_fake__>"


@dataclass(frozen=True)
class Place:
    """Where a run works: its folder, the venvs, the merged model, our own programs, the first port."""

    work: Path
    venvs: Path
    model: Path
    bin: Path
    port: int


@dataclass(frozen=True)
class Server:
    """One server. `same_pixels`: it shows the model our pictures as they are, so that prompts and words must be equal."""

    setup: Path
    venv: str
    backend: str
    start: Callable[[Place], AbstractContextManager[str]]
    model: Callable[[Place], str] = lambda place: "tiny"
    same_pixels: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)


OFFLINE = {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1"}
VLLM = {**OFFLINE, "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "WARNING"}
VLLM_OPTIONS = ["--dtype", "float32", "--enforce-eager", "--max-model-len", "2048", "--max-num-seqs", "8"]
VLLM_OPTIONS += ["--limit-mm-per-prompt", '{"image":2,"video":0}', "--generation-config", "vllm"]


@contextmanager
def start_vllm(place: Place) -> Iterator[str]:
    """VLLM's own server on the CPU."""
    url = f"http://127.0.0.1:{place.port}"
    command = [str(place.venvs / "vllm/bin/vllm"), "serve", str(place.model), "--host", "127.0.0.1", "--port", str(place.port)]
    command += ["--served-model-name", "tiny", *VLLM_OPTIONS]
    with running(command, f"{url}/health", place.work / "vllm.log", VLLM):
        yield url


@contextmanager
def start_transformers(place: Place) -> Iterator[str]:
    """`transformers serve`."""
    port = place.port + 1
    url = f"http://127.0.0.1:{port}"
    (place.work / "hub").mkdir(exist_ok=True)
    command = [str(place.venvs / "tfserve/bin/transformers"), "serve", str(place.model), "--host", "127.0.0.1", "--port", str(port)]
    environment = {**OFFLINE, "HF_HUB_CACHE": str(place.work / "hub")}
    with running([*command, "--device", "cpu"], f"{url}/health", place.work / "transformers.log", environment):
        yield url


@contextmanager
def start_lmdeploy(place: Place) -> Iterator[str]:
    """LMDeploy's API server over another engine; its /health asks the engine, so it is waited for by its list of models."""
    port = place.port + 2
    url = f"http://127.0.0.1:{port}"
    command = [str(place.venvs / "lmdeploy/bin/python"), str(HERE / "lmdeploy_stub.py"), str(place.model), "serve", str(port)]
    with running(command, f"{url}/v1/models", place.work / "lmdeploy.log", OFFLINE):
        yield url


def _llama_server(place: Place, port: int, log: str, least_tokens: int) -> AbstractContextManager[None]:
    venv, gguf = place.venvs / "llama", place.work / "gguf"
    with (place.work / log).open("a") as out:
        make = [str(venv / "bin/python"), str(HERE / "make_gguf.py"), str(venv / "source"), str(place.model), str(gguf)]
        subprocess.run(make, stdout=out, stderr=subprocess.STDOUT, check=True)
    command = [str(venv / "build/bin/llama-server"), "-m", str(gguf / "model.gguf"), "--mmproj", str(gguf / "mmproj-model.gguf")]
    command += ["--host", "127.0.0.1", "--port", str(port), "--alias", "tiny", "--jinja", "-c", "16384", "-np", "2", "-t", "1"]
    command += ["--image-min-tokens", str(least_tokens), "--image-max-tokens", "4096"]
    return running(command, f"http://127.0.0.1:{port}/health", place.work / log, {"LLAMA_MEDIA_MARKER": MARKER})


@contextmanager
def start_llama(place: Place) -> Iterator[str]:
    """llama-server with the model in GGUF."""
    port = place.port + 3
    with _llama_server(place, port, "llama-server.log", 64):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def start_ollama(place: Place, least_tokens: int = 64) -> Iterator[str]:
    """Our fake of Ollama over a llama-server."""
    llama, port = place.port + 4, place.port + 5
    log = "ollama.log"
    command = [sys.executable, str(HERE / "ollama_fake.py"), str(port), f"http://127.0.0.1:{llama}", MARKER]
    url = f"http://127.0.0.1:{port}"
    with _llama_server(place, llama, log, least_tokens), running(command, f"{url}/api/version", place.work / log, {}):
        yield url


def start_ollama_enlarging(place: Place) -> AbstractContextManager[str]:
    """The fake over a llama-server started as Ollama starts it for Qwen-VL: no picture below 1,024 tokens."""
    return start_ollama(place, 1_024)


SERVERS = {
    "vllm": Server(HERE / "setup_vllm_cpu.sh", "vllm", "vllm", start_vllm, environment=VLLM),
    "transformers": Server(
        HERE / "setup_transformers_serve.sh", "tfserve", "transformers", start_transformers, model=lambda place: str(place.model)
    ),
    "lmdeploy": Server(HERE / "setup_lmdeploy.sh", "lmdeploy", "lmdeploy", start_lmdeploy, environment=OFFLINE),
    "llama-server": Server(HERE / "setup_llama_server.sh", "llama", "llama-server", start_llama),
    "ollama": Server(HERE / "setup_llama_server.sh", "llama", "ollama", start_ollama),
    "ollama-enlarging": Server(HERE / "setup_llama_server.sh", "llama", "ollama", start_ollama_enlarging, same_pixels=False),
}

# Backends in the process of `vleval`, in the venv of the server of that name: what its Python is given before our arguments.
OFFLINE_ENGINES: dict[str, Callable[[Place], list[str]]] = {
    "vllm": lambda place: ["-c", "from vleval.cli import main; main()"],
    "lmdeploy": lambda place: [str(HERE / "lmdeploy_stub.py"), str(place.model), "vleval"],
}
