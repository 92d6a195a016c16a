"""`vleval serve-cmd`: the line that starts a server for a model and the records of a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from vldata.errors import DataError, UsageError
from vldata.flags import Flag
from vldata.jobs import JobResult
from vldata.wording import counted
from vleval.api.predict import Data
from vleval.inference.ask import MOST_TOKENS

if TYPE_CHECKING:
    from vldata.models.serving import Limits

_VISION = ("visual.", "vision_tower.", "vision_model.", "multi_modal_projector.", "connector.", "merger.")
_CURL = """Or: curl {url}/v1/chat/completions -H "Authorization: Bearer $VLEVAL_API_KEY" -H "Content-Type: application/json" \
-d '{{"model": "{name}", "messages": [{{\
"role": "user", "content": [{{"type": "image_url", "image_url": {{"url": "data:image/jpeg;base64,'$(base64 -w0 picture.jpg)'"}}}}, \
{{"type": "text", "text": "What is in the picture?"}}]}}]}}'"""

_OLLAMA_CURL = """Or: curl {url}/api/chat -d '{{"model": "{name}", "stream": false, "messages": [{{\
"role": "user", "content": "What is in the picture?", "images": ["'$(base64 -w0 picture.jpg)'"]}}]}}'"""
_OLLAMA_PYTHON = """Or in Python: import base64, json, urllib.request as web; image = base64.b64encode(open("picture.jpg", "rb").read()); \
body = {{"model": "{name}", "stream": False, "messages": [{{"role": "user", "content": "What is it?", "images": [image.decode()]}}]}}; \
print(json.load(web.urlopen("{url}/api/chat", json.dumps(body).encode()))["message"]["content"])"""

ServerName = Literal["vllm", "lmdeploy", "ollama", "transformers", "llama-server"]


@dataclass(frozen=True, repr=False)
class ServeLine(JobResult):
    """The line, the limits it was made with and how they were found; for Ollama the Modelfile too."""

    backend: ServerName
    model: str
    command: str
    limits: Limits
    how: str
    name: str
    url: str
    warnings: tuple[str, ...] = ()
    checked: bool | None = None
    modelfile: str = ""

    @property
    def ok(self) -> bool:
        """Whether no flag was found that the installed server does not know."""
        return self.checked is not False

    def lines(self) -> Iterator[str]:
        """Yield what to type."""
        if self.modelfile:
            yield f"cat > {self.model}/Modelfile <<'END'\n{self.modelfile}END"
        yield self.command

    def asides(self) -> Iterator[str]:
        """Yield the limits, and what a server needs next to the line."""
        images = f"{counted(self.limits.pictures, 'picture')} of {self.limits.max_pixels:,} pixels"
        prompt = f"Longest prompt: {self.limits.prompt_tokens:,} tokens, at most {images}"
        yield f"{prompt}; {self.how}; with {self.limits.answer_tokens:,} to answer the context is {self.limits.context:,}."
        yield from self.warnings
        if self.backend == "ollama":
            yield f'Then: ollama run {self.name.lower()} "What is in the picture? ./picture.jpg"'
            yield _OLLAMA_CURL.format(url=self.url, name=self.name.lower())
            yield _OLLAMA_PYTHON.format(url=self.url, name=self.name.lower())
            yield "Ollama reads a merged model whose config.json names rope_theta."
            yield "`vltrain export --to ollama` writes that and the Modelfile."
        if self.backend == "llama-server":
            yield "The GGUF files are made by llama.cpp's convert_hf_to_gguf.py: once as it is, once with --mmproj."
        if self.backend != "ollama":
            asked = f"--backend {self.backend} --model {self.name} --base-url {self.url}"
            yield f"Ask it: vleval predict --data DIR/NAME {asked} --out preds.jsonl"
            yield _CURL.format(url=self.url, name=self.name)

    def document(self) -> dict[str, Any]:
        """Return line, limits, context and how they were counted."""
        import msgspec

        limits = msgspec.to_builtins(self.limits)
        document = {"command": self.command, "limits": limits, "context": self.limits.context, "counted": self.how}
        document |= {"model": self.name, "url": self.url, "warnings": list(self.warnings), "flags_checked": self.checked}
        return {**document, "modelfile": self.modelfile} if self.modelfile else document


def serve_cmd(
    data: Data,
    *,
    model: Annotated[str, Flag("Folder of the model to serve, or its name on the hub.")],
    backend: Annotated[ServerName, Flag("The server to start.")] = "vllm",
    gpu: Annotated[Literal["any", "t4"], Flag("t4: 16 GB and no bfloat16.")] = "any",
    answer_tokens: Annotated[int, Flag("Tokens an answer may take.", metavar="N", least=1, most=MOST_TOKENS)] = 512,
    port: Annotated[int, Flag("Port to listen on; 0: the server's usual one.", metavar="N", least=0, most=65_535)] = 0,
    host: Annotated[str, Flag("Address to listen on; 0.0.0.0 lets other machines in.", metavar="ADDRESS")] = "127.0.0.1",
    name: Annotated[str, Flag("What requests call the model; by default its folder's name.", metavar="NAME", show_default=False)] = "",
    no_key: Annotated[bool, Flag("Let requests in without a key; by default they need VLEVAL_API_KEY.")] = False,
    adapter: Annotated[
        str, Flag("LoRA adapter folder to serve next to the model (vllm, lmdeploy).", metavar="DIR", show_default=False)
    ] = "",
    thinking: Annotated[
        Literal["auto", "on", "off"], Flag("Let a model that can do both think, or not, where a request does not say (vllm, llama-server).")
    ] = "auto",
    check: Annotated[bool, Flag("Ask the server that is installed here whether it knows the flags.")] = False,
) -> ServeLine:
    """Print the line that starts a server so that every record of a dataset fits, at the pixels it was made with; nothing is started.

    Raises:
        UsageError: the server does not serve the model, or the address is none.
        DataError: the dataset or the model folder cannot be read, or the server does not read its weights.
    """
    from vldata.datasets.dataset import Dataset
    from vldata.datasets.limits import dataset_limits
    from vldata.models.families import find_family
    from vldata.models.families_of import folder_family
    from vldata.models.flagcheck import check_flags
    from vldata.models.layout import check_model_folder, is_quantized
    from vldata.models.serving import PORTS, Exposure, launch_line, modelfile, served_name

    if Path(model).is_dir() and backend != "llama-server":  # whose folder holds GGUF files
        check_model_folder(Path(model))
        if backend != "vllm" and is_quantized(Path(model)):
            raise DataError(f"{backend} does not read bitsandbytes weights.", where=model, cure="Give the merged full-precision model.")
    dataset = Dataset(data)
    local = (Path(model) / "config.json").is_file()
    family = folder_family(Path(model)) if local else find_family(dataset.contract.pixels.processor)
    limits, how = dataset_limits(dataset, model, answer_tokens=answer_tokens)
    rank, warnings = _adapter_facts(adapter, backend) if adapter else (0, ())
    wanted = None if thinking == "auto" else thinking == "on"
    exposure = Exposure(host=_address(host), port=port, name=name, key=not no_key, adapter=adapter, rank=rank, thinking=wanted)
    line = launch_line(backend, model, limits, t4=gpu == "t4", exposure=exposure, family=family)
    if host not in ("127.0.0.1", "localhost", "::1") and no_key:
        warnings += ("Everybody who reaches this machine can use the server: it listens on other addresses and asks for no key.",)
    if backend == "transformers":
        warnings += ("transformers serve takes no key and no name: requests name the folder.",)
    checked, said = check_flags(backend, line) if check else (None, "")
    called = model if backend == "transformers" else served_name(model, exposure)
    return ServeLine(
        backend=backend,
        model=model,
        command=line,
        limits=limits,
        how=how,
        name=Path(adapter).name if adapter else called,
        url=f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port or PORTS[backend]}",
        warnings=(*warnings, said) if said else warnings,
        checked=checked,
        modelfile=modelfile(".", limits, family) if backend == "ollama" else "",
    )


def _address(host: str) -> str:
    """The address to listen on.

    Raises:
        UsageError: it is none.
    """
    import re

    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}|::1?", host):
        raise UsageError(f"--host {host!r} is no address.", cure="For example: --host 127.0.0.1")
    return host


def _adapter_facts(folder: str, backend: str) -> tuple[int, tuple[str, ...]]:
    """The rank of an adapter, and what a server makes of it that its training did not.

    Raises:
        DataError: the folder holds no adapter.
    """
    from vldata.models.layout import adapter_tensors, read_adapter_config

    config = read_adapter_config(Path(folder))
    vision = [name for name in adapter_tensors(Path(folder)) if any(part in name for part in _VISION)]
    warnings = []
    if vision:
        warnings.append(
            f"The adapter changes the vision side ({len(vision)} tensors), which {backend} passes over without a word (vLLM #23796): "
            "merge it instead (vltrain merge), and serve the merged model."
        )
    rank = config.get("r")
    if not isinstance(rank, int) or isinstance(rank, bool) or not 0 < rank <= 1_024:
        raise DataError(f"has the rank {rank!r}.", where=folder, cure="Give a LoRA adapter whose adapter_config.json has r.")
    return rank, tuple(warnings)
