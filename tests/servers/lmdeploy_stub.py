"""LMDeploy without a GPU: its engine, which is CUDA, is replaced by transformers' generate.

    PYTHON lmdeploy_stub.py MODEL serve PORT           # its API server
    PYTHON lmdeploy_stub.py MODEL vleval ARGUMENT...   # our command line, which finds this LMDeploy in its process

Everything else is LMDeploy's: routes, validation, chat template, tokenizer, picture preprocessing, replies. The engine takes the token ids
and pixel patches that LMDeploy made of a request. Runs in LMDeploy's venv.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import torch
from lmdeploy import PytorchEngineConfig
from lmdeploy.serve.core.async_engine import AsyncEngine, GenOut
from transformers import AutoModelForImageTextToText

MODEL, WHAT, *REST = sys.argv[1:]
model = AutoModelForImageTextToText.from_pretrained(MODEL, dtype=torch.float32).eval()


class NoEngine:
    """What the server asks of an engine besides answers: nothing that matters to a client."""

    def __init__(self, engine_config: Any) -> None:
        engine_config.max_batch_size = engine_config.max_batch_size or 4  # an engine chooses by its GPU
        self.engine_config = engine_config
        self.model_config = SimpleNamespace()

    def create_instance(self, *_: Any, **__: Any) -> SimpleNamespace:
        return SimpleNamespace()

    def get_schedule_metrics(self) -> None:
        return None

    async def get_health_metrics(self) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: None


def answer(ids: list[int], pictures: list[dict[str, Any]], max_tokens: int) -> list[int]:
    """Generate greedily; returns token ids, the end token among them where it came."""
    inputs: dict[str, Any] = {"input_ids": torch.tensor([ids])}
    if pictures:
        inputs["pixel_values"] = torch.cat([picture["pixel_values"] for picture in pictures]).float()
        inputs["image_grid_thw"] = torch.cat([picture["image_grid_thw"].reshape(-1, 3) for picture in pictures])
        inputs["mm_token_type_ids"] = (inputs["input_ids"] == model.config.image_token_id).long()
    with torch.inference_mode():
        output = model.generate(**inputs, attention_mask=torch.ones_like(inputs["input_ids"]), do_sample=False, max_new_tokens=max_tokens)
    return output[0, len(ids) :].tolist()


async def generate(self: AsyncEngine, request: Any, stream_response: bool = True) -> AsyncIterator[GenOut]:
    """Answer a request that LMDeploy has preprocessed, a token at a time."""
    ids = list(request.inputs["input_ids"])
    pictures = request.inputs.get("multimodal") or []
    made = await asyncio.to_thread(answer, ids, pictures, request.gen_config.max_new_tokens)
    end = model.generation_config.eos_token_id
    kept = made[:-1] if made and made[-1] == end else made
    shown = ""
    for count in range(1, len(kept) + 1):
        text = self.tokenizer.decode(kept[:count])
        yield GenOut(text[len(shown) :], len(ids), count, None, token_ids=[kept[count - 1]])
        shown = text
    yield GenOut("", len(ids), len(kept), "stop" if len(kept) < len(made) else "length", token_ids=[])


AsyncEngine._build_pytorch = lambda self, model_path, backend_config=None, **_: NoEngine(backend_config)
AsyncEngine.generate = generate
if WHAT == "serve":
    from lmdeploy.serve.openai import api_server

    api_server.serve(
        MODEL,
        backend="pytorch",
        backend_config=PytorchEngineConfig(dtype="float16", max_batch_size=4, session_len=2048, eager_mode=True),
        server_name="127.0.0.1",
        server_port=int(REST[0]),
        model_name="tiny",
        log_level="ERROR",
        max_concurrent_requests=8,
    )
else:
    from vleval.cli import main

    sys.argv = ["vleval", *REST]
    main()
