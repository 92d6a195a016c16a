"""`vleval serve-cmd`: the line that starts a server for a model and a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vleval.cli import options as o

if TYPE_CHECKING:
    from vldata.models.serving import Limits


def serve_cmd(
    data: o.Data,
    model: Annotated[str, typer.Option(help="Folder of the model to serve, or its name on the hub.")],
    backend: Annotated[
        Literal["vllm", "lmdeploy", "ollama", "transformers", "llama-server"], typer.Option(help="The server to start.")
    ] = "vllm",
    gpu: Annotated[Literal["any", "t4"], typer.Option(help="t4: 16 GB and no bfloat16.")] = "any",
    answer_tokens: Annotated[int, typer.Option(help="Tokens an answer may take.", min=1, max=o.MOST_TOKENS)] = 512,
    port: Annotated[int, typer.Option(help="Port to listen on; 0: the server's usual one.", min=0, max=65_535)] = 0,
    json: o.Json = False,
) -> None:
    """Print the line that starts a server so that every record of a dataset fits, at the pixels it was made with; nothing is started."""
    import msgspec

    from vldata.datasets.dataset import Dataset
    from vldata.datasets.limits import dataset_limits
    from vldata.models.layout import check_model_folder
    from vldata.models.serving import launch_line, modelfile
    from vldata.terminal import note, say, say_json

    if Path(model).is_dir() and backend != "llama-server":  # whose folder holds GGUF files
        check_model_folder(Path(model))
    limits, how = dataset_limits(Dataset(data), model, answer_tokens=answer_tokens)
    line = launch_line(backend, model, limits, t4=gpu == "t4", port=port)
    file = modelfile(".", limits) if backend == "ollama" else ""
    if json:
        document = {"command": line, "limits": msgspec.to_builtins(limits), "context": limits.context, "counted": how}
        say_json({**document, "modelfile": file} if file else document)
        return
    if file:
        say(f"cat > {model}/Modelfile <<'END'\n{file}END")
    say(line)
    note(_summary(limits, how))
    if backend == "ollama":
        note("Ollama reads a merged model whose config.json names rope_theta: `vltrain export --to ollama` writes that and the Modelfile.")
    if backend == "llama-server":
        note("The GGUF files are made by llama.cpp's convert_hf_to_gguf.py: once as it is, once with --mmproj.")


def _summary(limits: Limits, how: str) -> str:
    pictures = f"{limits.pictures} picture{'s' if limits.pictures != 1 else ''}"
    prompt = f"Longest prompt: {limits.prompt_tokens:,} tokens, at most {pictures} of {limits.max_pixels:,} pixels"
    return f"{prompt}; {how}; with {limits.answer_tokens:,} to answer the context is {limits.context:,}."
