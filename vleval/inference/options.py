"""What a run is told, and what an address of a server looks like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from vldata.flags import Flag, OptionGroup
from vleval.inference.ask import Sampler

_BACKEND = "vllm, lmdeploy, transformers, llama-server, openai (any server of that API), ollama, or hf: in this process."
_MODEL = "The model's name, as the server lists it; its folder for hf, and for vllm or lmdeploy without --base-url."


def _backends() -> list[str]:
    from vleval.inference.backends import BACKENDS

    return list(BACKENDS)


BackendName = Annotated[str, Flag(_BACKEND, metavar="NAME", complete=_backends)]
ModelName = Annotated[str, Flag(_MODEL, metavar="MODEL")]
BaseUrl = Annotated[
    str, Flag("Address of the server; by default the backend's usual port on this machine.", metavar="URL", show_default=False)
]
BaseUrls = Annotated[
    str | Sequence[str],
    Flag(
        "Address of the server; given more than once, or A,B: servers of one model that share the questions.",
        metavar="URL",
        show_default=False,
    ),
]
Adapter = Annotated[str, Flag("LoRA adapter folder, for hf.", metavar="DIR", show_default=False)]
Dtype = Annotated[str, Flag("auto, float32, float16 or bfloat16, for a model in this process.", metavar="TYPE")]
AnswerTimeout = Annotated[float, Flag("Seconds an answer may take.", ("--timeout-s",), least=0.1, most=86_400)]
ServerStrict = Annotated[bool, Flag("Stop where the server differs from the contract instead of warning.", ("--strict",))]


class RunOptions(OptionGroup, frozen=True, kw_only=True):
    """Options of a run; the command line's flags of the same names. `adapter` is for hf, `engine_args` for an engine in this process."""

    PANEL: ClassVar[str] = "Asking"

    backend: BackendName = "openai"
    model: ModelName
    adapter: Adapter = ""
    dtype: Dtype = "auto"
    trust_remote_code: Annotated[bool, Flag("Run code of the model folder's own (hf). Read it first.")] = False
    engine_args: Annotated[
        str,
        Flag(
            "Options of vLLM's or LMDeploy's engine in this process: a JSON object, or a YAML file.",
            metavar="JSON|FILE",
            show_default=False,
        ),
    ] = ""
    base_url: BaseUrls = ()
    sampler: Sampler = Sampler()
    concurrency: Annotated[int, Flag("Most requests in flight, at each server.", least=1, most=1024)] = 16
    timeout_s: AnswerTimeout = 300.0
    retries: Annotated[int, Flag("Further attempts after a passing fault.", least=0, most=1_000)] = 5
    limit: Annotated[int | None, Flag("Ask only the first N.", metavar="N", least=1, show_default=False)] = None
    preflight: Annotated[bool, Flag("Look at the server before asking.", ("--preflight/--no-preflight",), show_default=False)] = True
    allow_blind: Annotated[bool, Flag("Ask although the server does not see the images.")] = False
    strict: ServerStrict = False

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that were given, each by itself."""
        given = (self.base_url,) if isinstance(self.base_url, str) else self.base_url
        return tuple(address.strip() for text in given for address in text.split(",") if address.strip())
