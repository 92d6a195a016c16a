"""Launch lines of servers, with limits from what the data cost. Pure text: nothing is started.

Flags were tried on vLLM 0.32, LMDeploy 0.18 and transformers 5.23; llama-server's are those of its manual; the Modelfile's RENDERER and
PARSER are Ollama's own. What serves a family, and whether its processor takes limits of pixels, the family says. `vltrain export` and
`vleval serve-cmd` both print these lines.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Literal

import msgspec

from vldata.errors import UsageError
from vldata.models.families import DEFAULT, FAMILIES
from vldata.models.families.family import Family

Server = Literal["vllm", "lmdeploy", "ollama", "transformers", "llama-server"]
PORTS: dict[Server, int] = {"vllm": 8_000, "lmdeploy": 23_333, "ollama": 11_434, "transformers": 8_000, "llama-server": 8_080}
_ROUND = 1_024
_SLOTS = 4  # requests that llama-server works on at once; they share its context


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What requests may cost: tokens of the longest prompt, tokens to answer with, pictures a prompt, pixels a picture."""

    prompt_tokens: int
    answer_tokens: int = 512
    pictures: int = 1
    min_pixels: int = 65_536
    max_pixels: int = 589_824

    @property
    def context(self) -> int:
        """The context that holds prompt and answer, in whole thousands of 1,024."""
        return -(-(self.prompt_tokens + self.answer_tokens) // _ROUND) * _ROUND


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """How a server is reached.

    Attributes:
        host: the address it listens on; this machine alone unless told otherwise.
        port: 0 for the server's usual one.
        name: what the model goes by; "" for the name of its folder.
        key: whether requests need the key in the environment variable VLEVAL_API_KEY, without which the server does not start.
        adapter: a LoRA adapter that is served next to the model, under the name of its folder.
        rank: of the adapter.
        thinking: what the switch of the chat template is set to; None leaves it as the template has it.
    """

    host: str = "127.0.0.1"
    port: int = 0
    name: str = ""
    key: bool = True
    adapter: str = ""
    rank: int = 0
    thinking: bool | None = None


HERE = Exposure()
_KEY = '"${VLEVAL_API_KEY:?set it to a secret first}"'  # the shell stops where the variable is empty


def served_name(model: str, exposure: Exposure) -> str:
    """What requests call the model: as told, else the last part of its folder or hub name."""
    return exposure.name or Path(model.rstrip("/")).name or model


def check_served(server: Server, family: Family | None) -> None:
    """Hold a server to be one that serves the family; of an unknown model nothing is known.

    Raises:
        UsageError: it does not; the message says which do.
    """
    if family is not None and server not in family.serving.servers:
        raise UsageError(
            f"{server} does not serve {family.title}, as far as is known.", cure=f"These do: {', '.join(family.serving.servers)}."
        )


def launch_line(
    server: Server,
    model: str,
    limits: Limits,
    *,
    t4: bool = False,
    exposure: Exposure = HERE,
    family: Family | None = FAMILIES[DEFAULT],
) -> str:
    """The line that starts a server; for Ollama the one that makes the model of its Modelfile.

    Raises:
        UsageError: the server does not serve the family, or no adapter, or has no flag for thinking.
    """
    check_served(server, family)
    if exposure.adapter and server not in ("vllm", "lmdeploy"):
        raise UsageError(f"{server} serves no LoRA adapter of peft.", cure="Merge it first: vltrain merge; or use vllm or lmdeploy.")
    if exposure.thinking is not None and server not in ("vllm", "llama-server"):
        what = f"{server} has no flag for thinking."
        raise UsageError(what, cure="Ask for it with each question: vleval predict --thinking on|off")
    if server == "vllm":
        return vllm_line(model, limits, t4=t4, exposure=exposure, family=family)
    if server == "lmdeploy":
        return lmdeploy_line(model, limits, t4=t4, exposure=exposure)
    if server == "transformers":
        return transformers_line(model, t4=t4, exposure=exposure)
    if server == "llama-server":
        return llama_line(model, limits, exposure=exposure, family=family)
    return f"cd {shlex.quote(model)} && ollama create {shlex.quote(served_name(model, exposure).lower())} -f Modelfile"


def _with_key(words: list[str], flag: str, exposure: Exposure) -> str:
    """The line; the key stands in it as the shell's variable, never as itself."""
    return f"{shlex.join(words)} {flag} {_KEY}" if exposure.key else shlex.join(words)


def vllm_line(model: str, limits: Limits, *, t4: bool = False, exposure: Exposure = HERE, family: Family | None = FAMILIES[DEFAULT]) -> str:
    """The `vllm serve` line; the T4 variant computes in float16 and without CUDA graphs."""
    at = str(exposure.port or PORTS["vllm"])
    words = ["vllm", "serve", model, "--served-model-name", served_name(model, exposure), "--host", exposure.host, "--port", at]
    words += ["--dtype", "float16" if t4 else "auto", "--max-model-len", str(limits.context)]
    words += ["--limit-mm-per-prompt", json.dumps({"image": limits.pictures, "video": 0})]
    if family is not None and family.serving.pixel_limits:
        words += ["--mm-processor-kwargs", json.dumps({"min_pixels": limits.min_pixels, "max_pixels": limits.max_pixels})]
    words += ["--generation-config", "vllm"]
    if family is not None and family.serving.thoughts:
        words += ["--reasoning-parser", family.serving.thoughts]
    if exposure.thinking is not None:
        words += ["--default-chat-template-kwargs", json.dumps({"enable_thinking": exposure.thinking})]
    if t4:
        words += ["--enforce-eager", "--no-enable-prefix-caching"]
    if exposure.adapter:
        words += ["--enable-lora", "--max-lora-rank", str(exposure.rank or 16)]
        words += ["--lora-modules", f"{Path(exposure.adapter).name}={exposure.adapter}"]
    return _with_key(words, "--api-key", exposure)


def lmdeploy_line(model: str, limits: Limits, *, t4: bool = False, exposure: Exposure = HERE) -> str:
    """The `lmdeploy serve api_server` line. The cache share is one of the memory left free by the weights."""
    at = str(exposure.port or PORTS["lmdeploy"])
    words = ["lmdeploy", "serve", "api_server", model, "--model-name", served_name(model, exposure)]
    words += ["--server-name", exposure.host, "--server-port", at, "--backend", "pytorch"]
    words += ["--dtype", "float16" if t4 else "auto", "--session-len", str(limits.context)]
    words += ["--max-batch-size", "16" if t4 else "64", "--cache-max-entry-count", "0.5" if t4 else "0.8"]
    if t4:
        words.append("--eager-mode")
    if exposure.adapter:
        words += ["--adapters", f"{Path(exposure.adapter).name}={exposure.adapter}"]
    return _with_key(words, "--api-keys", exposure)


def transformers_line(model: str, *, t4: bool = False, exposure: Exposure = HERE) -> str:
    """The `transformers serve` line. It has no limits to set, and takes neither a name nor a key."""
    at = str(exposure.port or PORTS["transformers"])
    words = ["transformers", "serve", model, "--host", exposure.host, "--port", at, "--device", "auto"]
    return shlex.join([*words, "--dtype", "float16" if t4 else "auto"])


def llama_line(model: str, limits: Limits, *, exposure: Exposure = HERE, family: Family | None = FAMILIES[DEFAULT]) -> str:
    """The `llama-server` line for a model converted to GGUF, its vision tower next to it. The context is shared by the slots."""
    gguf = Path(model) if model.endswith(".gguf") else Path(model) / "model.gguf"
    at = str(exposure.port or PORTS["llama-server"])
    words = ["llama-server", "-m", str(gguf), "--mmproj", str(gguf.with_name(f"mmproj-{gguf.name}"))]
    words += ["--alias", served_name(model, exposure), "--host", exposure.host, "--port", at, "--jinja"]
    words += ["-c", str(_SLOTS * limits.context), "-np", str(_SLOTS)]
    if exposure.thinking is not None:
        words += ["--chat-template-kwargs", json.dumps({"enable_thinking": exposure.thinking})]
    if family is not None and family.serving.pixel_limits:
        cells = family.images.factor**2
        words += ["--image-min-tokens", str(limits.min_pixels // cells), "--image-max-tokens", str(-(-limits.max_pixels // cells))]
    return _with_key(words, "--api-key", exposure)


def modelfile(model: str, limits: Limits, family: Family | None = FAMILIES[DEFAULT]) -> str:
    """An Ollama Modelfile for a merged model.

    Ollama's own renderer puts pictures where they stand; a TEMPLATE of ours would be ignored. Ollama enlarges every picture to at
    least 1,024 tokens, so the context is reckoned with that.
    """
    per_picture = max(1_024, limits.max_pixels // 1_024) + 2
    context = max(limits.context, -(-(limits.pictures * per_picture + limits.answer_tokens + 512) // _ROUND) * _ROUND)
    own = family.serving.ollama if family is not None else ""
    named = [f"RENDERER {own}", f"PARSER {own}"] if own else []
    lines = [f"FROM {model}", *named, "PARAMETER temperature 0", "PARAMETER top_k 1"]
    return "\n".join([*lines, f"PARAMETER num_ctx {context}", f"PARAMETER num_predict {limits.answer_tokens}"]) + "\n"
