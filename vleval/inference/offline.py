"""vLLM and LMDeploy in this process, where they are installed: a folder with the model, no server, many questions at once.

vLLM is given token ids that `vldata.models.prompt` rendered, a picture token for each picture, and the pictures. LMDeploy renders by the
model's own template, as its server does.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from vldata.datasets.dataset import Dataset
from vldata.datasets.limits import dataset_limits
from vldata.errors import DataError, UsageError
from vldata.models.serving import PORTS, Limits, Server
from vleval.inference import openai_wire
from vleval.inference.ask import Ask, Sampler
from vleval.inference.client import Outcome
from vleval.inference.engine_args import over, read_engine_args, refused
from vleval.inference.messages import ask_messages, open_pictures
from vleval.inference.options import RunOptions
from vleval.inference.pictures import PictureCache
from vleval.inference.retry import Answer, AskFault

Keyed = tuple[str, Ask]
# Answers asks, one for one.
Engine = Callable[[Sequence[Ask]], list[Answer | AskFault]]


class Loading(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine is loaded with: the model's folder, type of numbers, sampler, limits, and the user's own options of the engine."""

    model: str
    dtype: str
    sampler: Sampler
    limits: Limits
    args: dict[str, Any]
    note: Callable[[str], None]


Loader = Callable[[Loading], Engine]
_CHUNK = 256  # questions an engine is given at once: what is lost when a run is killed


def takes_offline(model: str, addresses: Sequence[str]) -> bool:
    """Say whether an engine is to run in this process: no server is named, and the model is a folder."""
    return not addresses and (Path(model) / "config.json").is_file()


def load_engine(load: Loader, dataset: Dataset, options: RunOptions, note: Callable[[str], None]) -> Engine:
    """Load a model with room for what the dataset asks.

    Raises:
        UsageError: the package is not installed, or finds no GPU; an adapter is given, or options that the engine does not take.
    """
    if options.adapter:
        raise UsageError(
            f"the {options.backend} backend takes no adapter in this process.",
            cure="Merge it first: vltrain merge; or ask with --backend hf.",
        )
    limits, _ = dataset_limits(dataset, options.model, answer_tokens=options.sampler.max_tokens)
    args = read_engine_args(options.engine_args)
    return load(Loading(model=options.model, dtype=options.dtype, sampler=options.sampler, limits=limits, args=args, note=note))


class EngineBackend:
    """An engine in this process, given some hundred questions at a time."""

    names: Sequence[str] = ()

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def answer(self, asks: Iterable[Keyed], on_done: Callable[[Outcome], None]) -> None:
        """Answer everything, chunk by chunk."""
        queue = iter(asks)
        while chunk := list(itertools.islice(queue, _CHUNK)):
            started = time.perf_counter()
            results = _answer(self._engine, [ask for _, ask in chunk])
            seconds = (time.perf_counter() - started) / len(chunk)
            for (key, ask), result in zip(chunk, results, strict=True):
                on_done(Outcome(key, ask, result, 1, seconds))


def _answer(engine: Engine, asks: list[Ask]) -> list[Answer | AskFault]:
    """Answer a chunk; a question that the engine refuses, and not the others with it, is a fault."""
    try:
        return engine(asks)
    except (ValueError, DataError) as error:  # an engine refuses the whole chunk for one prompt
        if len(asks) == 1:
            return [AskFault(fate="give_up", reason=str(error).splitlines()[0][:300])]
        half = len(asks) // 2
        return _answer(engine, asks[:half]) + _answer(engine, asks[half:])


