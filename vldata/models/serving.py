"""Launch lines of servers, with limits from what the data cost. Pure text: nothing is started.

Flags were tried on vLLM 0.32 and LMDeploy 0.18; the Modelfile's RENDERER and PARSER are Ollama's own for Qwen3-VL.
"""

from __future__ import annotations

import json
import shlex
from typing import Literal

import msgspec

Server = Literal["vllm", "lmdeploy", "ollama"]
_ROUND = 1_024


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


def vllm_line(model: str, limits: Limits, *, t4: bool = False, port: int = 8_000) -> str:
    """The `vllm serve` line; the T4 variant computes in float16 and without CUDA graphs."""
    words = ["vllm", "serve", model, "--port", str(port), "--dtype", "float16" if t4 else "auto"]
    words += ["--max-model-len", str(limits.context), "--limit-mm-per-prompt", json.dumps({"image": limits.pictures, "video": 0})]
    words += ["--mm-processor-kwargs", json.dumps({"min_pixels": limits.min_pixels, "max_pixels": limits.max_pixels})]
    words += ["--generation-config", "vllm"]
    if t4:
        words += ["--enforce-eager", "--no-enable-prefix-caching"]
    return shlex.join(words)


def lmdeploy_line(model: str, limits: Limits, *, t4: bool = False, port: int = 23_333) -> str:
    """The `lmdeploy serve api_server` line. The cache share is one of the memory left free by the weights."""
    words = ["lmdeploy", "serve", "api_server", model, "--server-port", str(port), "--backend", "pytorch"]
    words += ["--dtype", "float16" if t4 else "auto", "--session-len", str(limits.context)]
    words += ["--max-batch-size", "16" if t4 else "64", "--cache-max-entry-count", "0.5" if t4 else "0.8"]
    if t4:
        words.append("--eager-mode")
    return shlex.join(words)


def modelfile(model: str, limits: Limits) -> str:
    """An Ollama Modelfile for a merged Qwen3-VL.

    Ollama's own renderer puts pictures where they stand; a TEMPLATE of ours would be ignored beside it. Ollama enlarges every picture to at
    least 1,024 tokens, so the context is reckoned with that.
    """
    per_picture = max(1_024, limits.max_pixels // 1_024) + 2
    context = max(limits.context, -(-(limits.pictures * per_picture + limits.answer_tokens + 512) // _ROUND) * _ROUND)
    lines = [f"FROM {model}", "RENDERER qwen3-vl-instruct", "PARSER qwen3-vl-instruct", "PARAMETER temperature 0", "PARAMETER top_k 1"]
    return "\n".join([*lines, f"PARAMETER num_ctx {context}", f"PARAMETER num_predict {limits.answer_tokens}"]) + "\n"
