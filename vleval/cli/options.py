"""Options that several commands share, with their words in one place."""

from __future__ import annotations

import os
from typing import Annotated

import typer

MOST_TOKENS = 1_048_576  # the longest context there is
MOST_SEED = 2**31 - 1  # what every server takes


def a_number(value: float) -> float:
    """Refuse nan, which no limit holds off."""
    if value != value:
        raise typer.BadParameter("nan is not a number.")
    return value


File = Annotated[str, typer.Argument(metavar="FILE", help="Predictions of any known tool; - for stdin.")]
References = Annotated[
    str | None, typer.Option("--references", "--data", metavar="FILE|DIR/NAME", help="Accepted answers: a file, or a dataset of vldata.")
]
# Of commands that ask a model.
Data = Annotated[str, typer.Option("--data", help="DIR/NAME of a dataset of vldata.", metavar="DIR/NAME")]
Backend = Annotated[
    str, typer.Option(help="vllm, lmdeploy, transformers, llama-server, openai (any server of that API), ollama, or hf: in this process.")
]
Model = Annotated[
    str,
    typer.Option(help="The model's name, as the server lists it; its folder for hf, and for vllm or lmdeploy without --base-url."),
]
BaseUrl = Annotated[
    str, typer.Option(help="Address of the server; by default the backend's usual port on this machine.", show_default=False)
]
Dtype = Annotated[str, typer.Option(help="auto, float32, float16 or bfloat16, for a model in this process.")]
Adapter = Annotated[str, typer.Option(help="LoRA adapter folder, for hf.", show_default=False)]
MaxTokens = Annotated[int, typer.Option(help="Most tokens of an answer.", min=1, max=MOST_TOKENS)]
TimeoutS = Annotated[float, typer.Option("--timeout-s", help="Seconds an answer may take.", min=0.1, max=86_400, callback=a_number)]
Retries = Annotated[int, typer.Option(help="Further attempts after a passing fault.", min=0, max=1_000)]
AskSeed = Annotated[int, typer.Option("--seed", help="Seed sent to the server.", min=0, max=MOST_SEED)]
Strict = Annotated[bool, typer.Option("--strict", help="Stop where the server differs from the contract instead of warning.")]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def api_key() -> str:
    """Read the key from the environment, the only place it may come from."""
    return os.environ.get("VLEVAL_API_KEY") or os.environ.get("OPENAI_API_KEY") or ""