def load_vllm(loading: Loading) -> Engine:
    """Load vLLM's engine.

    Raises:
        UsageError: vLLM cannot be imported, or finds no device.
    """
    os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")  # read when vLLM is imported; stdout is for results
    try:
        from vllm import LLM, SamplingParams
        from vllm.platforms import current_platform
    except ImportError as error:
        raise _missing("vllm", "vllm", error) from None
    from vldata.models.prompt import Prompter

    if not current_platform.device_type:  # vLLM found nothing that this build of it computes on
        raise _no_gpu("vllm")
    sampler, limits = loading.sampler, loading.limits
    prompter = Prompter(Path(loading.model))
    prompter.choose_thinking(sampler.thinks)
    dtype = loading.dtype
    if dtype == "auto" and current_platform.is_cpu():
        dtype = "float32"  # as the hf backend; vLLM's auto would halve the model
    ours = {
        "model": loading.model,
        "dtype": dtype,
        "max_model_len": limits.context,
        "limit_mm_per_prompt": {"image": limits.pictures, "video": 0},
        "mm_processor_kwargs": {"min_pixels": limits.min_pixels, "max_pixels": limits.max_pixels},
        "generation_config": "vllm",
        "seed": sampler.seed or 0,
    }
    try:
        llm = LLM(**over(ours, loading.args, loading.note))
    except TypeError as error:
        if not loading.args:
            raise
        raise refused("vllm", error) from None
    params = SamplingParams(
        max_tokens=sampler.max_tokens,
        temperature=sampler.temperature,
        top_p=sampler.top_p,
        seed=sampler.seed,
        stop=list(sampler.stop),
        **sampler.extra,
    )

    def answer(asks: Sequence[Ask]) -> list[Answer | AskFault]:
        prompts = []
        for ask in asks:
            ids = prompter.encode_prompt(ask_messages(ask), [1] * len(ask.images))
            shown = {"multi_modal_data": {"image": open_pictures(ask)}} if ask.images else {}
            prompts.append({"prompt_token_ids": ids.tolist(), **shown})
        return [_read_vllm(output) for output in llm.generate(prompts, params, use_tqdm=False)]

    return answer


def _read_vllm(output: Any) -> Answer:
    best = output.outputs[0]
    return Answer(
        text=best.text,
        finish_reason=best.finish_reason or "",
        model="vllm",
        prompt_tokens=len(output.prompt_token_ids),
        completion_tokens=len(best.token_ids),
    )


def load_lmdeploy(loading: Loading) -> Engine:
    """Load LMDeploy's PyTorch engine.

    Raises:
        UsageError: LMDeploy cannot be imported, or finds no GPU.
    """
    try:
        from lmdeploy import GenerationConfig, PytorchEngineConfig, pipeline
    except ImportError as error:
        raise _missing("lmdeploy", "lmdeploy", error) from None
    sampler, model = loading.sampler, loading.model
    if sampler.thinks is not None:
        raise UsageError(
            "--thinking: LMDeploy's engine in this process renders by itself.", cure="Start its server, and name it: --base-url URL"
        )
    try:
        config = PytorchEngineConfig(**over({"dtype": loading.dtype, "session_len": loading.limits.context}, loading.args, loading.note))
    except TypeError as error:
        if not loading.args:
            raise
        raise refused("lmdeploy", error) from None
    try:
        pipe = pipeline(model, backend_config=config)
    except Exception as error:  # without a GPU it ends in whatever its first step on one raises
        import torch

        if torch.cuda.is_available():
            raise
        raise _no_gpu("lmdeploy") from error
    generation = GenerationConfig(
        max_new_tokens=sampler.max_tokens,
        do_sample=sampler.temperature > 0,
        temperature=sampler.temperature,
        top_p=sampler.top_p,
        random_seed=sampler.seed,
        stop_words=list(sampler.stop) or None,
        **sampler.extra,
    )
    pictures = PictureCache()

    def answer(asks: Sequence[Ask]) -> list[Answer | AskFault]:
        bodies = [msgspec.json.decode(openai_wire.build_body(ask, model, sampler, pictures)) for ask in asks]
        return [_read_lmdeploy(reply) for reply in pipe.infer([body["messages"] for body in bodies], gen_config=generation)]

    return answer


def _read_lmdeploy(reply: Any) -> Answer | AskFault:
    if reply.finish_reason not in ("stop", "length"):
        return AskFault(fate="give_up", reason=f"the engine ends with {reply.finish_reason!r}: {reply.text}"[:300])
    return Answer(
        text=reply.text,
        finish_reason=reply.finish_reason,
        model="lmdeploy",
        prompt_tokens=reply.input_token_len,
        completion_tokens=reply.generate_token_len,
    )


def _missing(backend: Server, package: str, error: ImportError) -> UsageError:
    return UsageError(
        f"no --base-url names a server, and {package} cannot be imported here: {error}.",
        cure=f"Ask a running server: --base-url http://127.0.0.1:{PORTS[backend]} (vleval serve-cmd prints the line that starts one);"
        f"\n  or install it: pip install {package}",
    )


def _no_gpu(backend: Server) -> UsageError:
    return UsageError(
        f"the {backend} backend finds no GPU on this machine, and its engine needs one.",
        cure=f"Ask a server on a machine that has one: --base-url http://HOST:{PORTS[backend]}; or answer on this CPU: --backend hf.",
    )
